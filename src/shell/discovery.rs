//! Finds out what there is: names first, then the scope's picture, then who invokes what, one call at
//! a time. It keeps the picture for the next session, and drops answers about a scope that is not
//! watched any more.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::aws::Account;
use crate::aws::survey::{Invokers, Survey};
use crate::console::msg::Msg;
use crate::console::picker::Names;
use crate::driver::clock::Clock;
use crate::model::kept::Kept;
use crate::model::picture::Identity;
use crate::model::scope::Scope;
use crate::model::time::Timestamp;
use crate::model::topology::Topology;
use crate::shell::cache::{Cache, Owner};

/// Cheap to clone; clones share what they know.
#[derive(Clone)]
pub(super) struct Discovery {
    pub(super) account: Arc<Account>,
    pub(super) clock: Clock,
    pub(super) outbox: UnboundedSender<Msg>,
    pub(super) identity: watch::Sender<Identity>,
    pub(super) topology: watch::Sender<Option<Topology>>,
    pub(super) cache: Option<Cache>,
    pub(super) watched: Arc<Watched>,
}

/// What is watched, and what is known beyond one discovery.
#[derive(Debug, Default)]
pub(super) struct Watched {
    scope: Mutex<Option<Scope>>,
    /// Goes up with every change of the scope.
    epoch: AtomicU64,
    invokers: Mutex<Invokers>,
    policies_denied: AtomicBool,
}

impl Discovery {
    /// The names there are; what was unhealthy lately when the account is known soon enough.
    pub(super) fn names(&self) {
        let this = self.clone();
        tokio::spawn(async move {
            let (names, recent, stacks) = tokio::join!(this.account.names(), this.recent(), this.account.stacks());
            // One stack less to choose from is no trouble.
            let stacks = stacks.unwrap_or_default().into_iter().map(|stack| stack.name).collect();
            let result = match (names.queues, names.mappings) {
                (Err(error), Err(_)) => Err(error),
                // Either list alone is enough to choose by.
                (queues, mappings) => {
                    let (queues, mappings) = (queues.unwrap_or_default(), mappings.unwrap_or_default());
                    Ok(Names { queues, mappings, stacks, recent })
                }
            };
            this.tell(Msg::NamesArrived { result });
        });
    }

    async fn recent(&self) -> BTreeSet<String> {
        match (&self.cache, self.owner().await) {
            (Some(cache), Some(owner)) => cache.recent(&owner, self.clock.account_now()),
            _ => BTreeSet::new(),
        }
    }

    pub(super) fn remember(&self, names: BTreeSet<String>) {
        let this = self.clone();
        tokio::spawn(async move {
            if let (Some(cache), Some(owner)) = (&this.cache, this.owner().await) {
                cache.keep_recent(&owner, this.clock.account_now(), names);
            }
        });
    }

    /// From now on this is watched; what the last session left of it is shown at once.
    pub(super) fn watch(&self, scope: Scope) {
        *lock(&self.watched.scope) = Some(scope.clone());
        self.watched.epoch.fetch_add(1, Ordering::SeqCst);
        self.topology.send_replace(None);
        self.show_kept(scope);
    }

    /// What the last session left, once it is known whose account this is.
    pub(super) fn show_kept(&self, scope: Scope) {
        let (this, epoch) = (self.clone(), self.epoch());
        tokio::spawn(async move {
            if let (Some(cache), Some(owner)) = (&this.cache, this.owner().await)
                && let Some(kept) = cache.picture(&owner, &scope, this.clock.account_now())
                && this.epoch() == epoch
            {
                this.tell(Msg::KeptArrived(kept));
            }
        });
    }

    pub(super) fn epoch(&self) -> u64 {
        self.watched.epoch.load(Ordering::SeqCst)
    }

    /// The scope's mappings alone: what changes soonest, and one call.
    pub(super) fn mappings(&self) {
        let (this, epoch) = (self.clone(), self.epoch());
        tokio::spawn(async move {
            let result = this.account.mappings_of(&this.scope()).await;
            if this.epoch() == epoch {
                this.tell(Msg::MappingsArrived { at: this.clock.account_now(), result });
            }
        });
    }

    fn scope(&self) -> Scope {
        lock(&self.watched.scope).clone().unwrap_or(Scope::Everything)
    }

