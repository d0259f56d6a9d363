//! What a pipeline is made of before it runs: names, queues, functions, streams, mappings, load and
//! faults. Plain data, made by `scenario`, by tests and by rehearsals; [`Blueprint::check`] says what
//! does not fit together.

use std::collections::BTreeMap;

use crate::model::alarm::AlarmKind;
use crate::model::id::{AlarmName, FunctionName, MappingId, QueueName};
use crate::model::mapping::MappingSettings;
use crate::pipeline::alarm;
use crate::pipeline::distribution::Distribution;
pub use crate::pipeline::fault::PoisonKind;

#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// Twelve digits.
    pub account: String,
    pub region: String,
    /// Scheme and authority of queue URLs: `https://sqs.eu-west-1.amazonaws.com`.
    pub sqs_endpoint: String,
    pub queues: Vec<QueueBlueprint>,
    pub bucket: BucketBlueprint,
    pub table: TableBlueprint,
    pub functions: Vec<FunctionBlueprint>,
    pub mappings: Vec<MappingBlueprint>,
    pub alarms: Vec<AlarmBlueprint>,
    /// Automation templates that the step `invoke` names: JSON of an automation.
    pub templates: BTreeMap<String, String>,
    pub load: Load,
    pub switches: Vec<SwitchBlueprint>,
    pub timeline: Vec<TimelineEntry>,
    /// Seconds after the start and the function that gets new code then.
    pub deploys: Vec<(u64, FunctionName)>,
    pub limits: Limits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueBlueprint {
    pub name: QueueName,
    /// Default lease of a receive, seconds, 0–43,200.
    pub visibility_s: u32,
    /// Seconds a message is kept from its original send, 60–1,209,600.
    pub retention_s: u32,
    /// Default delay of a send, seconds, 0–900.
    pub delay_s: u32,
    pub max_message_bytes: u64,
    /// Dead-letter queue and maxReceiveCount.
    pub redrive: Option<(QueueName, u32)>,
    /// Messages that stand in it at the start.
    pub standing: u32,
}

/// The bucket that requests are stored in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketBlueprint {
    pub name: String,
    /// Invoked asynchronously for each object created.
    pub notifies: FunctionName,
}

/// The table that events are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableBlueprint {
    pub name: String,
    /// Shards of its stream.
    pub shards: u32,
    /// Records are trimmed after so many seconds (DynamoDB: 24 h; aws-facts §4.3).
    pub retention_s: u32,
    /// Bucket for payloads of items over 400 KB.
    pub payload_bucket: String,
}

/// What a function does when it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Bucket events → first job of a run.
    RequestWorker,
    /// Jobs → effects, events and the next job.
    JobWorker,
    /// Stream records → documents of the search index.
    LogWorker,
    /// Takes its event and does nothing with it.
    Sink,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FunctionBlueprint {
    pub name: FunctionName,
    pub role: Role,
    pub timeout_s: u32,
    pub memory_mb: u32,
    pub reserved_concurrency: Option<u32>,
    pub service: Service,
    /// Runs in a million that fail for no reason of the event's.
    pub failure_ppm: u32,
    /// `RecursiveLoop=Allow` (aws-facts §1.9).
    pub allow_recursion: bool,
    /// Its runs leave through `poll_invocation` and come back through `handle_outcome`.
    pub external: bool,
    pub environment: BTreeMap<String, String>,
    /// Asynchronous invokes that failed for good go to this queue.
    pub on_failure: Option<QueueName>,
}

/// How long a run takes: one draw for the run plus one for all its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Microseconds a run takes whatever it carries.
    pub per_run_us: Distribution,
    /// Microseconds each record or message adds; drawn once a run, times the number.
    pub per_record_us: Distribution,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Queue(QueueName),
    /// The stream of the table.
    Stream,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MappingBlueprint {
    pub id: MappingId,
    pub source: Source,
    pub function: FunctionName,
    /// What is `None` gets AWS's default for the kind of source (aws-facts §1.1).
    pub settings: MappingSettings,
    pub enabled: bool,
    /// `MetricsConfig: EventCount`.
    pub event_count_metrics: bool,
}

/// A CloudWatch alarm, evaluated on what the pipeline publishes.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmBlueprint {
    pub name: AlarmName,
    pub description: String,
    /// A metric alarm has one metric; the names in a composite alarm's rule are alarms here.
    pub kind: AlarmKind,
    /// ARNs told when it fires; none are really told.
    pub actions: Vec<String>,
    pub actions_enabled: bool,
}

