//! Services asked without an SDK crate of their own: what is sent is what AWS's SDKs send, what comes
//! back is understood as theirs is, and a read that failed by the way is repeated.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::aws::signed::{Api, JSON_1_1, Protocol};
use redrive::model::id::Arn;
use redrive::model::stream::StreamSummary;
use redrive::model::time::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::aws::Line;

const LOGS: Api = Api {
    id: "CloudWatch Logs",
    host: "logs",
    signing_name: "logs",
    protocol: Protocol::Json { content_type: JSON_1_1, target: "Logs_20140328" },
};
const STACKS: Api = Api {
    id: "CloudFormation",
    host: "cloudformation",
    signing_name: "cloudformation",
    protocol: Protocol::Query { version: "2010-05-15" },
};

fn answer(status: u16, body: &'static str) -> HttpResponse {
    let answer = http::Response::builder()
        .status(status)
        .header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
        .body(SdkBody::from(body))
        .expect("complete");
    HttpResponse::try_from(answer).expect("an HTTP answer")
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers().get(name).unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test]
async fn a_json_call_is_signed_and_addressed_as_the_sdk_does_it() {
    let line = Line::new(|request| {
        assert_eq!((request.method(), request.uri()), ("POST", "http://sandbox.invalid/"));
        assert_eq!(header(&request, "x-amz-target"), "Logs_20140328.FilterLogEvents");
        assert_eq!(header(&request, "content-type"), "application/x-amz-json-1.1");
        let signature = header(&request, "authorization");
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=test/"), "{signature}");
        assert!(signature.contains("/eu-west-1/logs/aws4_request"), "{signature}");
        assert!(
            signature.contains("SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-target")
                || signature.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-target"),
            "{signature}"
        );
        assert_eq!(request.body().bytes(), Some(&br#"{"logGroupName":"g"}"#[..]));
        Ok(answer(200, r#"{"events":[{"message":"x"}]}"#))
    });
    let account = line.account().await;
    let said = account.json(&LOGS, "logs:FilterLogEvents", &json!({"logGroupName": "g"})).await.expect("answered");
    assert_eq!(said["events"][0]["message"], "x");
    assert_eq!((account.usage().other, line.calls()), (1, 1), "counted");
    assert_eq!(*account.dates().borrow(), Timestamp::parse("2026-01-01T00:00:00Z"), "the Date of the answer");
}

#[tokio::test]
async fn a_kinesis_stream_says_how_long_it_keeps_records_and_how_many_shards_are_open() {
    let line = Line::new(|request| {
        assert_eq!(header(&request, "x-amz-target"), "Kinesis_20131202.DescribeStreamSummary");
        assert!(header(&request, "authorization").contains("/eu-west-1/kinesis/aws4_request"));
        assert_eq!(request.body().bytes(), Some(&br#"{"StreamARN":"arn:aws:kinesis:eu-west-1:1:stream/orders"}"#[..]));
        let text = r#"{"StreamDescriptionSummary":{"StreamName":"orders","StreamStatus":"ACTIVE",
            "RetentionPeriodHours":168,"OpenShardCount":12,"ConsumerCount":1}}"#;
        Ok(answer(200, text))
    });
    let account = line.account().await;
    let consumer = Arn::from("arn:aws:kinesis:eu-west-1:1:stream/orders/consumer/app:1700000000");
    let summary = account.stream_summary(&consumer).await.expect("answered");
    assert_eq!(summary, StreamSummary { retention_h: 168, open_shards: 12 });
    let empty = Line::new(|_| Ok(answer(200, "{}")));
    let error = empty.account().await.stream_summary(&consumer).await.expect_err("nothing was said");
    assert_eq!(error.action, "kinesis:DescribeStreamSummary");
}

#[tokio::test]
async fn a_form_is_encoded_and_answered_in_xml() {
    let line = Line::new(|request| {
        assert_eq!(header(&request, "content-type"), "application/x-www-form-urlencoded");
        let body = std::str::from_utf8(request.body().bytes().expect("in memory")).expect("text");
        assert_eq!(body, "Action=DescribeStacks&Version=2010-05-15&StackName=a%20%26%20b%2F%2B%C3%A4");
        assert!(header(&request, "authorization").contains("/cloudformation/aws4_request"));
        Ok(answer(200, "<DescribeStacksResponse/>"))
    });
    let account = line.account().await;
    let said = account.query(&STACKS, "cloudformation:DescribeStacks", &[("StackName", "a & b/+ä")]).await;
    assert_eq!(said.as_deref(), Ok("<DescribeStacksResponse/>"));
    let wrong = account.query(&LOGS, "logs:FilterLogEvents", &[]).await.expect_err("no form");
    assert_eq!((wrong.code.as_str(), line.calls()), ("NotSent", 1));
}

#[tokio::test]
async fn refusals_look_as_those_of_the_sdks_clients() {
    let json_of = |line: Line| async move {
        line.account().await.json(&LOGS, "logs:FilterLogEvents", &json!({})).await.expect_err("refused")
    };
    let denied =
        r#"{"__type":"AccessDeniedException","Message":"User: x is not authorized to perform: logs:FilterLogEvents"}"#;
    let error = json_of(Line::raw(400, "application/x-amz-json-1.1", denied)).await;
    assert_eq!(
        (error.code.as_str(), error.http, error.request_id.as_deref()),
        ("AccessDeniedException", 400, Some("r-77"))
    );
    assert_eq!(error.action, "logs:FilterLogEvents");
    let expired = r#"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"old"}"#;
    let error = json_of(Line::raw(400, "application/x-amz-json-1.1", expired)).await;
    assert!(error.is_expired() && error.message.contains("aws sso login"), "{error}");
    let throttled = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
    assert!(json_of(Line::raw(400, "application/x-amz-json-1.1", throttled)).await.is_throttle());
    let html = json_of(Line::raw(200, "text/html", "<html><title>Welcome</title></html>")).await;
    assert_eq!(html.code, "NotAws", "{html}");

    let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id x does not \
        exist</Message></Error><RequestId>r</RequestId></ErrorResponse>";
    let account = Line::raw(400, "text/xml", xml).account().await;
    let error = account.query(&STACKS, "cloudformation:DescribeStacks", &[]).await.expect_err("refused");
    assert_eq!((error.code.as_str(), error.message.as_str()), ("ValidationError", "Stack with id x does not exist"));
    let text = Line::raw(200, "text/plain", "hello").account().await;
    assert_eq!(text.query(&STACKS, "cloudformation:DescribeStacks", &[]).await.expect_err("no XML").code, "NotAws");
}

/// Over a real socket, where the SDK's retries are on: throttled once, then answered.
#[tokio::test]
async fn a_throttled_read_is_repeated_on_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        let answers = [
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 54\r\n\r\n{\"__type\":\"ThrottlingException\",\"message\":\"too much!\"}",
            "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"events\":[]}",
        ];
        let mut served = 0;
        for answer in answers {
            // A connection each: whether the client keeps one is its own business.
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 8_192];
            let mut read = 0;
            while !request[..read].ends_with(b"{}") {
                read += socket.read(&mut request[read..]).await.expect("a request");
            }
            socket.write_all(answer.as_bytes()).await.expect("written");
            socket.shutdown().await.expect("closed");
            served += 1;
        }
        served
    });
    let account = Account::connect(ConnectOptions {
        endpoint_url: Some(format!("http://{address}")),
        test_credentials: true,
        ..ConnectOptions::default()
    })
    .await
    .expect("nothing is missing");
    let said = account.json(&LOGS, "logs:FilterLogEvents", &json!({})).await.expect("the second time");
    assert_eq!(said, json!({"events": []}));
    assert_eq!((server.await.expect("served"), account.usage().other), (2, 2));
}
