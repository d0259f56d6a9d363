//! Which of the reads this program makes are allowed, found out by making each once and cheaply. It
//! changes nothing: what would is not tried and not known.

use std::collections::BTreeMap;

use crate::aws::Account;
use crate::model::id::{Arn, FunctionName, MappingId, QueueUrl};
use crate::model::mapping::SourceKind;
use crate::model::metric::{MetricKey, Stat};
use crate::model::permission::Found;
use crate::model::scope::Scope;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

/// What was there to try the other reads with.
#[derive(Debug, Default)]
struct Seen {
    mappings: Vec<MappingId>,
    functions: Vec<FunctionName>,
    streams: Vec<Arn>,
    kinesis: Vec<Arn>,
    queues: Vec<QueueUrl>,
}

impl Account {
    /// Every read once, by its action of IAM; `now` is the account's time.
    pub async fn probe(&self, scope: &Scope, now: Timestamp) -> BTreeMap<&'static str, Found> {
        let (prefix, stack) = match scope {
            Scope::Stack(stack) => (None, Some(stack.as_str())),
            scope => (scope.prefix(), None),
        };
        let mut found = BTreeMap::new();
        let mut seen = Seen::default();
        let (mappings, functions, queues) = tokio::join!(self.mappings(), self.functions(), self.list_queues(prefix));
        seen.mappings = mappings.iter().flatten().map(|mapping| mapping.id.clone()).collect();
        seen.functions = functions.iter().flatten().map(|function| function.name.clone()).collect();
        let read = |kind: SourceKind| {
            let mappings = mappings.iter().flatten().filter(move |mapping| mapping.kind() == kind);
            mappings.map(|mapping| mapping.source.clone()).collect()
        };
        (seen.streams, seen.kinesis) = (read(SourceKind::DynamoDb), read(SourceKind::Kinesis));
        seen.queues = queues.clone().unwrap_or_default();
        found.insert("lambda:ListEventSourceMappings", outcome(&mappings));
        found.insert("lambda:ListFunctions", outcome(&functions));
        found.insert("sqs:ListQueues", outcome(&queues));
        self.probe_functions(&seen, &mut found).await;
        self.probe_queues(&seen, &mut found).await;
        let shards = match seen.streams.first() {
            Some(stream) => outcome(&self.open_shards(stream).await),
            None => Found::Untried("no stream to try it with".to_owned()),
        };
        found.insert("dynamodb:DescribeStream", shards);
        let summary = match seen.kinesis.first() {
            Some(stream) => outcome(&self.stream_summary(stream).await),
            None => Found::Untried("no Kinesis stream to try it with".to_owned()),
        };
        found.insert("kinesis:DescribeStreamSummary", summary);
        let name = seen.functions.first().cloned().unwrap_or_else(|| FunctionName::from("redrive-doctor"));
        let keys = [MetricKey::lambda(&name, "Invocations", Stat::Sum)];
        let to = now.floor_to(60);
        found.insert("cloudformation:DescribeStacks", outcome(&self.stacks().await));
        let stack = self.resolved(&Scope::Stack(stack.unwrap_or("redrive-doctor").to_owned())).await;
        found.insert("cloudformation:ListStackResources", outcome(&stack));
        found.insert("cloudwatch:DescribeAlarms", outcome(&self.may_read_alarms().await));
        found.insert("cloudwatch:GetMetricData", outcome(&self.metrics(&keys, to.plus_s(-300), to).await));
        found
    }

    async fn probe_functions(&self, seen: &Seen, found: &mut BTreeMap<&'static str, Found>) {
        let none = || Found::Untried("no function to try it with".to_owned());
        let answers = match seen.functions.first() {
            Some(name) => {
                let policy = outcome(&self.invokers(name).await);
                let (concurrency, asynchronous, recursion) =
                    tokio::join!(self.concurrency(name), self.asynchronous(name), self.recursion(name));
                [policy, outcome(&concurrency), outcome(&asynchronous), outcome(&recursion)]
            }
            None => std::array::from_fn(|_| none()),
        };
        let actions = [
            "lambda:GetPolicy",
            "lambda:GetFunctionConcurrency",
            "lambda:GetFunctionEventInvokeConfig",
            "lambda:GetFunctionRecursionConfig",
        ];
        found.extend(actions.into_iter().zip(answers));
        let mapping = match seen.mappings.first() {
            Some(id) => outcome(&self.mapping(id).await),
            None => Found::Untried("no mapping to try it with".to_owned()),
        };
        found.insert("lambda:GetEventSourceMapping", mapping);
        found.insert("lambda:GetAccountSettings", outcome(&self.unreserved_concurrency().await));
    }

    async fn probe_queues(&self, seen: &Seen, found: &mut BTreeMap<&'static str, Found>) {
        let Some(url) = seen.queues.first() else {
            for action in [
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListDeadLetterSourceQueues",
                "sqs:ListMessageMoveTasks",
            ] {
                found.insert(action, Found::Untried("no queue to try it with".to_owned()));
            }
            return;
        };
        let queue = self.queue(url).await;
        let arn = queue.as_ref().map_or_else(|_| arn_of(url, self.region()), |queue| queue.arn.clone());
        let (by_name, sources, tasks) =
            tokio::join!(self.queue_url(&arn), self.dead_letter_sources(url), self.move_tasks(&arn));
        found.insert("sqs:GetQueueAttributes", outcome(&queue));
        found.insert("sqs:GetQueueUrl", outcome(&by_name));
        found.insert("sqs:ListDeadLetterSourceQueues", outcome(&sources));
        found.insert("sqs:ListMessageMoveTasks", outcome(&tasks));
    }
}

/// A service that says no for another reason than permission has let the caller in.
fn outcome<T>(result: &Result<T, ServiceError>) -> Found {
    match result {
        Err(error) if error.is_denied() => Found::Denied(error.message.clone()),
        Err(error) if error.http == 0 || error.http >= 500 || error.is_of_credentials() || error.is_throttle() => {
            Found::Unclear(error.to_string())
        }
        // CloudFormation's word for a stack that is not there.
        Err(error) if error.message.ends_with("does not exist") => Found::Allowed,
        Err(error) if error.is_missing() || error.code.contains("Invalid") => Found::Allowed,
        Err(error) => Found::Unclear(error.to_string()),
        Ok(_) => Found::Allowed,
    }
}

/// `https://sqs.eu-west-1.amazonaws.com/123456789012/JobQueue`
fn arn_of(url: &QueueUrl, region: &str) -> Arn {
    let account = url.as_str().rsplit('/').nth(1).unwrap_or("");
    Arn::new(format!("arn:aws:sqs:{region}:{account}:{}", url.name()))
}
