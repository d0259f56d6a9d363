//! The real `aws-sdk-*` clients over `wire`, with answers made up here: what they send is understood,
//! and what is written back is read as it was meant, member by member.

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode};
use aws_sdk_lambda::config::{BehaviorVersion, Region};
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::types::{
    DestinationConfig, FunctionResponseType, InvocationType, LogType, OnFailure, ScalingConfig,
};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue,
    MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::Blob;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use bytes::Bytes;
use redrive::model::function::Function;
use redrive::model::mapping::{Mapping, MappingSettings, MappingState};
use redrive::model::message::{Attribute, AttributeValue, Message, SystemAttributes};
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::move_task::{MoveTask, MoveTaskStatus};
use redrive::model::service_error::ServiceError;
use redrive::model::time::Timestamp;
use redrive::pipeline::request::{
    CloudWatchReply, CloudWatchRequest, EntryFailure, FunctionDetail, InvokeKind, LambdaReply, LambdaRequest,
    MappingUpdate, MetricResult, Reply, Request, RequestId, Response, Sent, SqsReply, SqsRequest,
};

/// Answers every call with the same response and remembers what was asked.
#[derive(Clone)]
struct Canned {
    response: Response,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl fmt::Debug for Canned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canned")
    }
}

impl Canned {
    fn new(response: Response) -> Self {
        Canned { response, asked: Arc::default() }
    }

    fn sqs(reply: SqsReply) -> Self {
        Canned::new(Ok(Reply::Sqs(reply)))
    }

    fn lambda(reply: LambdaReply) -> Self {
        Canned::new(Ok(Reply::Lambda(reply)))
    }

    /// The one request that was sent.
    fn asked(&self) -> Request {
        let mut asked = self.asked.lock().expect("no panic while held");
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (parts, body) = request.try_into_http1x().expect("an HTTP request").into_parts();
        let body = Bytes::copy_from_slice(body.bytes().expect("in memory"));
        let mut answer = match redrive::wire::read(&http::Request::from_parts(parts, body)) {
            Ok(call) => {
                self.asked.lock().expect("no panic while held").push(call.request);
                call.form.write(self.response.clone())
            }
            Err(refused) => refused.answer(),
        };
        redrive::wire::stamp(&mut answer, RequestId(1), Timestamp::from_s(1_767_225_600));
        let answer = HttpResponse::try_from(answer.map(SdkBody::from));
        HttpConnectorFuture::ready(answer.map_err(|error| ConnectorError::other(error.into(), None)))
    }
}

/// A config of any of the SDK crates.
macro_rules! client {
    ($sdk:ident, $canned:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("eu-west-1"))
                .endpoint_url("http://sandbox.invalid")
                .credentials_provider(Credentials::for_tests())
                .retry_config(RetryConfig::disabled())
                .http_client(SharedHttpClient::new($canned.clone()))
                .build(),
        )
    };
}

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/JobDLQ";
const QUEUE_ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:JobDLQ";

#[tokio::test]
async fn a_received_message_is_whole() {
    let message = Message {
        id: "m-1".into(),
        receipt: "r-1".into(),
        body: "{\"a\":\"\\u0007 é \u{1f600}\"}".into(),
        attributes: [
            ("text".to_owned(), Attribute::text("v")),
            ("n".to_owned(), Attribute { data_type: "Number.int".into(), value: AttributeValue::Text("7".into()) }),
            ("b".to_owned(), Attribute { data_type: "Binary".into(), value: AttributeValue::Binary(vec![0, 255]) }),
        ]
        .into(),
        system: SystemAttributes {
            sent_at: Timestamp::from_ms(1_767_225_600_123),
            receive_count: 6,
            dead_letter_source: Some("arn:aws:sqs:eu-west-1:123456789012:JobQueue".into()),
            ..SystemAttributes::default()
        },
    };
    let canned = Canned::sqs(SqsReply::Received { messages: vec![message.clone()], system_names: vec!["All".into()] });
    let answer = client!(aws_sdk_sqs, canned)
        .receive_message()
        .queue_url(QUEUE)
        .max_number_of_messages(10)
        .visibility_timeout(45)
        .wait_time_seconds(1)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .expect("received");
    let Request::Sqs(SqsRequest::Receive(asked)) = canned.asked() else { panic!("not a receive") };
    assert_eq!((asked.max, asked.visibility_s, asked.wait_s), (10, Some(45), Some(1)));
    assert_eq!((asked.attribute_names, asked.system_names), (vec!["All".to_owned()], vec!["All".to_owned()]));
    let got = &answer.messages()[0];
    assert_eq!(got.body(), Some(message.body.as_str()));
    let attributes = got.message_attributes().expect("attributes");
    assert_eq!(attributes["n"].data_type(), "Number.int");
    assert_eq!(attributes["b"].binary_value().map(Blob::as_ref), Some(&[0u8, 255][..]));
    let system = got.attributes().expect("system attributes");
    assert_eq!(system[&MessageSystemAttributeName::ApproximateReceiveCount], "6");
    assert_eq!(system[&MessageSystemAttributeName::SentTimestamp], "1767225600123");
    assert_eq!(system.len(), 3, "{system:?}");
}

