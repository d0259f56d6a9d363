//! SQS in AWS JSON 1.0, with the old query protocol's codes beside the new ones (aws-facts §3.6, §7).
//! Reads and writes; what a queue does is `pipeline`'s.

mod fault;
mod read;
mod received;
mod write;

pub use read::read;
pub use write::write;
