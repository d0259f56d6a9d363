//! What can be asked of the embedded pipeline and what it answers: AWS's operations as types, one
//! enum a service. `wire` turns bytes into these and back; nothing here knows a protocol.

use std::collections::BTreeMap;

use crate::model::alarm::{Alarm, AlarmState};
use crate::model::function::Function;
use crate::model::id::{
    AlarmName, Arn, FunctionName, MappingId, MessageId, QueueName, QueueUrl, ReceiptHandle, TaskHandle,
};
use crate::model::mapping::Mapping;
use crate::model::message::{Message, Outgoing};
use crate::model::metric::MetricKey;
use crate::model::move_task::MoveTask;
use crate::model::service_error::ServiceError;
use crate::model::stack::Stack;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::AlarmBlueprint;
use crate::pipeline::log_request::{LogsReply, LogsRequest};
use crate::pipeline::object_request::{ObjectReply, ObjectRequest};
use crate::pipeline::stack_request::StackResource;
use crate::pipeline::stream_request::{StreamsReply, StreamsRequest};

/// Chosen by the caller; a reply carries it back, later or at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// One run of an *external* function, in flight outside the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvocationId(pub u64);

#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    Sqs(SqsRequest),
    Lambda(LambdaRequest),
    /// DynamoDB Streams.
    Streams(StreamsRequest),
    Objects(ObjectRequest),
    CloudWatch(CloudWatchRequest),
    Logs(LogsRequest),
    /// STS `GetCallerIdentity`.
    Identity,
    /// CloudFormation `DescribeStacks`: all of them, or the one of that name.
    Stacks(Option<String>),
    /// CloudFormation `ListStackResources`: of the stack of that name or ARN, from that token on.
    StackResources {
        stack: String,
        token: Option<String>,
    },
    Web(WebRequest),
}

pub type Response = Result<Reply, ServiceError>;

#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Sqs(SqsReply),
    Lambda(LambdaReply),
    Streams(StreamsReply),
    Objects(ObjectReply),
    CloudWatch(CloudWatchReply),
    Logs(LogsReply),
    Identity { account: String, arn: String, user_id: String },
    Stacks(Vec<Stack>),
    StackResources { resources: Vec<StackResource>, token: Option<String> },
    Web(WebReply),
}

