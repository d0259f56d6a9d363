//! What is asked about how urgently: what is unhealthy or being worked on, what is in view, the rest.
//! A key or a queue is in the first tier that has its name.

use std::collections::BTreeSet;

use crate::console::Console;
use crate::console::rows::source_name;
use crate::console::schedule::{METRICS_ELSEWHERE, METRICS_IN_VIEW, QUEUES_ELSEWHERE, QUEUES_IN_VIEW};
use crate::console::screen::{Screen, window};
use crate::console::stretch::{Demand, Stretch, stretch};
use crate::model::finding::{Severity, Subject};
use crate::model::id::QueueName;
use crate::model::metric::MetricKey;

/// Names: of functions, queues, tables, mappings; metrics go by the values of their dimensions.
#[derive(Debug, Default)]
pub(in crate::console) struct Tiers {
    unhealthy: BTreeSet<String>,
    view: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Tier {
    Unhealthy,
    View,
    Rest,
}

impl Tiers {
    pub(in crate::console) fn of(console: &Console) -> Self {
        let mut tiers = Tiers::default();
        for subject in unhealthy(console) {
            put(console, &mut tiers.unhealthy, &subject);
        }
        // What an operation moves arrives in the queues the letters came from.
        for queue in console.running().filter_map(|operation| operation.queue()).chain(open_queue(console)) {
            tiers.unhealthy.insert(queue.to_string());
            tiers.unhealthy.extend(sources(console, queue));
        }
        for subject in in_view(console) {
            put(console, &mut tiers.view, &subject);
        }
        tiers
    }

    pub(in crate::console) fn of_key(&self, key: &MetricKey) -> Tier {
        let any = |names: &BTreeSet<String>| key.dimensions.iter().any(|(_, value)| names.contains(value));
        tier(any(&self.unhealthy), any(&self.view))
    }

    pub(in crate::console) fn of_queue(&self, name: &QueueName) -> Tier {
        tier(self.unhealthy.contains(name.as_str()), self.view.contains(name.as_str()))
    }

    /// How far polling is stretched for what is wanted.
    pub(in crate::console) fn stretch(&self, console: &Console, wanted: &[MetricKey]) -> Stretch {
        let demand = |tier: Tier, metrics_every_ms, queues_every_ms| Demand {
            metrics: wanted.iter().filter(|key| self.of_key(key) == tier).count() as u64,
            queues: console.picture.queues.keys().filter(|name| self.of_queue(name) == tier).count() as u64,
            metrics_every_ms,
            queues_every_ms,
        };
        let near = |tier| demand(tier, METRICS_IN_VIEW.every_ms, QUEUES_IN_VIEW.every_ms);
        let rest = demand(Tier::Rest, METRICS_ELSEWHERE.every_ms, QUEUES_ELSEWHERE.every_ms);
        let budget = console.options.budget.0;
        let spent = console.cost.dollars_per_hour(console.now).unwrap_or(0.0);
        // Told to go slower, everything but the unhealthy is asked half as often.
        let slower = if console.cost.throttled_lately(console.now) > 0 { 2.0 } else { 1.0 };
        let stretched = stretch(near(Tier::Unhealthy), near(Tier::View), rest, budget, spent / budget.max(1e-6));
        Stretch { view: stretched.view * slower, rest: stretched.rest * slower }
    }
}

fn tier(unhealthy: bool, view: bool) -> Tier {
    match (unhealthy, view) {
        (true, _) => Tier::Unhealthy,
        (false, true) => Tier::View,
        (false, false) => Tier::Rest,
    }
}

fn open_queue(console: &Console) -> Option<&QueueName> {
    match console.screen() {
        Screen::Triage(name) => Some(name),
        _ => None,
    }
}

/// The names that findings are about; a mapping's id is nobody's name.
pub(in crate::console) fn unhealthy_names(console: &Console) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for finding in console.findings.iter().filter(|finding| finding.severity <= Severity::Warning) {
        put(console, &mut names, &finding.subject);
    }
    names.retain(|name| !console.picture.mappings.contains_key(&name.as_str().into()));
    names
}

