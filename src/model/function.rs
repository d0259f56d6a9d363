//! A Lambda function as `ListFunctions` shows it. Environment values are never kept; only the edges
//! they prove are (topology).

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, FunctionName};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    pub name: FunctionName,
    pub arn: Arn,
    pub timeout_s: Option<u32>,
    pub memory_mb: Option<u32>,
    pub last_modified: Option<Timestamp>,
    pub code_sha256: Option<String>,
    /// `ReservedConcurrentExecutions`; `None` when unreserved or not asked.
    pub reserved_concurrency: Option<u32>,
}
