//! Performs effects: each on a task of its own, its answer a message. It keeps no picture and decides
//! nothing; what is asked for again, and when, is the console's schedule.

mod record;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::aws::Account;
use crate::console::effect::{Effect, Incident};
use crate::console::msg::Msg;
use crate::console::rehearsal::RehearsalAsk;
use crate::driver::clock::Clock;
use crate::driver::sandbox::Sandbox;
use crate::journal::Journal;
use crate::model::acknowledgement::Acknowledgement;
use crate::model::finding::Subject;
use crate::model::function::FunctionQuestion;
use crate::model::id::{FunctionName, MessageId, OperationId, QueueName};
use crate::model::mapping::Mapping;
use crate::model::message::Message;
use crate::model::metric::MetricKey;
use crate::model::picture::Identity;
use crate::model::scope::Scope;
use crate::model::time::Timestamp;
use crate::model::topology::Topology;
use crate::operation::progress::Progress;
use crate::operation::record::Holder;
use crate::operation::{Command, Owner, Undertaking};
use crate::runner::{self, Split};
use crate::shell::cache::Cache;
use crate::shell::discovery::Discovery;
use crate::shell::hoard::Hoard;
use crate::shell::incident;
use crate::shell::pace::Pace;
use crate::shell::{deaths, export, rehearsal, reserve, session, sift};

/// What effects are performed on.
#[derive(Clone)]
pub struct Ground {
    pub account: Arc<Account>,
    pub sandbox: Option<Arc<Sandbox>>,
    pub journal: Arc<Journal>,
    pub clock: Clock,
    /// What is watched at the start.
    pub scope: Option<Scope>,
    /// Where pictures are kept for the next session.
    pub cache: Option<Cache>,
}

pub struct Worker {
    ground: Ground,
    outbox: UnboundedSender<Msg>,
    running: BTreeMap<OperationId, Runs>,
    identity: watch::Sender<Identity>,
    topology: watch::Sender<Option<Topology>>,
    hoard: Arc<Mutex<Hoard>>,
    discovery: Discovery,
    /// Stops the rehearsal under way.
    rehearsing: Arc<AtomicBool>,
}

/// One operation at work.
struct Runs {
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
}

