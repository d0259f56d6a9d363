//! CloudWatch in RPC v2 CBOR, which current SDKs speak, and in AWS JSON 1.0 (aws-facts §2.6, §7).
//! Reads and writes; what is published when is `pipeline`'s.

mod alarm;
mod read;
mod write;

use std::collections::BTreeMap;

pub use read::read;
pub use write::write;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Cbor,
    Json,
}

/// How an answer is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    pub encoding: Encoding,
    /// Labels the caller gave, by query id.
    pub labels: BTreeMap<String, String>,
}

impl Form {
    pub fn new(encoding: Encoding) -> Self {
        Form { encoding, labels: BTreeMap::new() }
    }
}
