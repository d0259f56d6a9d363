//! What can be asked of S3 and what it answers: the part of [`crate::pipeline::request`] that is this
//! service's. Reads only.

use std::sync::Arc;

use crate::model::object::Object;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectRequest {
    /// `ListObjectsV2`.
    List {
        bucket: String,
        prefix: String,
        /// Keys up to this one are left out.
        after: Option<String>,
        max: usize,
    },
    Get {
        bucket: String,
        key: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectReply {
    Listed { objects: Vec<Object>, is_cut: bool },
    Object { object: Object, body: Arc<str> },
}
