//! One integration binary, so that the AWS SDK is linked once.

mod alarms;
mod aws;
mod console;
mod context;
mod driver;
mod edit;
mod fleet;
mod foresight;
mod hangup;
mod killed;
mod leaving;
mod letters;
mod logs;
mod mover;
mod peer;
mod pipeline_story;
mod posture;
mod pty;
mod quiet;
mod reach;
mod rescue;
mod schema;
mod settings;
mod signed;
mod soak;
mod standing;
mod stopped;
mod storm;
mod verdicts;
mod wire;

// What the suite shares with the unit tests is written against the crate's own paths.
use redrive::{model, operation};