// ---- SQS ----------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub enum SqsRequest {
    ListQueues {
        prefix: Option<String>,
        max: Option<u32>,
        token: Option<String>,
    },
    GetQueueUrl {
        name: QueueName,
    },
    /// `names` as asked; `All` means every attribute, none means none (aws-facts §3.1).
    GetQueueAttributes {
        queue: QueueUrl,
        names: Vec<String>,
    },
    SetQueueAttributes {
        queue: QueueUrl,
        attributes: BTreeMap<String, String>,
    },
    CreateQueue {
        name: QueueName,
        attributes: BTreeMap<String, String>,
    },
    DeleteQueue {
        queue: QueueUrl,
    },
    PurgeQueue {
        queue: QueueUrl,
    },
    Send {
        queue: QueueUrl,
        message: Outgoing,
    },
    SendBatch {
        queue: QueueUrl,
        entries: Vec<(String, Outgoing)>,
    },
    Receive(Receive),
    Delete {
        queue: QueueUrl,
        receipt: ReceiptHandle,
    },
    DeleteBatch {
        queue: QueueUrl,
        entries: Vec<(String, ReceiptHandle)>,
    },
    ChangeVisibility {
        queue: QueueUrl,
        receipt: ReceiptHandle,
        visibility_s: u32,
    },
    /// Entry id, receipt, seconds.
    ChangeVisibilityBatch {
        queue: QueueUrl,
        entries: Vec<(String, ReceiptHandle, u32)>,
    },
    ListDeadLetterSourceQueues {
        queue: QueueUrl,
        max: Option<u32>,
        token: Option<String>,
    },
    StartMessageMoveTask {
        source: Arn,
        destination: Option<Arn>,
        max_per_s: Option<u32>,
    },
    ListMessageMoveTasks {
        source: Arn,
        max: Option<u32>,
    },
    CancelMessageMoveTask {
        handle: TaskHandle,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Receive {
    pub queue: QueueUrl,
    /// 1–10.
    pub max: u32,
    /// `None`: the queue's default.
    pub visibility_s: Option<u32>,
    /// `None`: the queue's default; 0 is a short poll.
    pub wait_s: Option<u32>,
    /// `MessageAttributeNames`: names, `All`, or `prefix.*`; what is not asked for is not answered.
    pub attribute_names: Vec<String>,
    /// `MessageSystemAttributeNames` (or the old `AttributeNames`); `All`, or names.
    pub system_names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SqsReply {
    Queues {
        urls: Vec<QueueUrl>,
        token: Option<String>,
    },
    Url(QueueUrl),
    Attributes(BTreeMap<String, String>),
    Done,
    Sent(Sent),
    SentBatch {
        ok: Vec<(String, Sent)>,
        failed: Vec<EntryFailure>,
    },
    /// `system_names` as asked for, so that the wire answers only those.
    Received {
        messages: Vec<Message>,
        system_names: Vec<String>,
    },
    Batch {
        ok: Vec<String>,
        failed: Vec<EntryFailure>,
    },
    TaskStarted(TaskHandle),
    Tasks(Vec<MoveTask>),
    TaskCancelled {
        moved: u64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub id: MessageId,
    pub md5_of_body: String,
    pub md5_of_attributes: Option<String>,
    /// FIFO queues only.
    pub sequence_number: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EntryFailure {
    pub id: String,
    pub code: String,
    pub message: String,
    pub sender_fault: bool,
}

// ---- Lambda -------------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub enum LambdaRequest {
    ListMappings {
        source: Option<Arn>,
        function: Option<String>,
        max: Option<u32>,
        marker: Option<String>,
    },
    GetMapping(MappingId),
    UpdateMapping {
        id: MappingId,
        update: MappingUpdate,
    },
    ListFunctions {
        max: Option<u32>,
        marker: Option<String>,
    },
    GetFunction(FunctionName),
    /// `UpdateFunctionCode`: a deploy; what is in the archive is not looked at.
    UpdateCode(FunctionName),
    GetConcurrency(FunctionName),
    PutConcurrency(FunctionName, u32),
    DeleteConcurrency(FunctionName),
    GetAsynchronous(FunctionName),
    /// Where asynchronous invokes go that failed for good; `None` clears it.
    PutAsynchronous(FunctionName, Option<Arn>),
    GetRecursion(FunctionName),
    /// `Allow` is true, `Terminate` false.
    PutRecursion(FunctionName, bool),
    /// The resource policy: who may invoke it.
    GetPolicy(FunctionName),
    GetAccountSettings,
    Invoke {
        function: FunctionName,
        payload: String,
        kind: InvokeKind,
        log_tail: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvokeKind {
    RequestResponse,
    Event,
    DryRun,
}

/// The members of `UpdateEventSourceMapping` the sandbox knows; absent members are unchanged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MappingUpdate {
    pub enabled: Option<bool>,
    pub batch_size: Option<u32>,
    pub window_s: Option<u32>,
    pub parallelization_factor: Option<u32>,
    /// `ScalingConfig`: `Some(None)` is `{}` and removes the limit.
    pub max_concurrency: Option<Option<u32>>,
    pub max_retry_attempts: Option<i32>,
    pub max_record_age_s: Option<i32>,
    pub bisect: Option<bool>,
    /// `DestinationConfig.OnFailure.Destination`; `Some(None)` clears it.
    pub on_failure: Option<Option<Arn>>,
    pub report_batch_item_failures: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LambdaReply {
    Mappings {
        mappings: Vec<Mapping>,
        marker: Option<String>,
    },
    /// From Get (HTTP 200) or Update (HTTP 202); `accepted` tells which.
    Mapping {
        mapping: Box<Mapping>,
        accepted: bool,
    },
    Functions {
        functions: Vec<FunctionDetail>,
        marker: Option<String>,
    },
    Function(Box<FunctionDetail>),
    Concurrency(Option<u32>),
    /// `FunctionEventInvokeConfig`: the function's ARN, when it was changed last, the destination.
    Asynchronous {
        function: Arn,
        modified_at: Timestamp,
        on_failure: Option<Arn>,
    },
    RecursionAllowed(bool),
    /// The policy document, JSON.
    Policy(String),
    AccountSettings {
        concurrent: u32,
        unreserved: u32,
    },
    Invoked {
        status: u16,
        payload: String,
        /// `Unhandled` or `Handled` when the function failed.
        function_error: Option<String>,
        log_tail: Option<String>,
    },
    Done,
}

/// A function with its environment, which only the wire shows.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionDetail {
    pub function: Function,
    pub environment: BTreeMap<String, String>,
}

// ---- CloudWatch ---------------------------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub enum CloudWatchRequest {
    GetMetricData(GetMetricData),
    DescribeAlarms(DescribeAlarms),
    PutMetricAlarm(Box<AlarmBlueprint>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct GetMetricData {
    /// Query id, metric, period in seconds; at most 500 (aws-facts §2.6).
    pub queries: Vec<(String, MetricKey, u32)>,
    /// Inclusive, rounded down to the minute.
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
    /// False is AWS's default: newest first.
    pub ascending: bool,
    pub max_datapoints: Option<u32>,
    pub token: Option<String>,
}

/// Empty and `None` filters let everything through.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeAlarms {
    pub names: Vec<AlarmName>,
    pub prefix: Option<String>,
    pub action_prefix: Option<String>,
    pub state: Option<AlarmState>,
    /// `AlarmTypes`: metric alarms alone unless it names others.
    pub metric: bool,
    pub composite: bool,
    pub max: Option<u32>,
    pub token: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CloudWatchReply {
    MetricData {
        results: Vec<MetricResult>,
        token: Option<String>,
    },
    Done,
    /// Metric alarms first.
    Alarms {
        alarms: Vec<Alarm>,
        token: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricResult {
    pub id: String,
    pub label: String,
    pub points: Vec<(Timestamp, f64)>,
}

// ---- the pipeline's own web service ---------------------------------------------------------------

#[derive(Debug, Clone, PartialEq)]
pub enum WebRequest {
    /// `POST /automations`, the body as it came.
    PostAutomation { body: String },
    /// `GET /runs/{id}`
    GetRun { id: String },
    /// `GET /events?q=…`: documents of the search index, newest first.
    SearchEvents { q: String, limit: u32 },
}

#[derive(Debug, Clone, PartialEq)]
pub struct WebReply {
    /// 200, 202, 400 or 404.
    pub status: u16,
    /// JSON.
    pub body: String,
}
