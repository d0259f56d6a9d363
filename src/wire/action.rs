//! What a request asks for by the name that IAM's documents and errors use: `sqs:SendMessageBatch`.
//! It is read off target, path and method alone, before anything is parsed; what has no name here
//! is named by its method and path.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;

use super::objects;
use crate::model::time::Timestamp;

/// `sqs:ListQueues`, `lambda:UpdateEventSourceMapping`, `web:POST /automations`.
pub fn action(request: &http::Request<Bytes>) -> String {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    if let Some((target, operation)) = header("x-amz-target").split_once('.') {
        return format!("{}:{operation}", service_of(target));
    }
    if objects::is_asked(request) {
        return objects::action(request);
    }
    let path = request.uri().path();
    if let Some((target, operation)) = path.strip_prefix("/service/").and_then(|rest| rest.split_once("/operation/")) {
        return format!("{}:{operation}", service_of(target));
    }
    let is_form = header(CONTENT_TYPE.as_str()).starts_with("application/x-www-form-urlencoded");
    if is_form && path == "/" {
        return query_action(request.body());
    }
    if path.starts_with("/20") {
        return format!("lambda:{}", lambda(request.method().as_str(), path));
    }
    format!("web:{} {path}", request.method())
}

/// When the request was signed, by its own word: `x-amz-date: 20260101T001500Z`.
pub fn signed_at(request: &http::Request<Bytes>) -> Option<Timestamp> {
    let text = request.headers().get("x-amz-date")?.to_str().ok()?;
    let part = |range: std::ops::Range<usize>| text.get(range);
    let (date, time) = (part(0..8)?, part(9..15)?);
    Timestamp::parse(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        date.get(0..4)?,
        date.get(4..6)?,
        date.get(6..8)?,
        time.get(0..2)?,
        time.get(2..4)?,
        time.get(4..6)?
    ))
}

/// The prefix of a service's actions, from the target its JSON or CBOR protocol names.
fn service_of(target: &str) -> &str {
    TARGETS.iter().find(|(prefix, _)| target.starts_with(prefix)).map_or(target, |(_, service)| service)
}

fn query_action(body: &Bytes) -> String {
    let text = String::from_utf8_lossy(body);
    let member = |name: &str| {
        let value = text.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or("");
        percent_decode_str(value).decode_utf8_lossy().into_owned()
    };
    let version = member("Version");
    let service = VERSIONS.iter().find(|(known, _)| *known == version).map_or("query", |(_, service)| service);
    format!("{service}:{}", member("Action"))
}

fn lambda(method: &str, path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).skip(1).collect();
    let known = LAMBDA.iter().find(|(verb, shape, _)| {
        *verb == method
            && shape.len() == segments.len()
            && shape.iter().zip(&segments).all(|(want, is)| *want == "*" || want == is)
    });
    known.map_or_else(|| format!("{method} {path}"), |(_, _, name)| (*name).to_owned())
}

const TARGETS: &[(&str, &str)] = &[
    ("AmazonSQS", "sqs"),
    ("DynamoDBStreams", "dynamodb"),
    ("GraniteServiceVersion20100801", "cloudwatch"),
    ("Logs_2014", "logs"),
    ("DynamoDB_2012", "dynamodb"),
    ("ResourceGroupsTaggingAPI", "tag"),
];

/// In the query protocol the version of the API says whose it is.
const VERSIONS: &[(&str, &str)] = &[
    ("2011-06-15", "sts"),
    ("2010-05-15", "cloudformation"),
    ("2010-08-01", "cloudwatch"),
    ("2010-05-08", "iam"),
    ("2012-11-05", "sqs"),
];

const LAMBDA: &[(&str, &[&str], &str)] = &[
    ("GET", &["event-source-mappings"], "ListEventSourceMappings"),
    ("GET", &["event-source-mappings", "*"], "GetEventSourceMapping"),
    ("PUT", &["event-source-mappings", "*"], "UpdateEventSourceMapping"),
    ("GET", &["functions"], "ListFunctions"),
    ("GET", &["functions", "*"], "GetFunction"),
    ("GET", &["functions", "*", "configuration"], "GetFunctionConfiguration"),
    ("PUT", &["functions", "*", "code"], "UpdateFunctionCode"),
    ("GET", &["functions", "*", "concurrency"], "GetFunctionConcurrency"),
    ("PUT", &["functions", "*", "concurrency"], "PutFunctionConcurrency"),
    ("DELETE", &["functions", "*", "concurrency"], "DeleteFunctionConcurrency"),
    ("GET", &["functions", "*", "recursion-config"], "GetFunctionRecursionConfig"),
    ("PUT", &["functions", "*", "recursion-config"], "PutFunctionRecursionConfig"),
    ("GET", &["functions", "*", "policy"], "GetPolicy"),
    ("GET", &["functions", "*", "event-invoke-config"], "GetFunctionEventInvokeConfig"),
    ("POST", &["functions", "*", "invocations"], "Invoke"),
    ("GET", &["account-settings"], "GetAccountSettings"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_names_its_action() {
        let named = |method: &str, path: &str, header: Option<(&str, &str)>, body: &'static str| {
            let mut builder = http::Request::builder().method(method).uri(path);
            if let Some((name, value)) = header {
                builder = builder.header(name, value);
            }
            action(&builder.body(Bytes::from_static(body.as_bytes())).expect("a request"))
        };
        let target = |value| Some(("x-amz-target", value));
        let form = Some(("content-type", "application/x-www-form-urlencoded"));
        assert_eq!(named("POST", "/", target("AmazonSQS.SendMessageBatch"), "{}"), "sqs:SendMessageBatch");
        assert_eq!(named("POST", "/", target("Logs_20140328.FilterLogEvents"), "{}"), "logs:FilterLogEvents");
        let cbor = "/service/GraniteServiceVersion20100801/operation/GetMetricData";
        assert_eq!(named("POST", cbor, None, ""), "cloudwatch:GetMetricData");
        let identity = "Action=GetCallerIdentity&Version=2011-06-15";
        assert_eq!(named("POST", "/", form, identity), "sts:GetCallerIdentity");
        let update = "/2015-03-31/event-source-mappings/uuid";
        assert_eq!(named("PUT", update, None, "{}"), "lambda:UpdateEventSourceMapping");
        assert_eq!(named("GET", "/2015-03-31/functions/", None, ""), "lambda:ListFunctions");
        assert_eq!(named("GET", "/2015-03-31/layers", None, ""), "lambda:GET /2015-03-31/layers");
        let signed =
            http::Request::get("/").header("x-amz-date", "20260101T001500Z").body(Bytes::new()).expect("a request");
        assert_eq!(signed_at(&signed), Some(Timestamp::from_s(1_767_226_500)));
        let torn = http::Request::get("/").header("x-amz-date", "2026").body(Bytes::new()).expect("a request");
        assert_eq!(signed_at(&torn), None);
        assert_eq!(named("POST", "/automations", None, "{}"), "web:POST /automations");
    }
}