impl Worker {
    pub fn new(ground: Ground, outbox: UnboundedSender<Msg>) -> Self {
        let region = ground.account.region().to_owned();
        let identity = watch::Sender::new(Identity { region, ..Identity::default() });
        let topology = watch::Sender::new(None);
        let discovery = Discovery {
            account: Arc::clone(&ground.account),
            clock: ground.clock.clone(),
            outbox: outbox.clone(),
            identity: identity.clone(),
            topology: topology.clone(),
            cache: ground.cache.clone(),
            watched: Arc::default(),
        };
        if let Some(scope) = ground.scope.clone() {
            discovery.watch(scope);
        }
        let running = BTreeMap::new();
        let rehearsing = Arc::default();
        Worker { ground, outbox, running, identity, topology, hoard: Arc::default(), discovery, rehearsing }
    }

    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::FetchIdentity => self.fetch_identity(),
            Effect::FetchNames => self.discovery.names(),
            Effect::Watch(scope) => self.discovery.watch(scope),
            Effect::Remember(names) => self.discovery.remember(names),
            Effect::FetchTopology => self.discovery.survey(),
            Effect::FetchQueues { queues } => {
                let topology = self.topology.borrow().clone();
                self.fetch(move |account, at| async move {
                    let results = account.queues(&queues, topology.as_ref()).await;
                    Msg::QueuesArrived { at: at(), results }
                });
            }
            Effect::FetchMappings => self.discovery.mappings(),
            Effect::FetchMetrics { generation, keys, from, to } => self.fetch_metrics(generation, keys, from, to),
            Effect::FetchAlarms => self.fetch(|account, at| async move {
                let result = account.alarms().await;
                Msg::AlarmsArrived { at: at(), result }
            }),
            Effect::FetchMoveTask { queue, arn } => self.fetch(move |account, at| async move {
                let result = account.move_tasks(&arn).await.map(|tasks| tasks.into_iter().next());
                Msg::MoveTaskArrived { at: at(), queue, result }
            }),
            Effect::FetchLog { function, generation, later, ask } => self.fetch(move |account, at| async move {
                let result = account.log_of(&function, ask).await;
                Msg::LogArrived { at: at(), function, generation, later, result }
            }),
            Effect::FetchDeaths { queue, function, ask, messages, redaction } => {
                self.fetch(move |account, _| async move {
                    let window = (ask.from, ask.to);
                    let read = account.log_of(&function, ask).await;
                    let result = match read {
                        Ok(reading) => Ok(deaths::errors(reading, messages, redaction).await),
                        Err(error) => Err(error),
                    };
                    Msg::DeathsArrived { queue, function, window, result }
                })
            }
            Effect::FetchFunctionSetting { function, question } => self.fetch_function_setting(function, question),
            Effect::FetchAccountLimits => self.fetch_account_limits(),
            Effect::FetchReserve(mapping) => self.fetch_reserve(*mapping),
            Effect::LoadAcknowledged => self.acknowledge(None),
            Effect::Acknowledge { keys, acknowledgement } => self.acknowledge(Some((keys, acknowledgement))),
            Effect::Rehearse(ask) => self.rehearse(*ask),
            Effect::StopRehearsing => self.rehearsing.store(true, Ordering::Relaxed),
            Effect::Start { id, undertaking } => self.start(id, undertaking),
            Effect::Command(id, command) => self.command(&id, command),
            Effect::Bench(command) => {
                if let Some(sandbox) = &self.ground.sandbox {
                    sandbox.command(command);
                }
            }
            Effect::Note(note) => self.note(note),
            Effect::LoadJournal => self.load_journal(),
            Effect::Spill { .. }
            | Effect::FetchBody { .. }
            | Effect::Export { .. }
            | Effect::Sift { .. }
            | Effect::Edit { .. } => self.with_bodies(effect),
            Effect::LoadRecord(id) => self.load_record(id),
            Effect::CloseRecord { operation, line } => self.close_record(operation, line),
            Effect::WriteIncident(incident) => self.write_incident(*incident),
            // The loop has the terminal and keeps these for itself.
            Effect::Copy(_) | Effect::MouseCapture(_) | Effect::SwitchContext(_) | Effect::Quit => {}
        }
    }

    /// In place of the one under way.
    fn rehearse(&mut self, ask: RehearsalAsk) {
        self.rehearsing.store(true, Ordering::Relaxed);
        self.rehearsing = Arc::default();
        let (account, now) = (Arc::clone(&self.ground.account), self.ground.clock.account_now());
        tokio::spawn(rehearsal::run(account, ask, now, Arc::clone(&self.rehearsing), self.outbox.clone()));
    }

    /// What needs the bodies that lie on disk.
    fn with_bodies(&self, effect: Effect) {
        match effect {
            Effect::Spill { queue, operation, messages } => self.spill(&queue, &operation, &messages),
            Effect::FetchBody { queue, id } => self.fetch_body(queue, id),
            Effect::Export { queue, path, messages } => {
                let (hoard, outbox) = (Arc::clone(&self.hoard), self.outbox.clone());
                tokio::task::spawn_blocking(move || {
                    let result = export::write(&hoard, &queue, &path, &messages);
                    let _ = outbox.send(Msg::Exported { path, result });
                });
            }
            Effect::Sift { queue, question } => {
                let (hoard, outbox) = (Arc::clone(&self.hoard), self.outbox.clone());
                tokio::task::spawn_blocking(move || {
                    let _ = outbox.send(sift::answer(&hoard, queue, question));
                });
            }
            Effect::Edit { queue, program, messages, most } => {
                let (hoard, outbox) = (Arc::clone(&self.hoard), self.outbox.clone());
                tokio::task::spawn_blocking(move || {
                    let result = sift::edit(&hoard, &queue, &program, &messages, most);
                    let _ = outbox.send(Msg::Edited { queue, program, result });
                });
            }
            _ => {}
        }
    }

    /// Tells every operation to finish; answers how many are still at work.
    pub fn leave(&mut self) -> usize {
        self.running.retain(|_, runs| !runs.task.is_finished());
        for runs in self.running.values() {
            let _ = runs.commands.send(Command::Leave);
        }
        self.running.len()
    }

    /// Returns when the last operation has ended. Safe to drop and call again.
    pub async fn all_ended(&mut self) {
        while let Some(mut entry) = self.running.first_entry() {
            let _ = (&mut entry.get_mut().task).await;
            entry.remove();
        }
    }

    fn fetch<F, Fut>(&self, ask: F)
    where
        F: FnOnce(Arc<Account>, Now) -> Fut + Send + 'static,
        Fut: Future<Output = Msg> + Send + 'static,
    {
        let (account, clock, outbox) =
            (Arc::clone(&self.ground.account), self.ground.clock.clone(), self.outbox.clone());
        let (watched, epoch) = (self.discovery.clone(), self.discovery.epoch());
        tokio::spawn(async move {
            let msg = ask(Arc::clone(&account), Box::new(move || clock.account_now())).await;
            let _ = outbox.send(Msg::Used(account.usage()));
            // What was asked about another scope is nobody's answer any more; who one is, is no matter
            // of scope.
            if watched.epoch() == epoch || matches!(msg, Msg::IdentityArrived { .. }) {
                let _ = outbox.send(msg);
            }
        });
    }

    fn fetch_identity(&self) {
        let known = self.identity.clone();
        self.fetch(move |account, at| async move {
            let result = account.identity().await;
            if let Ok(identity) = &result {
                known.send_replace(identity.clone());
            }
            Msg::IdentityArrived { at: at(), result }
        });
    }

    fn fetch_metrics(&self, generation: u64, keys: Vec<MetricKey>, from: Timestamp, to: Timestamp) {
        self.fetch(move |account, at| async move {
            // A metric that is refused alone is left out: never asked, and therefore never "none".
            let answered = |(key, points): (MetricKey, Result<_, String>)| Some((key, points.ok()?));
            let result = account.metrics(&keys, from, to).await;
            let result = result.map(|answers| answers.into_iter().filter_map(answered).collect());
            Msg::MetricsArrived { generation, at: at(), result }
        });
    }

    /// At once: what is asked of these bodies next must find them.
    fn spill(&self, queue: &QueueName, operation: &OperationId, messages: &[Arc<Message>]) {
        let kept = match self.hoard.lock() {
            Ok(mut hoard) => hoard.keep(queue, operation, messages),
            Err(_) => Err(std::io::Error::other("lost")),
        };
        if let Err(error) = kept {
            let line = format!("bodies beyond memory are cut: the disk does not take them ({error})");
            let _ = self.outbox.send(Msg::Trouble(line));
        }
    }

    fn fetch_body(&self, queue: QueueName, id: MessageId) {
        let (hoard, outbox) = (Arc::clone(&self.hoard), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let read = match hoard.lock() {
                Ok(mut hoard) => hoard.body(&queue, &id).map_err(|error| error.to_string()),
                Err(_) => Err("the bodies on disk are lost".to_owned()),
            };
            let result = read.and_then(|body| body.ok_or_else(|| "it was not kept".to_owned()));
            let _ = outbox.send(Msg::BodyArrived { queue, id, result });
        });
    }

    fn write_incident(&self, incident: Incident) {
        let (journal, outbox) = (Arc::clone(&self.ground.journal), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let _ = outbox.send(Msg::IncidentWritten { result: incident::write(&journal, incident) });
        });
    }

    fn fetch_function_setting(&self, function: FunctionName, question: FunctionQuestion) {
        self.fetch(move |account, at| async move {
            account.leisure().await;
            let result = account.function_setting(&function, question).await;
            Msg::FunctionSettingArrived { at: at(), function, question, result }
        });
    }

    /// Somebody looks at the form: it does not wait for leisure.
    fn fetch_reserve(&self, mapping: Mapping) {
        self.fetch(move |account, at| async move {
            let reading = Box::new(reserve::read(&account, &mapping).await);
            Msg::ReserveArrived { at: at(), mapping: mapping.id, reading }
        });
    }

    fn fetch_account_limits(&self) {
        self.fetch(|account, at| async move {
            account.leisure().await;
            let result = account.account_limits().await;
            Msg::AccountLimitsArrived { at: at(), result }
        });
    }

    /// Writes a change, if there is one, and reads what stands then.
    fn acknowledge(&self, change: Option<Change>) {
        let identity = self.identity.borrow().clone();
        let (journal, outbox) = (Arc::clone(&self.ground.journal), self.outbox.clone());
        tokio::task::spawn_blocking(move || {
            let saved = change.is_some();
            let place = (identity.account.as_str(), identity.region.as_str());
            let written = change.map_or(Ok(()), |(keys, known)| journal.acknowledge(place, keys, known));
            let result = written.and_then(|()| journal.acknowledged(place)).map_err(|error| error.to_string());
            let _ = outbox.send(Msg::AcknowledgedArrived { saved, result });
        });
    }

    fn command(&mut self, id: &OperationId, command: Command) {
        let gone = self.running.get(id).is_none_or(|runs| runs.commands.send(command).is_err());
        if gone {
            let _ = self.outbox.send(Msg::Trouble(format!("operation {id} is not running any more")));
        }
    }

    fn start(&mut self, id: OperationId, undertaking: Undertaking) {
        self.running.retain(|_, runs| !runs.task.is_finished());
        let identity = self.identity.borrow().clone();
        let owner =
            Owner { operation: id.clone(), who: identity.arn, account: identity.account, region: identity.region };
        let resumed = matches!(undertaking, Undertaking::Resume(_)).then(|| id.clone());
        let machine = undertaking.begin(owner, session::seed_of(&id), self.ground.clock.account_now());
        let performer = Split {
            calls: (*self.ground.account).clone(),
            journal: (*self.ground.journal).clone(),
            clock: Pace(self.ground.clock.clone()),
        };
        let (commands, orders) = mpsc::unbounded_channel();
        let outbox = self.outbox.clone();
        let progress = move |progress: Progress| {
            let _ = outbox.send(Msg::OperationProgressed(progress));
        };
        let outbox = self.outbox.clone();
        let broken = id.clone();
        let journal = Arc::clone(&self.ground.journal);
        let task = tokio::spawn(async move {
            if let Err(why) = claimed(&journal, resumed).await {
                let _ = outbox.send(Msg::OperationBroke { id: broken, why });
                return;
            }
            if let Err(error) = tokio::spawn(runner::run(machine, performer, orders, progress)).await {
                let _ = outbox.send(Msg::OperationBroke { id: broken.clone(), why: error.to_string() });
            }
            // Whatever is still open of it may be taken up by the next.
            journal.let_go(&broken);
        });
        self.running.insert(id, Runs { commands, task });
    }
}

/// A rehearsal nobody waits for keeps no process alive.
impl Drop for Worker {
    fn drop(&mut self) {
        self.rehearsing.store(true, Ordering::Relaxed);
    }
}

/// Findings by rule and subject, and what they are acknowledged with; `None` takes it back.
type Change = (Vec<(String, Subject)>, Option<Acknowledgement>);

/// An operation that is taken up belongs to this process first.
async fn claimed(journal: &Arc<Journal>, operation: Option<OperationId>) -> Result<(), String> {
    let Some(operation) = operation else { return Ok(()) };
    let journal = Arc::clone(journal);
    let claim = tokio::task::spawn_blocking(move || journal.claim(&operation)).await;
    match claim.map_err(|error| error.to_string())?.map_err(|error| error.to_string())? {
        Holder::Other { who } => Err(format!("it is at work in {who} by now")),
        Holder::Us | Holder::Nobody | Holder::Dead { .. } => Ok(()),
    }
}

type Now = Box<dyn Fn() -> Timestamp + Send>;
