//! `aws::Account` over connectors made up here: what it makes of an account, of refusals and of
//! answers that are none, and that a change is sent once, whatever comes back.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use redrive::aws::Account;
use redrive::aws::connect::{ConnectError, ConnectOptions};
use redrive::model::function::Function;
use redrive::model::id::{Arn, FunctionName};
use redrive::model::mapping::{Mapping, MappingChange, MappingSettings, MappingState};
use redrive::model::message::Outgoing;
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::scope::Scope;
use redrive::model::service_error::{Outcome, ServiceError};
use redrive::model::time::Timestamp;
use redrive::model::topology::EdgeKind;
use redrive::operation::order::{Answer, Lease, Order};
use redrive::pipeline::request::{
    CloudWatchReply, CloudWatchRequest, FunctionDetail, InvokeKind, LambdaReply, LambdaRequest, MetricResult, Reply,
    Request, RequestId, Response, SqsReply, SqsRequest,
};

type Respond = Arc<dyn Fn(HttpRequest) -> Result<HttpResponse, ConnectorError> + Send + Sync>;

/// An HTTP client that answers from a function and counts.
#[derive(Clone)]
pub struct Line {
    respond: Respond,
    pub calls: Arc<Mutex<Vec<String>>>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl HttpClient for Line {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or("").to_owned();
        let name = format!("{} {} {target}", request.method(), request.uri());
        self.calls.lock().expect("no panic while held").push(name);
        HttpConnectorFuture::ready((self.respond)(request))
    }
}

impl Line {
    pub fn new(respond: impl Fn(HttpRequest) -> Result<HttpResponse, ConnectorError> + Send + Sync + 'static) -> Self {
        Line { respond: Arc::new(respond), calls: Arc::default() }
    }

    /// Every call is answered so.
    pub fn raw(status: u16, content_type: &'static str, body: &'static str) -> Self {
        Line::new(move |_| {
            let answer = http::Response::builder()
                .status(status)
                .header("content-type", content_type)
                .header("x-amzn-requestid", "r-77")
                .body(SdkBody::from(body))
                .expect("complete");
            Ok(HttpResponse::try_from(answer).expect("an HTTP answer"))
        })
    }

    /// Speaks AWS's protocols and answers what `reply` says.
    pub fn speaking(reply: impl Fn(Request) -> Response + Send + Sync + 'static) -> Self {
        Line::new(move |request| {
            let (parts, body) = request.try_into_http1x().expect("an HTTP request").into_parts();
            let body = Bytes::copy_from_slice(body.bytes().expect("in memory"));
            let mut answer = match redrive::wire::read(&http::Request::from_parts(parts, body)) {
                Ok(call) => call.form.write(reply(call.request)),
                Err(refused) => refused.answer(),
            };
            redrive::wire::stamp(&mut answer, RequestId(1), NEW_YEAR);
            Ok(HttpResponse::try_from(answer.map(SdkBody::from)).expect("an HTTP answer"))
        })
    }

    pub async fn account(&self) -> Account {
        Account::connect(ConnectOptions {
            region: Some("eu-west-1".to_owned()),
            endpoint_url: Some("http://sandbox.invalid".to_owned()),
            http_client: Some(SharedHttpClient::new(self.clone())),
            test_credentials: true,
            ..ConnectOptions::default()
        })
        .await
        .expect("nothing is missing")
    }

    pub fn calls(&self) -> usize {
        self.calls.lock().expect("no panic while held").len()
    }
}

const NEW_YEAR: Timestamp = Timestamp::from_s(1_767_225_600);
const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/JobDLQ";

fn lease() -> Lease {
    Lease { id: "m".into(), receipt: "r".into() }
}

fn message(body: &str) -> Outgoing {
    Outgoing { body: body.to_owned(), ..Outgoing::default() }
}

/// One of every order that changes something.
fn changes() -> Vec<Order> {
    let queue = || QUEUE.into();
    vec![
        Order::Receive { queue: queue(), max: 10, visibility_s: 60, wait_s: 1 },
        Order::Extend { queue: queue(), entries: vec![lease()], visibility_s: 60 },
        Order::Release { queue: queue(), entries: vec![lease()] },
        Order::Send { queue: queue(), entries: vec![message("a")] },
        Order::Delete { queue: queue(), entries: vec![lease()] },
        Order::StartMoveTask { source: sqs("JobDLQ"), destination: None, max_per_s: Some(5) },
        Order::CancelMoveTask { handle: "h".into() },
        Order::UpdateMapping {
            mapping: "u".into(),
            change: MappingChange { batch_size: Some(5), ..MappingChange::default() },
        },
    ]
}

