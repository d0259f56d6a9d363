//! What is wrong with something a person wrote, and how a handler fails. Faults name the path of
//! what they blame, and all are reported at once.

use std::fmt;

/// One thing wrong with a request: `automation.steps[2].duration: …`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where in the body: `automation.steps[2].duration`; empty for the whole body.
    pub path: String,
    /// What is wrong there, and what would be right.
    pub message: String,
}

impl Fault {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Fault { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// A handler threw: Lambda counts an error, and SQS or the stream delivers again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct HandlerError {
    /// The error's name, as a function's log shows it: `ProviderError`.
    pub kind: String,
    pub message: String,
}

impl HandlerError {
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        HandlerError { kind: kind.to_owned(), message: message.into() }
    }
}
