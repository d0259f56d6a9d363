//! What can be asked of CloudWatch Logs and what it answers: the part of
//! [`crate::pipeline::request`] that is this service's.

use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub enum LogsRequest {
    FilterLogEvents(FilterLogEvents),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct FilterLogEvents {
    /// `logGroupName` or `logGroupIdentifier`: a name or an ARN.
    pub group: String,
    /// Empty: all.
    pub streams: Vec<String>,
    pub stream_prefix: Option<String>,
    /// Inclusive, as is `to`.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Empty: every line.
    pub pattern: String,
    pub limit: Option<u32>,
    pub token: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LogsReply {
    Events { events: Vec<LogEvent>, token: Option<String> },
}

#[derive(Debug, Clone, PartialEq)]
pub struct LogEvent {
    pub at: Timestamp,
    pub stream: String,
    pub id: String,
    pub text: String,
}
