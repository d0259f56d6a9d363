//! The whole discovery: lists, attributes, policies, and the topology they prove. Each part may fail
//! alone; what could not be read is named in `missing` and not drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::aws::Account;
use crate::aws::function::Surroundings;
use crate::aws::queue::{QueueResults, fill_sources};
use crate::aws::topology::{self, Known, Seen};
use crate::model::function::Function;
use crate::model::id::{Arn, FunctionName, QueueName, QueueUrl};
use crate::model::mapping::Mapping;
use crate::model::permission::action_of;
use crate::model::queue::Queue;
use crate::model::scope::Scope;
use crate::model::service_error::ServiceError;
use crate::model::topology::Topology;

#[derive(Debug)]
pub struct Survey {
    /// An error only when none of the three lists could be read.
    pub topology: Result<Topology, ServiceError>,
    pub mappings: Result<Vec<Mapping>, ServiceError>,
    pub functions: Result<Vec<Function>, ServiceError>,
    pub queues: QueueResults,
    /// What could not be read and is therefore not drawn, one line each.
    pub missing: Vec<String>,
    /// Actions of IAM that are not allowed; each stands for all that was asked by it.
    pub denied: BTreeSet<String>,
    /// Functions whose policies would say who invokes them, one call each: not asked yet.
    pub unasked: Vec<(FunctionName, Arn)>,
    surroundings: Vec<Surroundings>,
}

/// What a survey could not read, permissions told from the rest.
#[derive(Debug, Default)]
struct Gaps {
    missing: Vec<String>,
    denied: BTreeSet<String>,
}

impl Gaps {
    /// `what` names what was asked about, and is empty where the error says it.
    fn note(&mut self, what: &str, error: &ServiceError) {
        match action_of(&error.action) {
            Some(action) if error.is_denied() => drop(self.denied.insert(action.to_owned())),
            _ if what.is_empty() => self.missing.push(error.to_string()),
            _ => self.missing.push(format!("{what}: {error}")),
        }
    }
}

/// Environments hold secrets: their values are never printed.
impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Surroundings")
    }
}

/// Who may invoke a function, by its resource policy.
pub type Invokers = BTreeMap<Arn, Vec<Arn>>;

/// What there is to choose from, before anything of it is read.
#[derive(Debug)]
pub struct Names {
    pub queues: Result<Vec<QueueName>, ServiceError>,
    pub mappings: Result<Vec<Mapping>, ServiceError>,
}

impl Account {
    /// The names of the account's queues and its mappings: two lists and nothing else.
    pub async fn names(&self) -> Names {
        let (queues, mappings) = tokio::join!(self.list_queues(None), self.mappings());
        Names { queues: queues.map(|urls| urls.iter().map(QueueUrl::name).collect()), mappings }
    }

    /// Reads what the scope takes and what hangs together with it: mappings from or to such names, their
    /// functions and queues, dead-letter queues, destinations, and who invokes the functions.
    pub async fn survey(&self, scope: &Scope) -> Survey {
        let mut survey = self.survey_of(scope, &Invokers::new()).await;
        self.add_invokers(&mut survey).await;
        survey
    }

    /// Asks who may invoke each function whose policy is `unasked`: a call a function, about one a
    /// second beyond the first ten (aws-facts §1.4).
    pub async fn add_invokers(&self, survey: &mut Survey) {
        let unasked = std::mem::take(&mut survey.unasked);
        let mut gaps = Gaps::default();
        let invokes = self.invokes(unasked, &mut gaps).await;
        survey.missing.extend(gaps.missing);
        survey.denied.extend(gaps.denied);
        let mut known = Invokers::new();
        for (from, to) in invokes {
            known.entry(to).or_default().push(from);
        }
        survey.draw(&known);
    }

    /// The event source mappings of a scope. `ListEventSourceMappings` cannot be narrowed by name.
    ///
    /// # Errors
    /// What Lambda answered instead.
    pub async fn mappings_of(&self, scope: &Scope) -> Result<Vec<Mapping>, ServiceError> {
        let (scope, mappings) = tokio::join!(self.resolved(scope), self.mappings());
        Ok(narrow(mappings?, &scope?))
    }

    /// The same but for the policies: those `known` are drawn, the others are left to be asked by whoever
    /// has the time.
    pub async fn survey_of(&self, scope: &Scope, known: &Invokers) -> Survey {
        match self.resolved(scope).await {
            Ok(scope) => self.survey_names(&scope, known).await,
            Err(error) => {
                let mut gaps = Gaps::default();
                gaps.note("", &error);
                Survey::refused(&error, gaps)
            }
        }
    }