/// What is judged ill, what was just tuned, what is open.
fn unhealthy(console: &Console) -> Vec<Subject> {
    let findings = console.findings.iter().filter(|finding| finding.severity <= Severity::Warning);
    let mut subjects: Vec<Subject> = findings.map(|finding| finding.subject.clone()).collect();
    subjects.extend(console.follows.iter().map(|follow| Subject::Mapping(follow.mapping.clone())));
    match console.screen() {
        Screen::ConsumerDetail(id) => subjects.push(Subject::Mapping(id.clone())),
        Screen::Logs(function) => subjects.push(Subject::Function(function.clone())),
        Screen::Map => subjects.extend(console.current_finding().map(|finding| finding.subject.clone())),
        _ => {}
    }
    subjects
}

/// The rows of a list that are shown; on the map everything, where that is few.
fn in_view(console: &Console) -> Vec<Subject> {
    let height = usize::from(console.rows);
    let mappings = || console.picture.mappings.keys().cloned().map(Subject::Mapping);
    let queues = || console.picture.queues.keys().cloned().map(Subject::Queue);
    match console.screen() {
        Screen::Map => {
            let few = console.picture.mappings.len().max(console.picture.queues.len()) <= FEW;
            if few { mappings().chain(queues()).collect() } else { Vec::new() }
        }
        Screen::Consumers => {
            let keys = console.consumer_keys();
            let row = console.cursors.consumers.row(&keys).unwrap_or(0);
            keys[window(row, keys.len(), height)].iter().cloned().map(Subject::Mapping).collect()
        }
        Screen::Queues => {
            let keys = console.queue_keys();
            let row = console.cursors.queues.row(&keys).unwrap_or(0);
            keys[window(row, keys.len(), height)].iter().cloned().map(Subject::Queue).collect()
        }
        _ => Vec::new(),
    }
}

/// Mappings and queues that a map shows at a glance.
const FEW: usize = 25;

fn put(console: &Console, names: &mut BTreeSet<String>, subject: &Subject) {
    match subject {
        Subject::Mapping(id) => {
            if let Some(mapping) = console.picture.mappings.get(id) {
                names.insert(mapping.value.function.to_string());
                names.insert(source_name(&mapping.value).to_owned());
            }
            names.insert(id.to_string());
        }
        Subject::Function(name) => drop(names.insert(name.to_string())),
        Subject::Queue(name) => {
            names.insert(name.to_string());
            names.extend(sources(console, name));
        }
        Subject::Account => {}
    }
}

/// The queues whose dead letters this one takes.
fn sources(console: &Console, name: &QueueName) -> Vec<String> {
    let queue = console.picture.queues.get(name);
    let sources = queue.into_iter().flat_map(|queue| &queue.value.sources);
    sources.map(|arn| arn.resource().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use crate::console::ConsoleOptions;
    use crate::console::effect::Effect;
    use crate::console::update::trial::{NOW, Trial, queue};
    use crate::model::usage::Budget;

    /// Requests of queues' attributes in ten minutes of a console that watches two hundred queues.
    fn asked(budget: f64) -> usize {
        let mut trial = Trial::new(ConsoleOptions { budget: Budget(budget), ..ConsoleOptions::default() });
        for n in 0..200 {
            trial.console.picture.put_queue(queue(&format!("queue-{n}")), NOW);
        }
        let mut count = 0;
        for _ in 0..600 {
            for effect in trial.wait_ms(1_000) {
                if let Effect::FetchQueues { queues } = effect {
                    count += queues.len();
                    let results = Vec::new();
                    trial.tell(crate::console::msg::Msg::QueuesArrived { at: NOW, results });
                }
            }
        }
        count
    }

    #[test]
    fn a_context_with_less_to_spend_is_asked_less() {
        let (much, little) = (asked(0.5), asked(0.005));
        assert!(little * 2 < much, "{little} with half a cent, {much} with half a dollar an hour");
    }
}