#[tokio::test]
async fn an_empty_receive_is_empty() {
    let canned = Canned::sqs(SqsReply::Received { messages: vec![], system_names: vec![] });
    let answer = client!(aws_sdk_sqs, canned).receive_message().queue_url(QUEUE).send().await.expect("received");
    assert_eq!(answer.messages, None);
}

#[tokio::test]
async fn batches_tell_the_failed_from_the_done() {
    let sent = Sent { id: "new".into(), md5_of_body: "00".into(), md5_of_attributes: None, sequence_number: None };
    let failed =
        EntryFailure { id: "b".into(), code: "InternalError".into(), message: "x".into(), sender_fault: false };
    let canned = Canned::sqs(SqsReply::SentBatch { ok: vec![("a".into(), sent)], failed: vec![failed.clone()] });
    let attribute = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([1, 2])).build();
    let entry = |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body("hi");
    let answer = client!(aws_sdk_sqs, canned)
        .send_message_batch()
        .queue_url(QUEUE)
        .entries(entry("a").message_attributes("k", attribute.expect("valid")).build().expect("valid"))
        .entries(entry("b").delay_seconds(900).build().expect("valid"))
        .send()
        .await
        .expect("answered");
    let Request::Sqs(SqsRequest::SendBatch { entries, .. }) = canned.asked() else { panic!("not a batch") };
    assert_eq!(entries[0].1.attributes["k"].value, AttributeValue::Binary(vec![1, 2]));
    assert_eq!(entries[1].1.delay_s, Some(900));
    assert_eq!(answer.successful()[0].message_id(), "new");
    assert_eq!((answer.failed()[0].id(), answer.failed()[0].sender_fault()), ("b", false));

    let canned = Canned::sqs(SqsReply::Batch { ok: vec!["a".into()], failed: vec![failed.clone()] });
    let entry = DeleteMessageBatchRequestEntry::builder().id("a").receipt_handle("r").build().expect("valid");
    let answer = client!(aws_sdk_sqs, canned).delete_message_batch().queue_url(QUEUE).entries(entry).send().await;
    let answer = answer.expect("answered");
    assert_eq!((answer.successful().len(), answer.failed().len()), (1, 1));
    assert_eq!(
        canned.asked(),
        Request::Sqs(SqsRequest::DeleteBatch { queue: QUEUE.into(), entries: vec![("a".into(), "r".into())] })
    );

    let canned = Canned::sqs(SqsReply::Batch { ok: vec!["a".into()], failed: vec![] });
    let entry =
        ChangeMessageVisibilityBatchRequestEntry::builder().id("a").receipt_handle("r").visibility_timeout(0).build();
    let call = client!(aws_sdk_sqs, canned).change_message_visibility_batch().queue_url(QUEUE);
    let answer = call.entries(entry.expect("valid")).send().await.expect("answered");
    assert_eq!(answer.successful()[0].id(), "a");
    let entries = vec![("a".into(), "r".into(), 0)];
    assert_eq!(canned.asked(), Request::Sqs(SqsRequest::ChangeVisibilityBatch { queue: QUEUE.into(), entries }));
}

