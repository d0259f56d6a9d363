//! The whole discovery: lists, attributes, policies, and the topology they prove. Each part may fail
//! alone; what could not be read is named in `missing` and not drawn.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use crate::aws::Account;
use crate::aws::function::Surroundings;
use crate::aws::queue::{QueueResults, fill_sources};
use crate::aws::topology::{self, Known, Seen};
use crate::model::function::Function;
use crate::model::id::{Arn, FunctionName, QueueUrl};
use crate::model::mapping::Mapping;
use crate::model::permission::action_of;
use crate::model::queue::Queue;
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

impl Account {
    /// Reads everything whose name begins with `prefix` and what hangs together with it: mappings
    /// from or to such names, their functions and queues, dead-letter queues, destinations.
    pub async fn survey(&self, prefix: Option<&str>) -> Survey {
        let (mappings, urls, functions) =
            tokio::join!(self.mappings(), self.list_queues(prefix), self.functions_and_surroundings());
        let mut gaps = Gaps::default();
        for error in [mappings.as_ref().err(), urls.as_ref().err(), functions.as_ref().err()].into_iter().flatten() {
            gaps.note("", error);
        }
        if let (Err(error), Err(_), Err(_)) = (&mappings, &urls, &functions) {
            return Survey {
                topology: Err(error.clone()),
                mappings: Err(error.clone()),
                functions: functions.map(|(functions, _)| functions),
                queues: Vec::new(),
                missing: gaps.missing,
                denied: gaps.denied,
            };
        }
        let mappings = mappings.map(|all| narrow(all, prefix));
        let known_mappings = mappings.as_deref().unwrap_or_default();
        let queues = self.survey_queues(urls.unwrap_or_default(), known_mappings, &mut gaps).await;
        let read: Vec<Queue> = queues.iter().filter_map(|(_, result)| result.as_ref().ok().cloned()).collect();
        let (functions, surroundings) = match functions {
            Ok((functions, surroundings)) => (Ok(functions), surroundings),
            Err(error) => (Err(error), Vec::new()),
        };
        let functions = functions.map(|all| narrow_functions(all, prefix, known_mappings));
        let kept: BTreeSet<&Arn> = functions.iter().flatten().map(|function| &function.arn).collect();
        let surroundings: Vec<Surroundings> =
            surroundings.into_iter().filter(|one| kept.contains(&one.function)).collect();
        let first_writes = topology::writes(&surroundings, &Known::new(known_mappings, &read, &[]));
        let candidates = policy_candidates(functions.as_deref().unwrap_or_default(), known_mappings, &first_writes);
        let left_out = functions.as_deref().map_or(0, <[Function]>::len) - candidates.len();
        if left_out > 0 {
            gaps.missing.push(format!(
                "who may invoke {left_out} functions that no mapping feeds: not asked, narrow with --prefix"
            ));
        }
        let invokes = self.invokes(candidates, &mut gaps).await;
        let writes = topology::writes(&surroundings, &Known::new(known_mappings, &read, &invokes));
        let topology =
            topology::build(&Seen { mappings: known_mappings, queues: &read, invokes: &invokes, writes: &writes });
        Survey { topology: Ok(topology), mappings, functions, queues, missing: gaps.missing, denied: gaps.denied }
    }

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
            gaps.missing
                .push(format!("{} of {all} queues that no mapping reads: narrow with --prefix", all - urls.len()));
        }
        let mut results = self.queues(&urls, None).await;
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

fn narrow(mappings: Vec<Mapping>, prefix: Option<&str>) -> Vec<Mapping> {
    let Some(prefix) = prefix else { return mappings };
    let begins = |mapping: &Mapping| {
        let source = mapping.source.table().unwrap_or_else(|| mapping.source.resource());
        mapping.function.as_str().starts_with(prefix) || source.starts_with(prefix)
    };
    mappings.into_iter().filter(begins).collect()
}

fn narrow_functions(functions: Vec<Function>, prefix: Option<&str>, mappings: &[Mapping]) -> Vec<Function> {
    let Some(prefix) = prefix else { return functions };
    let fed: BTreeSet<&FunctionName> = mappings.iter().map(|mapping| &mapping.function).collect();
    functions.into_iter().filter(|f| f.name.as_str().starts_with(prefix) || fed.contains(&f.name)).collect()
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

/// Beyond so many queues only those of mappings are read, one call each.
const MAX_QUEUES: usize = 300;
/// Up to so many functions everybody's policy is read.
const MAX_POLICIES: usize = 40;
/// A fifth of what the account's control plane takes a second.
const POLICIES_AT_ONCE: usize = 3;