/// What arrives from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Requests to the web service in 1,000 seconds; gaps between them are exponential.
    pub requests_per_ks: u64,
    /// Bodies of `POST /automations` and how often each is drawn. The recipient is drawn too and
    /// replaces the body's; steps name it as `{"$ref": "recipient"}`.
    pub mix: Vec<Mix>,
    /// How many different recipients there are.
    pub recipients: u32,
    /// Events in 1,000 seconds that other services write into the table directly.
    pub events_per_ks: u64,
    /// How many different items those events belong to.
    pub event_items: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix {
    pub weight: u32,
    pub body: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SwitchBlueprint {
    /// `failing-step`
    pub name: String,
    /// `the step send fails for one run in 25`
    pub what: String,
    /// Whether it is on at the start.
    pub on: bool,
    pub fault: Fault,
}

/// What a switch does while it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The step fails for one run in `one_in`, always the same runs.
    FailingStep { action: String, one_in: u32 },
    /// LogWorker cannot index one event in `one_in`.
    Poison { one_in: u32, how: PoisonKind },
    /// A function's runs take `percent` of their time (300: three times as long).
    Slow { function: FunctionName, percent: u32 },
    /// Each run beyond the first makes a run of the function take so many thousandths longer.
    Crowded { function: FunctionName, per_mille: u32 },
    /// A function may run at most so often at a time, as if its reserved concurrency were set.
    Throttled { function: FunctionName, concurrency: u32 },
    /// Requests and events arrive at `percent` of their rate.
    Surge { percent: u32 },
    /// The mapping that feeds the function is disabled, and enabled again.
    StoppedConsumer { function: FunctionName },
    /// A function's runs throw, as after a deploy that took a permission from it.
    Broken { function: FunctionName },
    /// `RecursiveLoop=Terminate` for the function.
    RecursionGuard { function: FunctionName },
}

/// Something the scenario does by itself, seconds after the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    pub after_s: u64,
    pub switch: String,
    pub on: bool,
}

/// Figures of the account and of this sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Account-wide concurrent executions (aws-facts §10).
    pub concurrency: u32,
    /// Lambda control plane, requests a second for all its APIs together (aws-facts §1.4).
    pub control_plane_rps: u32,
    /// Milliseconds from an update's 202 to `Enabled`.
    pub transition_ms: Distribution,
    /// Milliseconds from `Enabled` until the new settings act (aws-facts §1.3).
    pub linger_ms: Distribution,
    /// Documents of the search index that are kept to be found.
    pub documents: usize,
}

/// Why a blueprint cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlueprintError {
    #[error("{from} names the queue {name}, which the blueprint does not have")]
    NoQueue { from: String, name: QueueName },
    #[error("{from} names the function {name}, which the blueprint does not have")]
    NoFunction { from: String, name: FunctionName },
    #[error("{what} {name} is there twice")]
    Twice { what: &'static str, name: String },
    #[error("the timeline names the switch {0:?}, which the blueprint does not have")]
    NoSwitch(String),
    #[error("the alarm {name} is not valid: {fault}")]
    Alarm { name: AlarmName, fault: String },
    #[error("entry {index} of the load's mix is no valid request: {faults}")]
    Mix { index: usize, faults: String },
    #[error("the automation template {name} is not valid: {faults}")]
    Template { name: String, faults: String },
    #[error("{queue} and its dead-letter queue {dead_letter} must both be FIFO queues, or neither")]
    OtherKind { queue: QueueName, dead_letter: QueueName },
    #[error("{0} gets failed events, and must not be a FIFO queue")]
    FifoDestination(QueueName),
    #[error("{what} must be {rule}, not {value}")]
    Range { what: String, rule: &'static str, value: u64 },
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            concurrency: 1000,
            control_plane_rps: 15,
            transition_ms: Distribution::Uniform(3_000, 8_000),
            linger_ms: Distribution::Uniform(2_000, 10_000),
            documents: 2_000,
        }
    }
}

impl QueueBlueprint {
    /// A queue with SQS's defaults (aws-facts §3.1).
    pub fn new(name: impl Into<QueueName>) -> Self {
        QueueBlueprint {
            name: name.into(),
            visibility_s: 30,
            retention_s: 345_600,
            delay_s: 0,
            max_message_bytes: 1_048_576,
            redrive: None,
            standing: 0,
        }
    }

    /// Its name says so. What the pipeline itself sends is told apart by content then.
    pub fn is_fifo(&self) -> bool {
        self.name.as_str().ends_with(FIFO_SUFFIX)
    }
}

/// How the name of a FIFO queue ends (aws-facts §3.8).
pub const FIFO_SUFFIX: &str = ".fifo";
/// Messages in a batch of a mapping that reads a FIFO queue (aws-facts §1.1).
pub const MAX_FIFO_BATCH: u32 = 10;

