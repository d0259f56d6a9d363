//! Lambda answers: status, headers and JSON as the service writes them (aws-facts §1.4, §7).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{Shape, mapping};
use crate::model::service_error::ServiceError;
use crate::pipeline::request::{FunctionDetail, LambdaReply, Reply, Response};
use crate::wire::{answer, mismatched};

pub fn write(shape: Shape, response: Response) -> http::Response<Bytes> {
    let reply = match response {
        Ok(Reply::Lambda(reply)) => reply,
        Ok(_) => return fault(&mismatched("lambda")),
        Err(error) => return fault(&error),
    };
    match reply {
        LambdaReply::Mappings { mappings, marker } => {
            let list: Vec<Value> = mappings.iter().map(mapping::write).collect();
            page("EventSourceMappings", list, marker)
        }
        LambdaReply::Mapping { mapping, accepted } => {
            json_answer(if accepted { 202 } else { 200 }, &mapping::write(&mapping))
        }
        LambdaReply::Functions { functions, marker } => {
            page("Functions", functions.iter().map(configuration).collect(), marker)
        }
        LambdaReply::Function(detail) => json_answer(200, &function(shape, &detail)),
        LambdaReply::Concurrency(None) => json_answer(200, &json!({})),
        LambdaReply::Concurrency(Some(n)) => json_answer(200, &json!({"ReservedConcurrentExecutions": n})),
        LambdaReply::Asynchronous { function, modified_at, on_failure } => {
            let on_failure = on_failure.map_or(json!({}), |arn| json!({"Destination": arn.as_str()}));
            let destinations = json!({"OnSuccess": {}, "OnFailure": on_failure});
            let qualified = format!("{function}:$LATEST");
            // Seconds with a fraction, as mappings say it.
            let modified = modified_at.ms() as f64 / 1000.0;
            let config = json!({"FunctionArn": qualified, "LastModified": modified, "DestinationConfig": destinations});
            json_answer(200, &config)
        }
        LambdaReply::RecursionAllowed(allow) => {
            json_answer(200, &json!({"RecursiveLoop": if allow { "Allow" } else { "Terminate" }}))
        }
        LambdaReply::Policy(policy) => json_answer(200, &json!({"Policy": policy})),
        LambdaReply::AccountSettings { concurrent, unreserved } => {
            let limit = json!({"ConcurrentExecutions": concurrent, "UnreservedConcurrentExecutions": unreserved});
            json_answer(200, &json!({"AccountLimit": limit}))
        }
        LambdaReply::Invoked { status, payload, function_error, log_tail } => {
            let log = log_tail.map(|log| BASE64_STANDARD.encode(log));
            let mut headers = vec![("content-type", "application/json"), ("x-amz-executed-version", "$LATEST")];
            headers.extend(function_error.as_deref().map(|error| ("x-amz-function-error", error)));
            headers.extend(log.as_deref().map(|log| ("x-amz-log-result", log)));
            answer(status, &headers, payload)
        }
        LambdaReply::Done => answer(204, &[], Bytes::new()),
    }
}

fn page(name: &str, list: Vec<Value>, marker: Option<String>) -> http::Response<Bytes> {
    let mut m = Map::new();
    m.insert(name.to_owned(), Value::Array(list));
    if let Some(marker) = marker {
        m.insert("NextMarker".to_owned(), Value::String(marker));
    }
    json_answer(200, &Value::Object(m))
}

fn function(shape: Shape, detail: &FunctionDetail) -> Value {
    let configuration = configuration(detail);
    if shape != Shape::Function {
        return configuration;
    }
    let mut m = Map::from_iter([("Configuration".to_owned(), configuration)]);
    if let Some(reserved) = detail.function.reserved_concurrency {
        m.insert("Concurrency".to_owned(), json!({"ReservedConcurrentExecutions": reserved}));
    }
    Value::Object(m)
}