#[tokio::test]
async fn a_change_is_sent_once_and_a_lost_answer_is_unknown() {
    for (what, line) in [
        ("500", Line::raw(500, "application/x-amz-json-1.0", r#"{"__type":"InternalError","message":"x"}"#)),
        ("503 with HTML", Line::raw(503, "text/html", "<html><title>Service Unavailable</title></html>")),
        ("200 with nonsense", Line::raw(200, "application/x-amz-json-1.0", "{\"Messages\": [")),
        ("a cut", Line::new(|_| Err(ConnectorError::io("the connection was cut".into())))),
        ("a time-out", Line::new(|_| Err(ConnectorError::timeout("no answer".into())))),
    ] {
        let account = line.account().await;
        for (index, order) in changes().into_iter().enumerate() {
            let name = format!("{order:?} after {what}");
            let end = account.perform(order).await;
            assert!(matches!(end, Outcome::Unknown(_)), "{name}: {end:?}");
            assert_eq!(line.calls(), index + 1, "{name}: sent once");
        }
    }
}

#[tokio::test]
async fn an_invocation_is_sent_once_and_its_answer_kept_as_it_came() {
    let invoke = || Order::Invoke { function: "f".into(), payload: "{}".to_owned(), timeout_s: 5 };
    for line in [
        Line::raw(500, "application/json", r#"{"Type":"Service","Message":"x"}"#),
        Line::new(|_| Err(ConnectorError::io("the connection was cut".into()))),
        Line::new(|_| Err(ConnectorError::timeout("no answer".into()))),
    ] {
        let end = line.account().await.perform(invoke()).await;
        assert!(matches!(end, Outcome::Unknown(_)), "it may have run: {end:?}");
        assert_eq!(line.calls(), 1);
    }
    let line = Line::speaking(|request| {
        let Request::Lambda(LambdaRequest::Invoke { kind: InvokeKind::RequestResponse, log_tail: true, .. }) = request
        else {
            panic!("{request:?}")
        };
        Ok(Reply::Lambda(LambdaReply::Invoked {
            status: 200,
            payload: r#"{"errorMessage":"ü"}"#.to_owned(),
            function_error: Some("Unhandled".to_owned()),
            log_tail: Some("START\nREPORT".to_owned()),
        }))
    });
    let Outcome::Done(Answer::Invoked(invoked)) = line.account().await.perform(invoke()).await else { panic!() };
    assert_eq!((invoked.error.as_deref(), invoked.payload.as_str()), (Some("Unhandled"), r#"{"errorMessage":"ü"}"#));
    assert_eq!(invoked.log_tail.as_deref(), Some("START\nREPORT"));
    let line = Line::speaking(|_| {
        let text = "Rate Exceeded. (ConcurrentInvocationLimitExceeded)";
        Err(ServiceError { http: 429, ..ServiceError::new("lambda:Invoke", "TooManyRequestsException", text) })
    });
    let end = line.account().await.perform(invoke()).await;
    assert!(matches!(&end, Outcome::Refused(error) if error.is_throttle()), "{end:?}");
}

#[tokio::test]
async fn a_no_of_the_service_is_a_refusal_kept_whole() {
    let line = Line::new(|_| {
        let answer = http::Response::builder()
            .status(400)
            .header("x-amzn-requestid", "r-77")
            .header("x-amzn-errortype", "ResourceInUseException")
            .header("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
            .body(SdkBody::from(r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}"#))
            .expect("complete");
        Ok(HttpResponse::try_from(answer).expect("an HTTP answer"))
    });
    let account = line.account().await;
    for order in changes() {
        let is_lambda = matches!(order, Order::UpdateMapping { .. });
        let Outcome::Refused(error) = account.perform(order).await else { panic!("refused") };
        assert_eq!((error.http, error.request_id.as_deref()), (400, Some("r-77")));
        assert_eq!(error.is_missing(), !is_lambda, "{error}");
        assert_eq!(error.message, "no such queue");
    }
    let expired = Line::raw(400, "application/x-amz-json-1.0", r#"{"__type":"ExpiredTokenException","message":"old"}"#);
    let error = expired.account().await.list_queues(None).await.expect_err("expired");
    assert!(error.is_expired() && error.message.contains("aws sso login"), "what now: {error}");
    let throttled = Line::raw(429, "application/json", r#"{"Type":"User","message":"Rate exceeded"}"#);
    let Outcome::Refused(error) = throttled.account().await.perform(changes().remove(7)).await else {
        panic!("refused")
    };
    assert!(error.is_throttle(), "{error}");
}

#[tokio::test]
async fn nothing_is_unknown_about_a_connection_that_was_never_made() {
    // A port that was free a moment ago: the kernel refuses, and the real HTTP client says so.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("loopback");
    let account = Account::connect(ConnectOptions {
        endpoint_url: Some(format!("http://{free}")),
        test_credentials: true,
        ..ConnectOptions::default()
    })
    .await
    .expect("nothing is missing");
    let end = account.perform(Order::Send { queue: QUEUE.into(), entries: vec![message("a")] }).await;
    let Outcome::Refused(error) = end else { panic!("{end:?}") };
    assert_eq!((error.code.as_str(), error.http), ("Unreachable", 0), "{error}");
    assert!(error.message.to_lowercase().contains("refused"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_is_not_aws_is_said_in_one_line() {
    let key = [MetricKey::lambda(&"F".into(), "Errors", Stat::Sum)];
    for (line, word) in [
        (Line::raw(200, "text/html", "<html><head><title>Welcome</title></head></html>"), "HTML"),
        (Line::raw(400, "text/xml", "<ErrorResponse><Error/></ErrorResponse>"), "XML"),
        (Line::raw(200, "text/plain", "hello"), "text/plain"),
    ] {
        let error = line.account().await.metrics(&key, NEW_YEAR, NEW_YEAR.plus_s(60)).await.expect_err("no CBOR");
        assert_eq!(error.code, "NotAws", "{error}");
        assert!(error.message.contains(word) && !error.to_string().contains('\n'), "{error}");
    }
    let denied = Line::raw(403, "text/plain", "\u{1b}[31mForbidden by the proxy").account().await;
    let error = denied.list_queues(None).await.expect_err("denied");
    assert_eq!((error.code.as_str(), error.http), ("Http403", 403));
    assert!(!error.message.contains('\u{1b}'), "a body is not trusted: {error:?}");
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_is_sent() {
    let bad = ConnectOptions { endpoint_url: Some("localhost:4566".to_owned()), ..ConnectOptions::default() };
    let error = Account::connect(bad).await.expect_err("no scheme");
    assert!(matches!(error, ConnectError::BadEndpoint { .. }) && error.to_string().contains("http://"), "{error}");
    for name in ["a b", "../x", "-"] {
        let bad = ConnectOptions { region: Some(name.to_owned()), test_credentials: true, ..ConnectOptions::default() };
        let error = Account::connect(bad).await.expect_err("no region");
        assert!(matches!(error, ConnectError::BadRegion { .. }), "{error}");
    }
    let stranger = ConnectOptions {
        region: Some("eu-west-1".to_owned()),
        profile: Some("no-such-profile-of-a-test".to_owned()),
        ..ConnectOptions::default()
    };
    let error = Account::connect(stranger).await.expect_err("unknown");
    // Which of the two depends on whether this machine has any profiles.
    let named = matches!(error, ConnectError::UnknownProfile { .. } | ConnectError::NoCredentials { .. });
    assert!(named && error.to_string().contains("no-such-profile-of-a-test"), "{error}");
    let no_region = ConnectOptions { profile: Some("no-such-profile-of-a-test".to_owned()), ..Default::default() };
    assert!(Account::connect(no_region).await.is_err());
}

#[tokio::test]
async fn metrics_come_in_as_few_calls_as_the_limit_allows() {
    let line = Line::speaking(|request| {
        let Request::CloudWatch(CloudWatchRequest::GetMetricData(ask)) = request else { panic!("{request:?}") };
        assert!(ask.queries.len() <= 500 && ask.ascending);
        let results = ask.queries.iter().filter(|(_, key, _)| key.dimensions[0].1 != "silent").map(|(id, key, _)| {
            MetricResult { id: id.clone(), label: key.name.clone(), points: vec![(ask.from, 1.5)] }
        });
        Ok(Reply::CloudWatch(CloudWatchReply::MetricData { results: results.collect(), token: None }))
    });
    let account = line.account().await;
    let mut keys: Vec<MetricKey> =
        (0..600).map(|n| MetricKey::sqs(&format!("q{n}").into(), "NumberOfMessagesSent", Stat::Sum)).collect();
    keys.push(MetricKey::lambda(&"silent".into(), "Errors", Stat::Sum));
    let answer = account.metrics(&keys, NEW_YEAR, NEW_YEAR.plus_s(300)).await.expect("answered");
    assert_eq!((answer.len(), line.calls()), (601, 2));
    assert_eq!(answer[&keys[7]], Ok(vec![(NEW_YEAR, 1.5)]));
    assert_eq!(answer[&keys[600]], Ok(Vec::new()), "asked, and there is none");
    assert_eq!(account.usage().metrics, 601);
    assert_eq!(*account.dates().borrow(), Some(NEW_YEAR), "the Date of the answer");
}

#[tokio::test]
async fn a_stranger_that_breaks_on_percentiles_still_answers_the_rest() {
    let line = Line::speaking(|request| {
        let Request::CloudWatch(CloudWatchRequest::GetMetricData(ask)) = request else { panic!("{request:?}") };
        if ask.queries.iter().any(|(_, key, _)| key.stat == Stat::P95) {
            return Err(ServiceError { http: 500, ..ServiceError::new("x", "InternalError", "'p95'") });
        }
        let result = |(id, key, _): &(String, MetricKey, _)| MetricResult {
            id: id.clone(),
            label: key.name.clone(),
            points: vec![(ask.from, 1.5)],
        };
        let results = ask.queries.iter().map(result).collect();
        Ok(Reply::CloudWatch(CloudWatchReply::MetricData { results, token: None }))
    });
    let account = line.account().await;
    let name = "F".into();
    let [slow, errors] =
        [("Duration", Stat::P95), ("Errors", Stat::Sum)].map(|(what, stat)| MetricKey::lambda(&name, what, stat));
    let asked = [slow.clone(), errors.clone()];
    let answer = account.metrics(&asked, NEW_YEAR, NEW_YEAR.plus_s(60)).await.expect("the rest is answered");
    assert_eq!(answer[&errors], Ok(vec![(NEW_YEAR, 1.5)]));
    assert!(answer[&slow].as_ref().is_err_and(|why| why.contains("InternalError: 'p95'")), "{answer:?}");
    let alone = account.metrics(&asked[..1], NEW_YEAR, NEW_YEAR.plus_s(60)).await.expect_err("nothing is left to ask");
    assert_eq!(alone.http, 500);
}

fn sqs(name: &str) -> Arn {
    Arn::new(format!("arn:aws:sqs:eu-west-1:123456789012:{name}"))
}

fn function(name: &str, environment: &[(&str, &str)]) -> FunctionDetail {
    FunctionDetail {
        function: Function {
            name: name.into(),
            arn: Arn::new(format!("arn:aws:lambda:eu-west-1:123456789012:function:{name}")),
            timeout_s: Some(30),
            memory_mb: Some(512),
            last_modified: Some(NEW_YEAR),
            code_sha256: None,
            reserved_concurrency: None,
            dead_letter: None,
        },
        environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

/// A small account: a bucket, two functions, a queue with a dead-letter queue of another prefix.
fn small_account(request: Request) -> Response {
    let lambda = |reply| Ok(Reply::Lambda(reply));
    let no = |code: &str| Err(ServiceError::new("x", code, "no"));
    match request {
        Request::Sqs(SqsRequest::ListQueues { prefix, .. }) => {
            assert_eq!(prefix.as_deref(), Some("Job"));
            Ok(Reply::Sqs(SqsReply::Queues { urls: vec![url("JobQueue")], token: None }))
        }
        Request::Sqs(SqsRequest::GetQueueUrl { name }) => Ok(Reply::Sqs(SqsReply::Url(url(name.as_str())))),
        Request::Sqs(SqsRequest::GetQueueAttributes { queue, .. }) => {
            let mut attributes = BTreeMap::from([("QueueArn".to_owned(), sqs(queue.name().as_str()).to_string())]);
            if queue.name().as_str() == "JobQueue" {
                let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":3}}"#, sqs("DeadJobs"));
                attributes.insert("RedrivePolicy".to_owned(), policy);
            }
            Ok(Reply::Sqs(SqsReply::Attributes(attributes)))
        }
        Request::Lambda(LambdaRequest::ListMappings { .. }) => lambda(LambdaReply::Mappings {
            mappings: vec![mapping("m-1", "JobQueue", "JobWorker"), mapping("m-2", "Other", "Elsewhere")],
            marker: None,
        }),
        Request::Lambda(LambdaRequest::ListFunctions { .. }) => lambda(LambdaReply::Functions {
            functions: vec![
                function("JobWorker", &[("QUEUE", url("JobQueue").as_str()), ("SECRET", "hunter2")]),
                function("JobIntake", &[("QUEUE", sqs("JobQueue").as_str())]),
                function("Elsewhere", &[]),
            ],
            marker: None,
        }),
        Request::Lambda(LambdaRequest::GetPolicy(name)) if name == FunctionName::from("JobIntake") => {
            lambda(LambdaReply::Policy(
                r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},
                "Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::requests"}}}]}"#
                    .to_owned(),
            ))
        }
        Request::Lambda(LambdaRequest::GetPolicy(_)) => no("ResourceNotFoundException"),
        other => panic!("not asked for: {other:?}"),
    }
}

fn url(name: &str) -> redrive::model::id::QueueUrl {
    format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}").into()
}

fn mapping(id: &str, queue: &str, function: &str) -> Mapping {
    Mapping {
        id: id.into(),
        source: sqs(queue),
        function: function.into(),
        function_arn: Arn::new(format!("arn:aws:lambda:eu-west-1:123456789012:function:{function}")),
        state: MappingState::Enabled,
        state_reason: None,
        settings: MappingSettings { batch_size: Some(10), ..MappingSettings::default() },
        last_processing_result: None,
        last_modified: Some(NEW_YEAR),
    }
}

#[tokio::test]
async fn a_survey_draws_what_hangs_together_and_keeps_no_secret() {
    let line = Line::speaking(small_account);
    let survey = line.account().await.survey(&Scope::Prefix("Job".to_owned())).await;
    assert_eq!(survey.missing, Vec::<String>::new());
    let topology = survey.topology.as_ref().expect("drawn");
    let name = |arn: &Arn| topology.node(arn).map_or("?", |node| node.name.as_str()).to_owned();
    let said: Vec<String> = topology
        .edges
        .iter()
        .map(|edge| {
            let kind = match &edge.kind {
                EdgeKind::Mapping(id) => id.to_string(),
                other => format!("{other:?}"),
            };
            format!("{} {kind} {}", name(&edge.from), name(&edge.to))
        })
        .collect();
    assert_eq!(
        said,
        [
            "JobIntake InferredWrite JobQueue",
            "JobWorker InferredWrite JobQueue",
            "requests Invokes JobIntake",
            "JobQueue m-1 JobWorker",
            "JobQueue DeadLetter DeadJobs",
        ]
    );
    let dead = survey.queues.iter().find(|(name, _)| name.as_str() == "DeadJobs").expect("followed by its policy");
    assert_eq!(dead.1.as_ref().expect("read").sources, [sqs("JobQueue")]);
    assert!(!format!("{survey:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_part_of_a_survey_that_is_denied_is_named_and_the_rest_is_drawn() {
    let line = Line::speaking(|request| match request {
        Request::Lambda(LambdaRequest::ListFunctions { .. }) => {
            Err(ServiceError { http: 403, ..ServiceError::new("x", "AccessDeniedException", "not you") })
        }
        other => small_account(other),
    });
    let survey = line.account().await.survey(&Scope::Prefix("Job".to_owned())).await;
    assert!(survey.missing.is_empty(), "{:?}", survey.missing);
    assert_eq!(survey.denied, ["lambda:ListFunctions".to_owned()].into());
    assert_eq!(survey.topology.expect("drawn").edges.len(), 2);
    let nothing = Line::raw(403, "application/json", "{}").account().await.survey(&Scope::Everything).await;
    assert!(nothing.topology.is_err_and(|error| error.http == 403));
}

#[tokio::test]
async fn a_removed_limit_is_sent_as_an_empty_config_and_the_rest_left_out() {
    let line = Line::speaking(|request| {
        let Request::Lambda(LambdaRequest::UpdateMapping { update, .. }) = request else { panic!("{request:?}") };
        assert_eq!((update.max_concurrency, update.batch_size, update.enabled), (Some(None), None, Some(false)));
        let mapping = Box::new(mapping("m-1", "JobQueue", "JobWorker"));
        Ok(Reply::Lambda(LambdaReply::Mapping { mapping, accepted: true }))
    });
    let change = MappingChange { max_concurrency: Some(None), enabled: Some(false), ..MappingChange::default() };
    let end = line.account().await.perform(Order::UpdateMapping { mapping: "m-1".into(), change }).await;
    assert!(matches!(end, Outcome::Done(Answer::Mapping(_))), "{end:?}");
}