    async fn survey_names(&self, scope: &Scope, known: &Invokers) -> Survey {
        let (mappings, urls, functions) =
            tokio::join!(self.mappings(), self.list_queues(scope.prefix()), self.functions_and_surroundings());
        let mut gaps = Gaps::default();
        for error in [mappings.as_ref().err(), urls.as_ref().err(), functions.as_ref().err()].into_iter().flatten() {
            gaps.note("", error);
        }
        if let (Err(error), Err(_), Err(_)) = (&mappings, &urls, &functions) {
            return Survey::refused(error, gaps);
        }
        let mappings = mappings.map(|all| narrow(all, scope));
        let known_mappings = mappings.as_deref().unwrap_or_default();
        let mut urls = urls.unwrap_or_default();
        urls.retain(|url| scope.takes(url.name().as_str()));
        let queues = self.survey_queues(urls, known_mappings, &mut gaps).await;
        let (functions, surroundings) = match functions {
            Ok((functions, surroundings)) => (Ok(functions), surroundings),
            Err(error) => (Err(error), Vec::new()),
        };
        let functions = functions.map(|all| narrow_functions(all, scope, known_mappings));
        let kept: BTreeSet<&Arn> = functions.iter().flatten().map(|function| &function.arn).collect();
        let surroundings = surroundings.into_iter().filter(|one| kept.contains(&one.function)).collect();
        let (topology, unasked) = (Ok(Topology::default()), Vec::new());
        let Gaps { missing, denied } = gaps;
        let mut survey = Survey { topology, mappings, functions, queues, missing, denied, unasked, surroundings };
        survey.draw(known);
        survey.find_unasked(known);
        survey
    }
}

impl Survey {
    /// Nothing of it can be known.
    fn refused(error: &ServiceError, gaps: Gaps) -> Self {
        Survey {
            topology: Err(error.clone()),
            mappings: Err(error.clone()),
            functions: Err(error.clone()),
            queues: Vec::new(),
            missing: gaps.missing,
            denied: gaps.denied,
            unasked: Vec::new(),
            surroundings: Vec::new(),
        }
    }

    /// A policy could not be read.
    pub fn note_refusal(&mut self, function: &FunctionName, error: &ServiceError) {
        let mut gaps = Gaps::default();
        gaps.note(&format!("who may invoke {function}"), error);
        self.missing.extend(gaps.missing);
        self.denied.extend(gaps.denied);
    }

    /// Draws the picture with the invokers known.
    pub fn draw(&mut self, known: &Invokers) {
        if self.topology.is_err() {
            return;
        }
        let mappings = self.mappings.as_deref().unwrap_or_default();
        let read: Vec<Queue> = self.queues.iter().filter_map(|(_, result)| result.as_ref().ok().cloned()).collect();
        let here: BTreeSet<&Arn> = self.functions.iter().flatten().map(|function| &function.arn).collect();
        let mut invokes: Vec<(Arn, Arn)> = known
            .iter()
            .filter(|(to, _)| here.contains(to))
            .flat_map(|(to, sources)| sources.iter().map(|from| (from.clone(), to.clone())))
            .collect();
        invokes.sort();
        let writes = topology::writes(&self.surroundings, &Known::new(mappings, &read, &invokes));
        self.topology = Ok(topology::build(&Seen { mappings, queues: &read, invokes: &invokes, writes: &writes }));
    }

    fn find_unasked(&mut self, known: &Invokers) {
        let mappings = self.mappings.as_deref().unwrap_or_default();
        let read: Vec<Queue> = self.queues.iter().filter_map(|(_, result)| result.as_ref().ok().cloned()).collect();
        let first_writes = topology::writes(&self.surroundings, &Known::new(mappings, &read, &[]));
        let functions = self.functions.as_deref().unwrap_or_default();
        let mut candidates = policy_candidates(functions, mappings, &first_writes);
        let left_out = functions.len() - candidates.len();
        if left_out > 0 {
            self.missing.push(format!(
                "who may invoke {left_out} functions that no mapping feeds: not asked, narrow the scope"
            ));
        }
        candidates.retain(|(_, arn)| !known.contains_key(arn));
        self.unasked = candidates;
    }
}

impl Account {
    /// The queues listed, and those mappings and redrive policies lead to beside them.
    async fn survey_queues(&self, mut urls: Vec<QueueUrl>, mappings: &[Mapping], gaps: &mut Gaps) -> QueueResults {
        let consumed: BTreeSet<&Arn> = mappings
            .iter()
            .flat_map(|mapping| [Some(&mapping.source), mapping.settings.on_failure.as_ref()])
            .flatten()
            .filter(|arn| arn.service() == "sqs")
            .collect();
        if urls.len() > MAX_QUEUES {
            let names: BTreeSet<&str> = consumed.iter().map(|arn| arn.resource()).collect();
            let all = urls.len();
            urls.retain(|url| names.contains(url.name().as_str()));
            gaps.missing.push(format!("{} of {all} queues that no mapping reads: narrow the scope", all - urls.len()));
        }
        let mut results = self.queues_in_the_end(&urls).await;
        let mut wanted: BTreeSet<Arn> = consumed.into_iter().cloned().collect();
        // Twice: a source found by its mapping may have a dead-letter queue of its own.
        for _ in 0..2 {
            let read: Vec<&Queue> = results.iter().filter_map(|(_, result)| result.as_ref().ok()).collect();
            wanted.extend(read.iter().filter_map(|queue| Some(queue.redrive.as_ref()?.dead_letter_arn.clone())));
            let have: BTreeSet<&Arn> = read.iter().map(|queue| &queue.arn).collect();
            let lacking: Vec<Arn> = wanted.iter().filter(|arn| !have.contains(arn)).cloned().collect();
            let mut more = Vec::new();
            for arn in lacking {
                wanted.remove(&arn);
                match self.queue_url(&arn).await {
                    Ok(url) => more.push(url),
                    Err(error) => gaps.note(&format!("queue {}", arn.resource()), &error),
                }
            }
            if more.is_empty() {
                break;
            }
            results.extend(self.queues(&more, None).await);
        }
        for (name, result) in &results {
            if let Err(error) = result {
                gaps.note(&format!("queue {name}"), error);
            }
        }
        results.sort_by(|(a, _), (b, _)| a.cmp(b));
        results.dedup_by(|(a, _), (b, _)| a == b);
        fill_sources(&mut results, None);
        results
    }

