//! What a service answered when it did not do what was asked, kept whole: code, message, request id.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A refusal as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceError {
    /// What was attempted, as the API names it: `sqs:SendMessageBatch`.
    pub action: String,
    /// The service's own code: `AWS.SimpleQueueService.NonExistentQueue`, `ResourceInUseException`.
    pub code: String,
    pub message: String,
    /// HTTP status; 0 when no answer came.
    pub http: u16,
    pub request_id: Option<String>,
}

impl ServiceError {
    /// The code of a request that found nobody; no service says it.
    pub const UNREACHABLE: &'static str = "Unreachable";

    pub fn new(action: &str, code: &str, message: impl Into<String>) -> Self {
        ServiceError {
            action: action.to_owned(),
            code: code.to_owned(),
            message: message.into(),
            http: 400,
            request_id: None,
        }
    }

    /// True when waiting helps: the service said "slower", not "no".
    pub fn is_throttle(&self) -> bool {
        self.http == 429
            || ["Throttl", "TooManyRequests", "RequestLimitExceeded", "OverLimit", "SlowDown"]
                .iter()
                .any(|word| self.code.contains(word))
    }

    /// True when the caller lacks a permission.
    pub fn is_denied(&self) -> bool {
        self.code.contains("AccessDenied") || self.code.contains("NotAuthorized") || self.code == "AuthorizationError"
    }

    /// True when the credentials themselves are no longer, or not yet, any good.
    pub fn is_expired(&self) -> bool {
        self.code.contains("ExpiredToken")
            || self.code.contains("InvalidClientTokenId")
            || self.code.contains("UnrecognizedClient")
            || self.code == "RequestExpired"
    }

    /// True when a login would help: nothing else is wrong with what was asked.
    pub fn is_of_credentials(&self) -> bool {
        self.is_expired() || self.code == "NoCredentials"
    }

    /// True when nobody was there to answer: the network, or an endpoint that is not one. It says
    /// nothing about what was asked.
    pub fn is_unreachable(&self) -> bool {
        self.code == Self::UNREACHABLE
    }

    /// True when the signature was made at another time than the service has.
    pub fn is_skewed(&self) -> bool {
        self.code == "RequestTimeTooSkewed"
            || (self.code.contains("Signature")
                && (self.message.contains("Signature expired") || self.message.contains("not yet current")))
    }

    /// True when the thing named does not exist (any more).
    pub fn is_missing(&self) -> bool {
        self.http == 404
            || self.code.contains("NonExistentQueue")
            || self.code.contains("QueueDoesNotExist")
            || self.code.contains("ResourceNotFound")
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ServiceError {}

/// How a call that changes something ended. There is no fourth way, and `Unknown` is never taken
/// for either of the others: the service may or may not have done it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome<T> {
    Done(T),
    Refused(ServiceError),
    /// A 5xx, a time-out or a cut connection: what was attempted, and what was seen of its end.
    Unknown(String),
}

impl<T> Outcome<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Outcome::Done(value) => Outcome::Done(f(value)),
            Outcome::Refused(error) => Outcome::Refused(error),
            Outcome::Unknown(seen) => Outcome::Unknown(seen),
        }
    }
}
