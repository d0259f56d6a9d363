//! A queue's consumer, rehearsed: `watched` is what its queue says minute by minute, `calibrate` makes a
//! `plant` of that and of the function's runs, `run` plays a plant, `candidate` proposes limits of runs
//! at a time, and `consumer` answers what a rehearsal asks of either kind.

pub mod chain;
pub mod plant;
pub mod run;

mod again;
mod arrivals;
pub(super) mod calibrate;
mod candidate;
mod consumer;
mod inflow;
mod line;
mod request;
pub(super) mod watched;
