//! DynamoDB Streams in AWS JSON 1.0 (aws-facts §4.3, §7). Reads and writes; what a shard holds is
//! `pipeline`'s.

mod read;
mod write;

pub use read::read;
pub use write::write;
