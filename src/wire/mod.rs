//! AWS protocols for the embedded pipeline: an HTTP request to a `pipeline` request, and the answer
//! back to bytes, as the real services write them (aws-facts §7). No sockets, no time of its own,
//! no decisions about queues or mappings; whatever comes in, it answers in the caller's protocol.

mod action;
mod body;
mod cbor;
mod cloudwatch;
mod date;
mod identity;
mod json;
mod lambda;
mod logs;
mod members;
mod objects;
mod sqs;
mod stack;
mod stack_resources;
mod streams;
mod tree;
mod web;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderName};
use http::{HeaderValue, Method, StatusCode};

use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::request::{Request, RequestId, Response};

pub use action::{action, signed_at};
pub use body::MAX_BODY_BYTES;

/// A request understood, and the protocol its answer must be written in.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub request: Request,
    pub form: Form,
}

/// A request that never reaches the pipeline: unknown operation, malformed body.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    pub form: Form,
    pub error: ServiceError,
}

impl Refused {
    pub fn answer(self) -> http::Response<Bytes> {
        self.form.write(Err(self.error))
    }
}

/// The protocol and shape an answer is written in.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// AWS JSON 1.0 with the codes of the old query protocol; the operation's name.
    Sqs(String),
    Lambda(lambda::Shape),
    /// AWS JSON 1.0.
    Streams,
    /// S3: REST and XML.
    Objects(objects::Shape),
    CloudWatch(cloudwatch::Form),
    /// AWS JSON 1.1.
    Logs,
    /// AWS query: XML.
    Identity,
    /// AWS query too.
    Stacks,
    /// The pipeline's own web service.
    Web,
}

/// Understands one HTTP request. Only the path, the query, the headers and the body count: any host
/// and any signature are taken.
pub fn read(request: &http::Request<Bytes>) -> Result<Call, Box<Refused>> {
    let (form, operation) = match service(request) {
        Service::Sqs(operation) => (Form::Sqs(operation.to_owned()), operation),
        Service::Streams(operation) => (Form::Streams, operation),
        Service::Objects => (Form::Objects(objects::Shape::default()), ""),
        Service::CloudWatch(encoding, operation) => (Form::CloudWatch(cloudwatch::Form::new(encoding)), operation),
        Service::Logs(operation) => (Form::Logs, operation),
        Service::Query => (Form::Identity, ""),
        Service::Lambda => (Form::Lambda(lambda::Shape::default()), ""),
        Service::Web => (Form::Web, ""),
    };
    if let Some(error) = refuse_encoded(request) {
        return Err(Box::new(Refused { form, error }));
    }
    let body = request.body();
    match form {
        Form::Sqs(name) => match sqs::read(operation, body) {
            Ok(request) => Ok(Call { request: Request::Sqs(request), form: Form::Sqs(name) }),
            Err(error) => Err(Box::new(Refused { form: Form::Sqs(name), error })),
        },
        Form::Streams => match streams::read(operation, body) {
            Ok(request) => Ok(Call { request: Request::Streams(request), form: Form::Streams }),
            Err(error) => Err(Box::new(Refused { form: Form::Streams, error })),
        },
        Form::Objects(shape) => match objects::read(request) {
            Ok((request, shape)) => Ok(Call { request: Request::Objects(request), form: Form::Objects(shape) }),
            Err(error) => Err(Box::new(Refused { form: Form::Objects(shape), error })),
        },
        Form::CloudWatch(form) => match cloudwatch::read(operation, form.encoding, body) {
            Ok((request, labels)) => {
                let form = cloudwatch::Form { labels, ..form };
                Ok(Call { request: Request::CloudWatch(request), form: Form::CloudWatch(form) })
            }
            Err(error) => Err(Box::new(Refused { form: Form::CloudWatch(form), error })),
        },
        Form::Lambda(_) => match lambda::read(request) {
            Ok((request, shape)) => Ok(Call { request: Request::Lambda(request), form: Form::Lambda(shape) }),
            Err(error) => Err(Box::new(Refused { form: Form::Lambda(lambda::Shape::default()), error })),
        },
        Form::Logs => match logs::read(operation, body) {
            Ok(request) => Ok(Call { request: Request::Logs(request), form: Form::Logs }),
            Err(error) => Err(Box::new(Refused { form: Form::Logs, error })),
        },
        Form::Identity | Form::Stacks => match identity::read(body) {
            Ok(identity::Asked::Identity) => Ok(Call { request: Request::Identity, form: Form::Identity }),
            Ok(identity::Asked::Stacks(name)) => Ok(Call { request: Request::Stacks(name), form: Form::Stacks }),
            Ok(identity::Asked::Resources { stack, token }) => {
                Ok(Call { request: Request::StackResources { stack, token }, form: Form::Stacks })
            }
            Err(error) => Err(Box::new(Refused { form: Form::Identity, error })),
        },
        Form::Web => match web::read(request) {
            Ok(request) => Ok(Call { request: Request::Web(request), form: Form::Web }),
            Err(error) => Err(Box::new(Refused { form: Form::Web, error })),
        },
    }
}

