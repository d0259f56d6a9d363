//! One integration binary, so that the AWS SDK is linked once.

mod aws;
mod pty;
mod wire;
