//! SQS's refusals with the codes and texts AWS was recorded with (aws-facts §3.6). The code is the
//! query code, as the SDK shows it; [`json_type`] gives the name that stands in `__type`.

use crate::model::service_error::ServiceError;

const PREFIX: &str = "AWS.SimpleQueueService.";

/// An error of SQS without its action, which the dispatcher fills in.
pub fn refuse(code: &str, http: u16, message: impl Into<String>) -> ServiceError {
    ServiceError { http, ..ServiceError::new("", code, message) }
}

pub fn invalid(message: impl Into<String>) -> ServiceError {
    refuse("InvalidParameterValue", 400, message)
}

/// `Value 901 for parameter DelaySeconds is invalid. Reason: …`
pub fn invalid_value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> ServiceError {
    invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

pub fn missing(parameter: &str) -> ServiceError {
    refuse("MissingParameter", 400, format!("The request must contain the parameter {parameter}."))
}

pub fn no_queue() -> ServiceError {
    refuse(&legacy("NonExistentQueue"), 400, "The specified queue does not exist.")
}

pub fn no_resource(parameter: &str) -> ServiceError {
    let text = format!("The resource that you specified for the {parameter} parameter doesn't exist.");
    refuse("ResourceNotFoundException", 404, text)
}

pub fn unsupported(message: impl Into<String>) -> ServiceError {
    refuse(&legacy("UnsupportedOperation"), 400, message)
}

/// One of the codes that carry the service's name in front.
pub fn legacy(code: &str) -> String {
    format!("{PREFIX}{code}")
}

/// The shape name that stands in a JSON error's `__type` for a query code.
pub fn json_type(code: &str) -> &str {
    match code {
        "QueueAlreadyExists" => "QueueNameExists",
        "InvalidParameterValue" => "InvalidParameterValueException",
        "MissingParameter" => "MissingRequiredParameterException",
        _ => match code.strip_prefix(PREFIX).unwrap_or(code) {
            "NonExistentQueue" => "QueueDoesNotExist",
            rest => rest,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_codes_have_their_json_names() {
        let pairs = [
            ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
            ("AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress"),
            ("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct"),
            ("QueueAlreadyExists", "QueueNameExists"),
            ("OverLimit", "OverLimit"),
            ("InvalidParameterValue", "InvalidParameterValueException"),
            ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"),
        ];
        for (code, json) in pairs {
            assert_eq!(json_type(code), json);
        }
    }
}