fn configuration(FunctionDetail { function, environment }: &FunctionDetail) -> Value {
    let mut m = Map::new();
    let mut put = |name: &str, value: Value| m.insert(name.to_owned(), value);
    put("FunctionName", json!(function.name.as_str()));
    put("FunctionArn", json!(function.arn.as_str()));
    put("Version", json!("$LATEST"));
    put("State", json!("Active"));
    put("LastUpdateStatus", json!("Successful"));
    put("PackageType", json!("Zip"));
    if !environment.is_empty() {
        put("Environment", json!({"Variables": environment}));
    }
    let optional = [
        ("Timeout", function.timeout_s.map(Value::from)),
        ("MemorySize", function.memory_mb.map(Value::from)),
        ("DeadLetterConfig", function.dead_letter.as_ref().map(|arn| json!({"TargetArn": arn.as_str()}))),
        ("CodeSha256", function.code_sha256.clone().map(Value::from)),
        // Functions, unlike mappings, say it in ISO 8601 with a numeric zone.
        ("LastModified", function.last_modified.map(|at| json!(at.to_string().replace('Z', "+0000")))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            m.insert(name.to_owned(), value);
        }
    }
    Value::Object(m)
}

/// The code is in a header; whether the body says `Message` or `message` depends on the error
/// (aws-facts §1.4).
fn fault(error: &ServiceError) -> http::Response<Bytes> {
    let status = match (error.code.as_str(), error.http) {
        ("ResourceNotFoundException", _) => 404,
        ("ResourceConflictException", _) => 409,
        ("TooManyRequestsException", _) => 429,
        ("ServiceException", _) => 500,
        (_, http) => http,
    };
    let side = if status >= 500 { "Service" } else { "User" };
    let member = if CAPITAL.contains(&error.code.as_str()) { "Message" } else { "message" };
    let mut m = Map::new();
    m.insert("Type".to_owned(), json!(side));
    m.insert(member.to_owned(), json!(error.message));
    let mut headers = vec![("content-type", "application/json"), ("x-amzn-errortype", error.code.as_str())];
    if status == 429 {
        // The pipeline says in brackets which limit it was; the control plane's is the caller's.
        let (message, reason) = match error.message.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) {
            Some((message, reason)) => (message, reason),
            None => (error.message.as_str(), "CallerRateLimitExceeded"),
        };
        m.insert(member.to_owned(), json!(message));
        m.insert("Reason".to_owned(), json!(reason));
        headers.push(("retry-after", "1"));
    }
    answer(status, &headers, Value::Object(m).to_string())
}

fn json_answer(status: u16, body: &Value) -> http::Response<Bytes> {
    answer(status, &[("content-type", "application/json")], body.to_string())
}

const CAPITAL: [&str; 4] =
    ["ResourceInUseException", "ResourceNotFoundException", "ServiceException", "RequestTooLargeException"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_lambdas_status_header_and_member() {
        let answer = fault(&ServiceError::new("lambda:UpdateEventSourceMapping", "ResourceInUseException", "busy"));
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-amzn-errortype"]),
            (400, &"ResourceInUseException".parse().expect("a header"))
        );
        assert_eq!(answer.body().as_ref(), br#"{"Message":"busy","Type":"User"}"#);
        let throttled = fault(&ServiceError::new("lambda:GetFunction", "TooManyRequestsException", "Rate Exceeded."));
        assert_eq!((throttled.status().as_u16(), throttled.headers().contains_key("retry-after")), (429, true));
        assert!(
            throttled
                .body()
                .as_ref()
                .ends_with(br#""Reason":"CallerRateLimitExceeded","Type":"User","message":"Rate Exceeded."}"#)
        );
        let limit = ServiceError::new(
            "lambda:Invoke",
            "TooManyRequestsException",
            "Rate Exceeded. (ConcurrentInvocationLimitExceeded)",
        );
        let limit = fault(&limit);
        assert!(
            limit.body().as_ref().ends_with(
                br#""Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#
            )
        );
    }

    #[test]
    fn an_invocation_keeps_its_payload_as_it_is() {
        let invoked = LambdaReply::Invoked {
            status: 200,
            payload: "{\"errorMessage\":\"x\"}".into(),
            function_error: Some("Unhandled".into()),
            log_tail: Some("START".into()),
        };
        let answer = write(Shape::Plain, Ok(Reply::Lambda(invoked)));
        assert_eq!(answer.headers()["x-amz-function-error"], "Unhandled");
        assert_eq!(answer.headers()["x-amz-log-result"], "U1RBUlQ=");
        assert_eq!(answer.body().as_ref(), b"{\"errorMessage\":\"x\"}");
    }
}