    /// The scope's picture; then, as Lambda's turns allow, who invokes its functions.
    pub(super) fn survey(&self) {
        let (this, epoch) = (self.clone(), self.epoch());
        let scope = self.scope();
        tokio::spawn(async move {
            let known = lock(&this.watched.invokers).clone();
            let mut survey = this.account.survey_of(&scope, &known).await;
            if this.epoch() != epoch {
                return;
            }
            let at = this.clock.account_now();
            // A policy that might not be read before is taken for one until it has been asked again.
            if this.watched.policies_denied.load(Ordering::SeqCst) && !survey.unasked.is_empty() {
                survey.denied.insert(POLICY.to_owned());
            }
            this.tell(Msg::DenialsArrived { actions: survey.denied.clone() });
            this.tell(Msg::MappingsArrived { at, result: survey.mappings.clone() });
            this.tell(Msg::FunctionsArrived { at, result: survey.functions.clone() });
            this.tell(Msg::QueuesArrived { at, results: survey.queues.clone() });
            this.drawn(&survey, at);
            this.keep(&survey, &scope, at).await;
            // Nothing that is drawn waits for these.
            this.streams(&mut survey).await;
            let result = this.account.stacks().await;
            this.tell(Msg::StacksArrived { at: this.clock.account_now(), result });
            if survey.unasked.is_empty() {
                return;
            }
            this.ask_invokers(&mut survey, epoch).await;
            if this.epoch() == epoch {
                this.tell(Msg::DenialsArrived { actions: survey.denied.clone() });
                survey.draw(&lock(&this.watched.invokers));
                this.drawn(&survey, at);
                this.keep(&survey, &scope, at).await;
            }
        });
    }

    /// How long the Kinesis streams keep their records; one that cannot be asked is taken for the shortest.
    async fn streams(&self, survey: &mut Survey) {
        let mappings = survey.mappings.clone().unwrap_or_default();
        let mut found = Vec::new();
        for (arn, result) in self.account.stream_summaries(&mappings).await {
            match result {
                Ok(summary) => found.push((arn, summary)),
                Err(error) if error.is_denied() => drop(survey.denied.insert(error.action)),
                // It is asked again with the next discovery; until then the clock says what it assumes.
                Err(_) => {}
            }
        }
        if !found.is_empty() {
            self.tell(Msg::StreamsArrived { at: self.clock.account_now(), found });
        }
        if !survey.denied.is_empty() {
            self.tell(Msg::DenialsArrived { actions: survey.denied.clone() });
        }
    }

    fn drawn(&self, survey: &Survey, at: Timestamp) {
        if let Ok(topology) = &survey.topology {
            self.topology.send_replace(Some(topology.clone()));
        }
        let (result, missing) = (survey.topology.clone(), survey.missing.clone());
        self.tell(Msg::TopologyArrived { at, result, missing, cached: false });
    }

    /// One policy after the other: nothing waits for them, and they wait for everything.
    async fn ask_invokers(&self, survey: &mut Survey, epoch: u64) {
        survey.denied.remove(POLICY);
        for (name, arn) in std::mem::take(&mut survey.unasked) {
            if self.epoch() != epoch {
                return;
            }
            self.account.leisure().await;
            match self.account.invokers(&name).await {
                Ok(sources) => drop(lock(&self.watched.invokers).insert(arn, sources)),
                Err(error) => {
                    survey.note_refusal(&name, &error);
                    // Who may not ask for one may not ask for the others either.
                    if error.is_denied() {
                        break;
                    }
                }
            }
        }
        self.watched.policies_denied.store(survey.denied.contains(POLICY), Ordering::SeqCst);
    }

    async fn keep(&self, survey: &Survey, scope: &Scope, at: Timestamp) {
        let (Some(cache), Some(owner), Ok(topology)) = (&self.cache, self.owner().await, &survey.topology) else {
            return;
        };
        let queues = survey.queues.iter().filter_map(|(_, result)| result.as_ref().ok().cloned()).collect();
        let kept = Kept {
            at,
            topology: topology.clone(),
            mappings: survey.mappings.clone().unwrap_or_default(),
            functions: survey.functions.clone().unwrap_or_default(),
            queues,
        };
        let (cache, scope) = (cache.clone(), scope.clone());
        // Nobody waits for the disk.
        let _ = tokio::task::spawn_blocking(move || cache.keep_picture(&owner, &scope, &kept)).await;
    }

    /// Whose account it is, once that is known.
    async fn owner(&self) -> Option<Owner> {
        let mut identity = self.identity.subscribe();
        let known = timeout(OWNER_WAIT, identity.wait_for(|identity| !identity.account.is_empty())).await;
        let identity = known.ok()?.ok()?.clone();
        Owner::new(&identity, self.account.endpoint_url())
    }

    fn tell(&self, msg: Msg) {
        let _ = self.outbox.send(Msg::Used(self.account.usage()));
        let _ = self.outbox.send(msg);
    }
}

/// A panic while the lock was held cannot have left half a value: it is assigned whole.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tells who may invoke a function.
const POLICY: &str = "lambda:GetPolicy";
/// An account that does not say who it is in this time has no cache.
const OWNER_WAIT: Duration = Duration::from_secs(5);
