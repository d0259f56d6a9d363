//! Invokes a function and waits for its answer. Never repeated: a run has effects. The wait is as long
//! as the function may run, which no client would wait by itself.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::aws::Account;
use crate::aws::failure::outcome;
use crate::model::id::FunctionName;
use crate::model::trial::Invoked;
use crate::operation::order::{Answer, OrderResult};

/// Seconds beyond the function's time-out until no answer is expected any more: a cold start, the way.
const GRACE_S: u64 = 30;

impl Account {
    pub(super) async fn invoke(&self, function: &FunctionName, payload: String, timeout_s: u32) -> OrderResult {
        let request = self
            .changes
            .lambda
            .invoke()
            .function_name(function.as_str())
            .invocation_type(InvocationType::RequestResponse)
            .log_type(LogType::Tail)
            .payload(Blob::new(payload));
        // The in-process door's time is not this machine's.
        let result = if self.in_process {
            request.send().await
        } else {
            let most = Duration::from_secs(u64::from(timeout_s) + GRACE_S);
            let patient = TimeoutConfig::builder()
                .connect_timeout(CONNECT)
                .read_timeout(most)
                .operation_attempt_timeout(most)
                .operation_timeout(most)
                .build();
            let patient = aws_sdk_lambda::config::Builder::default().timeout_config(patient);
            request.customize().config_override(patient).send().await
        };
        outcome("lambda:Invoke", result).map(|answer| {
            let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
            let log = answer.log_result.and_then(|text| BASE64_STANDARD.decode(text).ok());
            Answer::Invoked(Box::new(Invoked {
                error: answer.function_error,
                payload: String::from_utf8_lossy(&payload).into_owned(),
                log_tail: log.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            }))
        })
    }
}

const CONNECT: Duration = Duration::from_secs(3);
