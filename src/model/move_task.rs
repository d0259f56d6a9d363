//! A message move task as `ListMessageMoveTasks` shows it (aws-facts §3.5).

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, TaskHandle};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoveTaskStatus {
    Running,
    Completed,
    Cancelling,
    Cancelled,
    Failed,
    Other(String),
}

impl MoveTaskStatus {
    pub fn parse(text: &str) -> Self {
        match text {
            "RUNNING" => MoveTaskStatus::Running,
            "COMPLETED" => MoveTaskStatus::Completed,
            "CANCELLING" => MoveTaskStatus::Cancelling,
            "CANCELLED" => MoveTaskStatus::Cancelled,
            "FAILED" => MoveTaskStatus::Failed,
            other => MoveTaskStatus::Other(other.to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            MoveTaskStatus::Running => "RUNNING",
            MoveTaskStatus::Completed => "COMPLETED",
            MoveTaskStatus::Cancelling => "CANCELLING",
            MoveTaskStatus::Cancelled => "CANCELLED",
            MoveTaskStatus::Failed => "FAILED",
            MoveTaskStatus::Other(text) => text,
        }
    }

    /// Nothing more will move.
    pub fn is_settled(&self) -> bool {
        matches!(self, MoveTaskStatus::Completed | MoveTaskStatus::Cancelled | MoveTaskStatus::Failed)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveTask {
    /// Present only while the task runs.
    pub handle: Option<TaskHandle>,
    pub status: MoveTaskStatus,
    pub source: Arn,
    /// Absent: each message goes back to the queue it came from.
    pub destination: Option<Arn>,
    pub max_per_s: Option<u32>,
    /// Approximate; lags by seconds.
    pub moved: u64,
    /// A snapshot taken when the task started.
    pub to_move: Option<u64>,
    pub failure: Option<String>,
    pub started_at: Option<Timestamp>,
}