impl Form {
    /// Writes an answer in this protocol. A reply of another service is answered as an internal
    /// error, as a broken service would.
    pub fn write(&self, response: Response) -> http::Response<Bytes> {
        match self {
            Form::Sqs(operation) => sqs::write(operation, response),
            Form::Lambda(shape) => lambda::write(*shape, response),
            Form::Streams => streams::write(response),
            Form::Objects(shape) => objects::write(shape, response),
            Form::CloudWatch(form) => cloudwatch::write(form, response),
            Form::Logs => logs::write(response),
            Form::Identity => identity::write(response),
            Form::Stacks => stack::write(response),
            Form::Web => web::write(response),
        }
    }
}

/// Puts the `Date` (the pipeline's time, RFC 7231) and the request's id on an answer.
pub fn stamp(answer: &mut http::Response<Bytes>, id: RequestId, now: Timestamp) {
    let headers = answer.headers_mut();
    if let Ok(date) = HeaderValue::from_str(&date::imf_fixdate(now)) {
        headers.insert(DATE, date);
    }
    if let Ok(id) = HeaderValue::from_str(&request_id(id)) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
}

/// A request id in AWS's form, the same for the same request of the same run.
pub fn request_id(id: RequestId) -> String {
    let (a, b) = (mix(id.0), mix(id.0 ^ 0x5bd1_e995_9e37_79b9));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

/// The finalizer of splitmix64: neighbours look unrelated, and no two inputs collide.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

enum Service<'a> {
    Sqs(&'a str),
    Streams(&'a str),
    Objects,
    CloudWatch(cloudwatch::Encoding, &'a str),
    Logs(&'a str),
    Query,
    Lambda,
    Web,
}

fn service(request: &http::Request<Bytes>) -> Service<'_> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(target) = header("x-amz-target") {
        return match target.split_once('.') {
            Some((CLOUDWATCH, operation)) => Service::CloudWatch(cloudwatch::Encoding::Json, operation),
            Some((STREAMS, operation)) => Service::Streams(operation),
            Some(("Logs_20140328", operation)) => Service::Logs(operation),
            Some(("AmazonSQS", operation)) => Service::Sqs(operation),
            // Another service's JSON: SQS answers it as an operation it does not know.
            _ => Service::Sqs(target),
        };
    }
    if objects::is_asked(request) {
        return Service::Objects;
    }
    let path = request.uri().path();
    if let Some((_, operation)) = path.strip_prefix("/service/").and_then(|rest| rest.split_once("/operation/")) {
        return Service::CloudWatch(cloudwatch::Encoding::Cbor, operation);
    }
    let is_form =
        header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    // Only at the root: curl says "form" of whatever it posts, an automation too.
    if is_form && request.method() == Method::POST && path == "/" {
        return Service::Query;
    }
    // Lambda's paths begin with the date of the API they came with: `/2015-03-31/…`.
    let first = path.trim_start_matches('/').split('/').next().unwrap_or("");
    let is_date = first.len() == 10
        && first.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    if is_date { Service::Lambda } else { Service::Web }
}

fn refuse_encoded(request: &http::Request<Bytes>) -> Option<ServiceError> {
    let encoding = request.headers().get(CONTENT_ENCODING)?.to_str().unwrap_or("unreadable");
    if encoding.is_empty() || encoding == "identity" {
        return None;
    }
    let message = format!("a body with content-encoding {encoding} is not read here; send it plain");
    let mut error = ServiceError::new("http", "UnsupportedMediaType", message);
    error.http = StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16();
    Some(error)
}

/// The error of a reply that does not fit its request: a fault of this program.
fn mismatched(action: &str) -> ServiceError {
    let mut error = ServiceError::new(action, "InternalFailure", "the pipeline answered with another service's reply");
    error.http = 500;
    error
}

/// An answer of `status` with `headers`; a header that HTTP does not allow is left out.
fn answer(status: u16, headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> http::Response<Bytes> {
    let mut answer = http::Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    answer
}

const CLOUDWATCH: &str = "GraniteServiceVersion20100801";
const STREAMS: &str = "DynamoDBStreams_20120810";

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> http::Request<Bytes> {
        let mut builder = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::copy_from_slice(body)).expect("a valid request")
    }

    fn status(result: Result<Call, Box<Refused>>) -> (u16, String) {
        let answer = result.expect_err("refused").answer();
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    }

    #[test]
    fn an_unknown_operation_is_refused_in_its_own_protocol() {
        let sqs = request("POST", "/", &[("x-amz-target", "AmazonSQS.AddPermission")], b"{}");
        assert!(status(read(&sqs)).1.contains("UnknownOperation"));
        let other = request("POST", "/", &[("x-amz-target", "Kinesis_20131202.PutRecord")], b"{}");
        assert!(status(read(&other)).1.contains("Kinesis_20131202.PutRecord"));
        let logs = request("POST", "/", &[("x-amz-target", "Logs_20140328.PutRetentionPolicy")], b"{}");
        assert!(status(read(&logs)).1.contains("UnknownOperationException"));
        let cbor = request("POST", "/service/GraniteServiceVersion20100801/operation/PutDashboard", &[], b"\xa0");
        assert_eq!(status(read(&cbor)).0, 400);
        let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let query = request("POST", "/", &form, b"Action=ListStacks&Version=2010-05-15");
        assert!(status(read(&query)).1.contains("<Code>InvalidAction</Code>"));
        let posted = read(&request("POST", "/automations", &form, b"{}")).map(|call| call.request);
        assert!(matches!(posted, Ok(Request::Web(_))), "curl -d posts an automation as a form: {posted:?}");
        assert_eq!(status(read(&request("GET", "/2015-03-31/layers", &[], b""))).0, 404);
        assert_eq!(status(read(&request("GET", "/nowhere", &[], b""))).0, 404);
    }

    #[test]
    fn bad_bodies_are_refused_and_never_parsed_deep() {
        let target = [("x-amz-target", "AmazonSQS.SendMessage")];
        let deep = format!("{{\"QueueUrl\":{}", "[".repeat(100_000));
        for body in [&b"\xff\xfe"[..], b"", b"[]", b"{", b"{\"QueueUrl\":7}", deep.as_bytes()] {
            assert_eq!(status(read(&request("POST", "/", &target, body))).0, 400);
        }
        let large = vec![b' '; MAX_BODY_BYTES + 1];
        assert_eq!(status(read(&request("POST", "/", &target, &large))).0, 413);
        let zipped = request("POST", "/", &[target[0], ("content-encoding", "gzip")], b"{}");
        assert_eq!(status(read(&zipped)).0, 415);
    }

    proptest::proptest! {
        /// Bytes nobody sane sends, on every route that has a parser: understood or refused.
        #[test]
        fn no_body_makes_the_wire_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), route in 0usize..7) {
            let headers = |name, value| [(name, value)];
            let sqs = headers("x-amz-target", "AmazonSQS.SendMessageBatch");
            let form = headers("content-type", "application/x-www-form-urlencoded");
            let metrics = headers("x-amz-target", "GraniteServiceVersion20100801.GetMetricData");
            let call = match route {
                0 => request("POST", "/", &sqs, &body),
                1 => request("POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData", &[], &body),
                2 => request("POST", "/", &metrics, &body),
                3 => request("POST", "/", &form, &body),
                5 => request("POST", "/", &headers("x-amz-target", "DynamoDBStreams_20120810.GetShardIterator"), &body),
                4 => request("PUT", "/2015-03-31/event-source-mappings/u", &[], &body),
                _ => request("POST", "/automations", &[], &body),
            };
            if let Err(refused) = read(&call) {
                proptest::prop_assert!(refused.answer().status().is_client_error());
            }
        }
    }

    #[test]
    fn request_ids_have_the_form_of_aws_and_differ() {
        let ids: Vec<String> = (0..50).map(|n| request_id(RequestId(n))).collect();
        assert!(ids.iter().all(|id| id.len() == 36 && id.split('-').count() == 5), "{ids:?}");
        let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }
}