    /// A queue whose answer was "slower" is asked again after a while: one left out here would be
    /// missing from the picture, not merely old.
    async fn queues_in_the_end(&self, urls: &[QueueUrl]) -> QueueResults {
        let mut results = self.queues(urls, None).await;
        for _ in 0..ROUNDS {
            let slower = |result: &Result<Queue, ServiceError>| result.as_ref().is_err_and(ServiceError::is_throttle);
            let again: BTreeSet<QueueName> =
                results.iter().filter(|(_, result)| slower(result)).map(|(name, _)| name.clone()).collect();
            if again.is_empty() {
                break;
            }
            sleep(BETWEEN_ROUNDS).await;
            let urls: Vec<QueueUrl> = urls.iter().filter(|url| again.contains(&url.name())).cloned().collect();
            results.retain(|(name, _)| !again.contains(name));
            results.extend(self.queues(&urls, None).await);
        }
        results
    }

    async fn invokes(&self, functions: Vec<(FunctionName, Arn)>, gaps: &mut Gaps) -> Vec<(Arn, Arn)> {
        let mut found = Vec::new();
        let mut refusals: Vec<(FunctionName, ServiceError)> = Vec::new();
        let mut running = JoinSet::new();
        let mut waiting = functions.into_iter();
        loop {
            while running.len() < POLICIES_AT_ONCE
                && let Some((name, arn)) = waiting.next()
            {
                let account = self.clone();
                running.spawn(async move { (account.invokers(&name).await, name, arn) });
            }
            match running.join_next().await {
                Some(Ok((Ok(sources), _, arn))) => found.extend(sources.into_iter().map(|from| (from, arn.clone()))),
                Some(Ok((Err(error), name, _))) => refusals.push((name, error)),
                Some(Err(_)) => {}
                None => break,
            }
        }
        refusals.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some((name, error)) = refusals.first() {
            let others = match refusals.len() {
                1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            gaps.note(&format!("who may invoke {name}{others}"), error);
        }
        found.sort();
        found
    }
}

fn narrow(mappings: Vec<Mapping>, scope: &Scope) -> Vec<Mapping> {
    let named = |mapping: &Mapping| {
        let source = mapping.source.table().unwrap_or_else(|| mapping.source.resource());
        scope.takes(mapping.function.as_str()) || scope.takes(source)
    };
    mappings.into_iter().filter(named).collect()
}

fn narrow_functions(functions: Vec<Function>, scope: &Scope, mappings: &[Mapping]) -> Vec<Function> {
    let fed: BTreeSet<&FunctionName> = mappings.iter().map(|mapping| &mapping.function).collect();
    functions.into_iter().filter(|f| scope.takes(f.name.as_str()) || fed.contains(&f.name)).collect()
}

/// Whose policies are worth a call each: everybody's in a small account; in a large one those that
/// are drawn already, because the 15 calls a second belong to the whole account (aws-facts §1.4).
fn policy_candidates(functions: &[Function], mappings: &[Mapping], writes: &[(Arn, Arn)]) -> Vec<(FunctionName, Arn)> {
    let drawn: BTreeSet<&Arn> =
        mappings.iter().map(|mapping| &mapping.function_arn).chain(writes.iter().map(|(from, _)| from)).collect();
    let all = functions.len() <= MAX_POLICIES;
    functions
        .iter()
        .filter(|function| all || drawn.contains(&function.arn))
        .map(|function| (function.name.clone(), function.arn.clone()))
        .collect()
}

/// Times that queues are asked again whose answer was "slower", and the wait before each.
const ROUNDS: usize = 4;
const BETWEEN_ROUNDS: Duration = Duration::from_secs(1);
/// Beyond so many queues only those of mappings are read, one call each.
const MAX_QUEUES: usize = 1_000;
/// Up to so many functions everybody's policy is read.
const MAX_POLICIES: usize = 40;
/// A fifth of what the account's control plane takes a second.
const POLICIES_AT_ONCE: usize = 3;