#[tokio::test]
async fn operations_without_an_answer_have_none() {
    let canned = Canned::sqs(SqsReply::Done);
    client!(aws_sdk_sqs, canned).delete_message().queue_url(QUEUE).receipt_handle("r").send().await.expect("deleted");
    assert_eq!(canned.asked(), Request::Sqs(SqsRequest::Delete { queue: QUEUE.into(), receipt: "r".into() }));
    let call = client!(aws_sdk_sqs, canned).change_message_visibility().queue_url(QUEUE).receipt_handle("r");
    call.visibility_timeout(30).send().await.expect("changed");
    let expected = SqsRequest::ChangeVisibility { queue: QUEUE.into(), receipt: "r".into(), visibility_s: 30 };
    assert_eq!(canned.asked(), Request::Sqs(expected));
    let call = client!(aws_sdk_sqs, canned).set_queue_attributes().queue_url(QUEUE);
    call.attributes(QueueAttributeName::VisibilityTimeout, "60").send().await.expect("set");
    let attributes = [("VisibilityTimeout".to_owned(), "60".to_owned())].into();
    assert_eq!(canned.asked(), Request::Sqs(SqsRequest::SetQueueAttributes { queue: QUEUE.into(), attributes }));
    client!(aws_sdk_sqs, canned).purge_queue().queue_url(QUEUE).send().await.expect("purged");
}

#[tokio::test]
async fn queues_and_their_attributes_are_listed() {
    let canned = Canned::sqs(SqsReply::Queues { urls: vec![QUEUE.into()], token: Some("next".into()) });
    let answer = client!(aws_sdk_sqs, canned).list_queues().queue_name_prefix("Job").max_results(5).send().await;
    let answer = answer.expect("listed");
    assert_eq!((answer.queue_urls(), answer.next_token()), (&[QUEUE.to_owned()][..], Some("next")));
    let expected = SqsRequest::ListQueues { prefix: Some("Job".into()), max: Some(5), token: None };
    assert_eq!(canned.asked(), Request::Sqs(expected));

    let answer = client!(aws_sdk_sqs, canned).list_dead_letter_source_queues().queue_url(QUEUE).send().await;
    assert_eq!(answer.expect("listed").queue_urls(), [QUEUE.to_owned()]);

    let attributes = [("VisibilityTimeout".to_owned(), "30".to_owned())].into();
    let canned = Canned::sqs(SqsReply::Attributes(attributes));
    let call = client!(aws_sdk_sqs, canned).get_queue_attributes().queue_url(QUEUE);
    let answer = call.attribute_names(QueueAttributeName::All).send().await.expect("answered");
    assert_eq!(answer.attributes().expect("some")[&QueueAttributeName::VisibilityTimeout], "30");

    let canned = Canned::sqs(SqsReply::Url(QUEUE.into()));
    let answer = client!(aws_sdk_sqs, canned).get_queue_url().queue_name("JobDLQ").send().await.expect("answered");
    assert_eq!(answer.queue_url(), Some(QUEUE));
}

#[tokio::test]
async fn move_tasks_are_started_listed_and_cancelled() {
    let canned = Canned::sqs(SqsReply::TaskStarted("handle".into()));
    let call = client!(aws_sdk_sqs, canned).start_message_move_task().source_arn(QUEUE_ARN);
    let answer = call.max_number_of_messages_per_second(50).send().await.expect("started");
    assert_eq!(answer.task_handle(), Some("handle"));
    let expected =
        SqsRequest::StartMessageMoveTask { source: QUEUE_ARN.into(), destination: None, max_per_s: Some(50) };
    assert_eq!(canned.asked(), Request::Sqs(expected));

    let task = MoveTask {
        handle: None,
        status: MoveTaskStatus::Completed,
        source: QUEUE_ARN.into(),
        destination: None,
        max_per_s: Some(50),
        moved: 7,
        to_move: Some(9),
        failure: None,
        started_at: Some(Timestamp::from_ms(5_000)),
    };
    let canned = Canned::sqs(SqsReply::Tasks(vec![task]));
    let call = client!(aws_sdk_sqs, canned).list_message_move_tasks().source_arn(QUEUE_ARN).max_results(10);
    let answer = call.send().await.expect("listed");
    let listed = &answer.results()[0];
    assert_eq!((listed.task_handle(), listed.status(), listed.destination_arn()), (None, Some("COMPLETED"), None));
    assert_eq!((listed.approximate_number_of_messages_moved(), listed.started_timestamp()), (7, 5_000));
    assert_eq!(listed.approximate_number_of_messages_to_move(), Some(9));

    let canned = Canned::sqs(SqsReply::TaskCancelled { moved: 2 });
    let answer = client!(aws_sdk_sqs, canned).cancel_message_move_task().task_handle("handle").send().await;
    assert_eq!(answer.expect("cancelled").approximate_number_of_messages_moved(), 2);
}

