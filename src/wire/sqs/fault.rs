//! SQS's two spellings of an error: the code of the old query protocol, which the pipeline and the
//! SDKs' `code()` use, and the shape's name in `__type`.

use bytes::Bytes;
use serde_json::json;

use crate::model::service_error::ServiceError;
use crate::wire::answer;

/// Shape name, query code, HTTP status (aws-facts §3.6). What is not listed is the same in both.
const CODES: [(&str, &str, u16); 13] = [
    ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400),
    ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403),
    ("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400),
    ("QueueNameExists", "QueueAlreadyExists", 400),
    ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400),
    ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400),
    ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400),
    ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400),
    ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400),
    ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400),
    ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400),
    ("InvalidParameterValueException", "InvalidParameterValue", 400),
    ("MissingRequiredParameterException", "MissingParameter", 400),
];

pub fn write(error: &ServiceError) -> http::Response<Bytes> {
    let known = CODES.iter().find(|(shape, query, _)| *shape == error.code || *query == error.code);
    let (shape, query) = known.map_or((error.code.as_str(), error.code.as_str()), |(shape, query, _)| (*shape, *query));
    // The pipeline leaves 400 where it knows nothing better.
    let status = known.map_or(error.http, |(_, _, status)| if error.http == 400 { *status } else { error.http });
    let side = if status >= 500 { "Receiver" } else { "Sender" };
    let namespace = if MODELLED_ELSEWHERE.contains(&shape) { "com.amazon.coral.service" } else { "com.amazonaws.sqs" };
    let body = json!({"__type": format!("{namespace}#{shape}"), "message": error.message});
    let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amzn-query-error", &format!("{query};{side}"))];
    answer(status, &headers, body.to_string())
}

/// Errors of the protocol rather than of the service.
const MODELLED_ELSEWHERE: [&str; 3] = ["UnknownOperationException", "SerializationException", "InternalFailure"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_written_whichever_came() {
        for code in ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
            let answer = write(&ServiceError::new("sqs:ReceiveMessage", code, "gone"));
            assert_eq!(answer.headers()["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender");
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            assert!(body.contains("com.amazonaws.sqs#QueueDoesNotExist"), "{body}");
        }
        assert_eq!(write(&ServiceError::new("sqs:PurgeQueue", "PurgeQueueInProgress", "")).status(), 403);
        let other = write(&ServiceError::new("sqs:SendMessage", "InvalidMessageContents", "x"));
        assert_eq!(other.headers()["x-amzn-query-error"], "InvalidMessageContents;Sender");
    }
}
