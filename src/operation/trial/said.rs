//! What an answer that was not the wanted one says: in words, and of which sort it is.

use crate::model::service_error::Outcome;
use crate::operation::order::{Answer, OrderResult};
use crate::operation::progress::Cause;

/// What sort of thing kept an order from being done.
pub(super) fn cause(result: &OrderResult) -> Option<Cause> {
    match result {
        Outcome::Refused(error) => Some(Cause::of(error)),
        Outcome::Unknown(_) => Some(Cause::Unreachable),
        Outcome::Done(_) => None,
    }
}

/// Why an order did not do what it was for, in one line.
pub(super) fn said(result: &OrderResult) -> String {
    match result {
        Outcome::Refused(error) => error.to_string(),
        Outcome::Unknown(seen) => seen.clone(),
        Outcome::Done(Answer::Entries(entries)) => match entries.first() {
            Some(Err(error)) => format!("{}: {}", error.code, error.message),
            _ => "no answer for this message".to_owned(),
        },
        Outcome::Done(_) => "an answer to another question".to_owned(),
    }
}