#[tokio::test]
async fn sqs_errors_are_the_sdks_own_variants() {
    let gone = ServiceError::new("sqs:ReceiveMessage", "AWS.SimpleQueueService.NonExistentQueue", "gone");
    let canned = Canned::new(Err(gone));
    let error = client!(aws_sdk_sqs, canned).receive_message().queue_url(QUEUE).send().await.expect_err("refused");
    let error = error.into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error:?}");
    assert_eq!(error.code(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    assert_eq!(error.message(), Some("gone"));
}

fn mapping() -> Mapping {
    Mapping {
        id: "9f1c2a70-0000-4000-8000-000000000001".into(),
        source: "arn:aws:dynamodb:eu-west-1:123456789012:table/Events/stream/2026-01-01T00:00:00.000".into(),
        function: "LogWorker".into(),
        function_arn: "arn:aws:lambda:eu-west-1:123456789012:function:LogWorker".into(),
        state: MappingState::Updating,
        state_reason: Some("User action".into()),
        settings: MappingSettings {
            batch_size: Some(100),
            window_s: Some(0),
            parallelization_factor: Some(1),
            max_retry_attempts: Some(-1),
            bisect: Some(true),
            on_failure: Some(QUEUE_ARN.into()),
            report_batch_item_failures: true,
            ..MappingSettings::default()
        },
        last_processing_result: Some("OK".into()),
        last_modified: Some(Timestamp::from_ms(1_767_225_600_500)),
    }
}

#[tokio::test]
async fn mappings_are_listed_with_the_members_they_have() {
    let canned = Canned::lambda(LambdaReply::Mappings { mappings: vec![mapping()], marker: Some("m".into()) });
    let call = client!(aws_sdk_lambda, canned).list_event_source_mappings().event_source_arn(mapping().source.as_str());
    let answer = call.max_items(100).send().await.expect("listed");
    let Request::Lambda(LambdaRequest::ListMappings { source, max, .. }) = canned.asked() else { panic!("not a list") };
    assert_eq!((source, max), (Some(mapping().source), Some(100)));
    assert_eq!(answer.next_marker(), Some("m"));
    let listed = &answer.event_source_mappings()[0];
    assert_eq!((listed.state(), listed.parallelization_factor()), (Some("Updating"), Some(1)));
    assert_eq!(listed.scaling_config(), None);
    assert_eq!(listed.last_modified().and_then(|at| at.to_millis().ok()), Some(1_767_225_600_500));
    let destination = listed.destination_config().and_then(DestinationConfig::on_failure);
    assert_eq!(destination.and_then(OnFailure::destination), Some(QUEUE_ARN));
    assert_eq!(listed.function_response_types(), [FunctionResponseType::ReportBatchItemFailures]);
}

#[tokio::test]
async fn an_update_says_what_is_cleared() {
    let canned = Canned::lambda(LambdaReply::Mapping { mapping: Box::new(mapping()), accepted: true });
    let clear = DestinationConfig::builder().on_failure(OnFailure::builder().destination("").build()).build();
    let answer = client!(aws_sdk_lambda, canned)
        .update_event_source_mapping()
        .uuid(mapping().id.as_str())
        .parallelization_factor(5)
        .enabled(true)
        .scaling_config(ScalingConfig::builder().build())
        .destination_config(clear)
        .send()
        .await
        .expect("accepted");
    assert_eq!(answer.parallelization_factor(), Some(1), "the answer shows the old settings");
    let update = MappingUpdate {
        enabled: Some(true),
        parallelization_factor: Some(5),
        max_concurrency: Some(None),
        on_failure: Some(None),
        ..MappingUpdate::default()
    };
    assert_eq!(canned.asked(), Request::Lambda(LambdaRequest::UpdateMapping { id: mapping().id, update }));

    let busy = ServiceError::new("lambda:UpdateEventSourceMapping", "ResourceInUseException", "in use");
    let canned = Canned::new(Err(busy));
    let call = client!(aws_sdk_lambda, canned).update_event_source_mapping().uuid("u").batch_size(1);
    let error = call.send().await.expect_err("refused").into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    assert_eq!(error.message(), Some("in use"));
}

#[tokio::test]
async fn functions_and_what_belongs_to_them_are_answered() {
    let function = Function {
        name: "JobWorker".into(),
        arn: "arn:aws:lambda:eu-west-1:123456789012:function:JobWorker".into(),
        timeout_s: Some(10),
        memory_mb: Some(256),
        last_modified: Some(Timestamp::from_s(1_767_225_600)),
        code_sha256: None,
        reserved_concurrency: Some(3),
        dead_letter: None,
    };
    let environment = [("JOB_QUEUE_URL".to_owned(), QUEUE.to_owned())].into();
    let detail = FunctionDetail { function, environment };
    let canned = Canned::lambda(LambdaReply::Functions { functions: vec![detail.clone()], marker: None });
    let answer = client!(aws_sdk_lambda, canned).list_functions().send().await.expect("listed");
    let variables = answer.functions()[0].environment().and_then(|one| one.variables()).expect("variables");
    assert_eq!(variables["JOB_QUEUE_URL"], QUEUE);

    let canned = Canned::lambda(LambdaReply::Function(Box::new(detail)));
    let answer = client!(aws_sdk_lambda, canned).get_function().function_name("JobWorker").send().await.expect("got");
    assert_eq!(answer.configuration().and_then(|one| one.timeout()), Some(10));
    assert_eq!(answer.concurrency().and_then(|one| one.reserved_concurrent_executions()), Some(3));
    let call = client!(aws_sdk_lambda, canned).get_function_configuration().function_name("JobWorker");
    assert_eq!(call.send().await.expect("got").memory_size(), Some(256));

    let canned = Canned::lambda(LambdaReply::Concurrency(Some(3)));
    let answer =
        client!(aws_sdk_lambda, canned).get_function_concurrency().function_name("f").send().await.expect("got");
    assert_eq!(answer.reserved_concurrent_executions(), Some(3));
    let call = client!(aws_sdk_lambda, canned).put_function_concurrency().function_name("f");
    call.reserved_concurrent_executions(3).send().await.expect("put");

    let dead = "arn:aws:sqs:eu-west-1:123456789012:Dead";
    let canned = Canned::lambda(LambdaReply::Asynchronous {
        function: "arn:aws:lambda:eu-west-1:123456789012:function:f".into(),
        modified_at: Timestamp::from_s(1_767_225_600),
        on_failure: Some(dead.into()),
    });
    let call = client!(aws_sdk_lambda, canned).get_function_event_invoke_config().function_name("f");
    let answer = call.send().await.expect("got");
    let to = answer.destination_config().and_then(|config| config.on_failure()?.destination());
    assert_eq!((to, answer.last_modified().map(|at| at.secs())), (Some(dead), Some(1_767_225_600)));

    let canned = Canned::lambda(LambdaReply::RecursionAllowed(true));
    let answer = client!(aws_sdk_lambda, canned).get_function_recursion_config().function_name("f").send().await;
    assert_eq!(answer.expect("got").recursive_loop().map(|kind| kind.as_str()), Some("Allow"));

    let canned = Canned::lambda(LambdaReply::Policy("{}".into()));
    let answer = client!(aws_sdk_lambda, canned).get_policy().function_name("f").send().await.expect("got");
    assert_eq!(answer.policy(), Some("{}"));

    let canned = Canned::lambda(LambdaReply::AccountSettings { concurrent: 1000, unreserved: 900 });
    let answer = client!(aws_sdk_lambda, canned).get_account_settings().send().await.expect("got");
    assert_eq!(answer.account_limit().map(|limit| limit.concurrent_executions()), Some(1000));

    let canned = Canned::lambda(LambdaReply::Done);
    client!(aws_sdk_lambda, canned).delete_function_concurrency().function_name("f").send().await.expect("deleted");
}

#[tokio::test]
async fn an_invocation_brings_its_error_and_its_log() {
    let canned = Canned::lambda(LambdaReply::Invoked {
        status: 200,
        payload: "{\"errorMessage\":\"x\"}".into(),
        function_error: Some("Unhandled".into()),
        log_tail: Some("START".into()),
    });
    let call =
        client!(aws_sdk_lambda, canned).invoke().function_name("JobWorker").payload(Blob::new("{\"Records\":[]}"));
    let call = call.invocation_type(InvocationType::RequestResponse).log_type(LogType::Tail);
    let answer = call.send().await.expect("invoked");
    assert_eq!((answer.function_error(), answer.log_result()), (Some("Unhandled"), Some("U1RBUlQ=")));
    assert_eq!(answer.payload().map(Blob::as_ref), Some(&b"{\"errorMessage\":\"x\"}"[..]));
    let payload = "{\"Records\":[]}".to_owned();
    let kind = InvokeKind::RequestResponse;
    let expected = LambdaRequest::Invoke { function: "JobWorker".into(), payload, kind, log_tail: true };
    assert_eq!(canned.asked(), Request::Lambda(expected));
}

#[tokio::test]
async fn metrics_travel_in_cbor_with_floats_and_times() {
    let at = Timestamp::from_s(1_767_225_600);
    let results = vec![
        MetricResult { id: "a".into(), label: "IteratorAge".into(), points: vec![(at, 3.0), (at.plus_s(60), 0.5)] },
        MetricResult { id: "b".into(), label: "none".into(), points: vec![] },
    ];
    let canned = Canned::new(Ok(Reply::CloudWatch(CloudWatchReply::MetricData { results, token: None })));
    let metric = Metric::builder().namespace("AWS/Lambda").metric_name("IteratorAge");
    let metric = metric.dimensions(Dimension::builder().name("FunctionName").value("LogWorker").build()).build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Maximum").build();
    let answer = client!(aws_sdk_cloudwatch, canned)
        .get_metric_data()
        .metric_data_queries(MetricDataQuery::builder().id("a").metric_stat(stat).build())
        .start_time(aws_smithy_types::DateTime::from_millis(at.ms()))
        .end_time(aws_smithy_types::DateTime::from_millis(at.plus_s(120).ms()))
        .scan_by(ScanBy::TimestampAscending)
        .send()
        .await
        .expect("answered");
    let Request::CloudWatch(CloudWatchRequest::GetMetricData(asked)) = canned.asked() else { panic!("not metrics") };
    let key = MetricKey::lambda(&"LogWorker".into(), "IteratorAge", Stat::Maximum);
    assert_eq!(asked.queries, [("a".to_owned(), key, 60)]);
    assert_eq!((asked.from, asked.to, asked.ascending), (at, at.plus_s(120), true));
    let first = &answer.metric_data_results()[0];
    assert_eq!((first.values(), first.status_code()), (&[3.0, 0.5][..], Some(&StatusCode::Complete)));
    assert_eq!(first.timestamps()[1].secs(), at.plus_s(60).s());
    assert!(answer.metric_data_results()[1].values().is_empty());

    let canned = Canned::new(Ok(Reply::CloudWatch(CloudWatchReply::Alarms { alarms: vec![], token: None })));
    let answer = client!(aws_sdk_cloudwatch, canned).describe_alarms().send().await.expect("answered");
    assert!(answer.metric_alarms().is_empty() && answer.composite_alarms().is_empty());

    let canned = Canned::new(Err(ServiceError::new("cloudwatch:DescribeAlarms", "ThrottlingException", "slower")));
    let error = client!(aws_sdk_cloudwatch, canned).describe_alarms().send().await.expect_err("refused");
    assert_eq!(error.into_service_error().code(), Some("ThrottlingException"));
    let error = client!(aws_sdk_cloudwatch, canned).list_metrics().send().await.expect_err("refused");
    assert_eq!(error.into_service_error().code(), Some("UnknownOperationException"));
}

#[tokio::test]
async fn the_caller_is_identified() {
    let (account, arn) = ("123456789012".to_owned(), "arn:aws:iam::123456789012:user/sandbox".to_owned());
    let canned = Canned::new(Ok(Reply::Identity { account, arn: arn.clone(), user_id: "AIDA".into() }));
    let answer = client!(aws_sdk_sts, canned).get_caller_identity().send().await.expect("answered");
    assert_eq!((answer.account(), answer.arn()), (Some("123456789012"), Some(arn.as_str())));
}