impl Blueprint {
    pub fn function(&self, name: &FunctionName) -> Option<&FunctionBlueprint> {
        self.functions.iter().find(|function| function.name == *name)
    }

    pub fn has_queue(&self, name: &QueueName) -> bool {
        self.queues.iter().any(|queue| queue.name == *name)
    }

    /// # Errors
    /// The first thing that does not fit together.
    pub fn check(&self) -> Result<(), BlueprintError> {
        unique("queue", self.queues.iter().map(|q| q.name.to_string()))?;
        unique("function", self.functions.iter().map(|f| f.name.to_string()))?;
        unique("mapping", self.mappings.iter().map(|m| m.id.to_string()))?;
        unique("alarm", self.alarms.iter().map(|a| a.name.to_string()))?;
        unique("switch", self.switches.iter().map(|s| s.name.clone()))?;
        for queue in &self.queues {
            if let Some((dead_letter, count)) = &queue.redrive {
                self.need_queue(&queue.name.to_string(), dead_letter)?;
                range("maxReceiveCount", "1 to 1000", u64::from(*count), 1, 1000)?;
                let other = QueueBlueprint::new(dead_letter.clone());
                if other.is_fifo() != queue.is_fifo() {
                    return Err(BlueprintError::OtherKind { queue: queue.name.clone(), dead_letter: other.name });
                }
            }
        }
        self.need_function("the bucket", &self.bucket.notifies)?;
        range("the table's number of shards", "1 to 10000", u64::from(self.table.shards), 1, 10_000)?;
        for function in &self.functions {
            if let Some(queue) = &function.on_failure {
                self.need_queue(&function.name.to_string(), queue)?;
                if QueueBlueprint::new(queue.clone()).is_fifo() {
                    return Err(BlueprintError::FifoDestination(queue.clone()));
                }
            }
        }
        for mapping in &self.mappings {
            self.need_function("a mapping", &mapping.function)?;
            if let Source::Queue(queue) = &mapping.source {
                self.need_queue("a mapping", queue)?;
                if QueueBlueprint::new(queue.clone()).is_fifo() {
                    let (size, window) =
                        (mapping.settings.batch_size.unwrap_or(1), mapping.settings.window_s.unwrap_or(0));
                    let what = |what: &str| format!("the {what} of a mapping that reads the FIFO queue {queue}");
                    range(&what("batch size"), "1 to 10", u64::from(size), 1, u64::from(MAX_FIFO_BATCH))?;
                    range(&what("batching window"), "0", u64::from(window), 0, 0)?;
                }
            }
        }
        alarm::check(&self.alarms)?;
        self.check_switches()?;
        let rate = self.load.requests_per_ks;
        if rate > 0 && self.load.mix.iter().all(|mix| mix.weight == 0) {
            return Err(BlueprintError::Range { what: "the rate without a mix".into(), rule: "0", value: rate });
        }
        Ok(())
    }

    fn check_switches(&self) -> Result<(), BlueprintError> {
        for switch in &self.switches {
            match &switch.fault {
                Fault::Slow { function, .. }
                | Fault::Crowded { function, .. }
                | Fault::Throttled { function, .. }
                | Fault::StoppedConsumer { function }
                | Fault::Broken { function }
                | Fault::RecursionGuard { function } => self.need_function(&switch.name, function)?,
                Fault::FailingStep { .. } | Fault::Poison { .. } | Fault::Surge { .. } => {}
            }
        }
        for (_, function) in &self.deploys {
            self.need_function("a deploy", function)?;
        }
        for entry in &self.timeline {
            if !self.switches.iter().any(|switch| switch.name == entry.switch) {
                return Err(BlueprintError::NoSwitch(entry.switch.clone()));
            }
        }
        Ok(())
    }

    fn need_queue(&self, from: &str, name: &QueueName) -> Result<(), BlueprintError> {
        let missing = || BlueprintError::NoQueue { from: from.to_owned(), name: name.clone() };
        if self.has_queue(name) { Ok(()) } else { Err(missing()) }
    }

    fn need_function(&self, from: &str, name: &FunctionName) -> Result<(), BlueprintError> {
        let missing = || BlueprintError::NoFunction { from: from.to_owned(), name: name.clone() };
        self.function(name).map(|_| ()).ok_or_else(missing)
    }
}

fn unique(what: &'static str, names: impl Iterator<Item = String>) -> Result<(), BlueprintError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name.clone()) {
            return Err(BlueprintError::Twice { what, name });
        }
    }
    Ok(())
}

fn range(what: &str, rule: &'static str, value: u64, low: u64, high: u64) -> Result<(), BlueprintError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(BlueprintError::Range { what: what.to_owned(), rule, value })
}
