//! What is due to be asked, and how often: things in view often, the rest seldom, one outstanding
//! request a kind, slower after errors, nothing while frozen. Says what to fetch; fetches nothing.
//!
//! A poll is due by local time, or by the account's when that runs faster (then no oftener than its
//! floor of local time): a minute of new metrics is worth a look whoever's minute it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::rows::source_name;
use crate::console::screen::Screen;
use crate::model::finding::{Severity, Subject};
use crate::model::id::QueueName;
use crate::model::metric::MetricKey;
use crate::model::time::{Mono, Timestamp};
use crate::verdict;

/// How often, and never oftener than.
#[derive(Debug, Clone, Copy)]
struct Pace {
    every_ms: u64,
    /// Local time between two polls at least.
    floor_ms: u64,
}

const IDENTITY: Pace = Pace { every_ms: 3_600_000, floor_ms: 600_000 };
/// While nobody is logged in: the one question that costs nothing, until it is answered.
const IDENTITY_LOCKED_OUT: Pace = Pace { every_ms: 10_000, floor_ms: 10_000 };
const TOPOLOGY: Pace = Pace { every_ms: 600_000, floor_ms: 30_000 };
const QUEUES_IN_VIEW: Pace = Pace { every_ms: 5_000, floor_ms: 1_000 };
const QUEUES_ELSEWHERE: Pace = Pace { every_ms: 30_000, floor_ms: 3_000 };
const MAPPINGS: Pace = Pace { every_ms: 60_000, floor_ms: 3_000 };
/// While one is in transition: it settles within seconds to minutes (aws-facts §1.3).
const MAPPINGS_IN_TRANSITION: Pace = Pace { every_ms: 2_000, floor_ms: 1_000 };
const METRICS_IN_VIEW: Pace = Pace { every_ms: 60_000, floor_ms: 2_000 };
const METRICS_ELSEWHERE: Pace = Pace { every_ms: 300_000, floor_ms: 5_000 };
/// Free of charge, but nine calls a second for the whole account (aws-facts §2.6).
const ALARMS: Pace = Pace { every_ms: 60_000, floor_ms: 3_000 };
const MOVE_TASK: Pace = Pace { every_ms: 10_000, floor_ms: 2_000 };

/// What is doubled with every error in a row: a poll's own pace within these bounds, local
/// milliseconds.
const BACKOFF_MS: (u64, u64) = (5_000, 15_000);
/// After errors no poll waits longer than this, in local milliseconds.
const LONGEST_BACKOFF_MS: u64 = 300_000;
/// An answer that has not come by then is taken for lost.
const LOST_MS: u64 = 120_000;
/// Queues in view that are asked at full pace; more of them are asked slower.
const QUEUES_AT_FULL_PACE: u64 = 25;
/// Alarms that are asked for every minute, five pages of them; more are asked for less often.
const ALARMS_A_MINUTE: u64 = 500;
/// Metrics a minute that stay within $0.10 an hour at $0.01 per 1,000 (ux.md: the cost is shown).
const METRICS_A_MINUTE: u64 = 166;
/// What the first question about a metric reaches back.
const HISTORY_S: i64 = 3 * 3600;
/// Later questions reach back behind the last answer: periods are published late and again
/// (aws-facts §2.6; up to 15 minutes when a queue wakes).
const OVERLAP_S: i64 = 15 * 60;

/// One kind of poll.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Poll {
    asked: Option<(Mono, Timestamp)>,
    outstanding: bool,
    failures: u32,
    /// Due at once, or as soon as the answer under way has come: that one may be too old.
    hurried: bool,
}

impl Poll {
    fn is_due(&self, pace: Pace, mono: Mono, now: Timestamp) -> bool {
        let Some(asked) = self.asked else { return true };
        if self.outstanding && mono.ms_since(asked.0) < LOST_MS {
            return false;
        }
        if self.hurried {
            return true;
        }
        if self.failures > 0 {
            let factor = 1_u64 << self.failures.min(10);
            let wait = pace.every_ms.clamp(BACKOFF_MS.0, BACKOFF_MS.1).saturating_mul(factor).min(LONGEST_BACKOFF_MS);
            return mono.ms_since(asked.0) >= wait;
        }
        elapsed(asked, pace, mono, now)
    }

    /// Whatever it answered before.
    fn is_due_in_a_row(&self, pace: Pace, mono: Mono) -> bool {
        let Some((asked, _)) = self.asked else { return true };
        let lost = !self.outstanding || mono.ms_since(asked) >= LOST_MS;
        lost && (self.hurried || mono.ms_since(asked) >= pace.every_ms)
    }

    fn ask(&mut self, mono: Mono, now: Timestamp) {
        self.asked = Some((mono, now));
        self.outstanding = true;
        self.hurried = false;
    }

    /// The answer came.
    pub fn answered(&mut self, well: bool) {
        self.outstanding = false;
        self.failures = if well { 0 } else { self.failures.saturating_add(1) };
    }

    /// Due at once, errors or not.
    pub fn hurry(&mut self) {
        self.hurried = true;
        self.failures = 0;
    }

    pub fn failures(&self) -> u32 {
        self.failures
    }
}

fn elapsed(asked: (Mono, Timestamp), pace: Pace, mono: Mono, now: Timestamp) -> bool {
    let local = mono.ms_since(asked.0);
    let account = u64::try_from(now.ms_since(asked.1)).unwrap_or(0);
    local >= pace.every_ms || (account >= pace.every_ms && local >= pace.floor_ms)
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedule {
    pub identity: Poll,
    pub topology: Poll,
    pub queues: Poll,
    pub mappings: Poll,
    pub metrics: Poll,
    pub move_task: Poll,
    pub alarms: Poll,
    pub journal: Poll,
    queue_asked: BTreeMap<QueueName, (Mono, Timestamp)>,
    metric_asked: BTreeMap<MetricKey, (Mono, Timestamp)>,
    move_task_of: Option<QueueName>,
    /// The end of the window asked for last.
    pub(in crate::console) metrics_to: Timestamp,
}

impl Schedule {
    /// Everything is due anew; answers on their way are still awaited.
    pub fn hurry(&mut self) {
        let lists = [&mut self.identity, &mut self.topology, &mut self.mappings, &mut self.alarms];
        for poll in lists.into_iter().chain([&mut self.queues, &mut self.metrics]) {
            poll.hurry();
        }
        self.move_task.hurry();
        self.queue_asked.clear();
        self.metric_asked.clear();
    }

    /// These queues are due at once: something was just done to them.
    pub fn hurry_queues<'a>(&mut self, names: impl IntoIterator<Item = &'a QueueName>) {
        for name in names {
            self.queue_asked.remove(name);
        }
        self.queues.hurry();
        self.move_task.hurry();
    }

    pub fn hurry_mappings(&mut self) {
        self.mappings.hurry();
    }

    /// Metrics that were asked for and not answered are due again, from where they were.
    pub fn metrics_failed(&mut self) {
        self.metric_asked.clear();
    }
}

/// What is due now. Marks it as asked.
pub(in crate::console) fn due(console: &mut Console) -> Vec<Effect> {
    if console.frozen_at.is_some() || console.leaving {
        return Vec::new();
    }
    let (mono, now) = (console.mono, console.now);
    let mut effects = Vec::new();
    let schedule = &mut console.schedule;
    if console.locked_out.is_some() {
        if schedule.identity.is_due_in_a_row(IDENTITY_LOCKED_OUT, mono) {
            schedule.identity.ask(mono, now);
            effects.push(Effect::FetchIdentity);
        }
        return effects;
    }
    if schedule.identity.is_due(IDENTITY, mono, now) {
        schedule.identity.ask(mono, now);
        effects.push(Effect::FetchIdentity);
    }
    if schedule.topology.is_due(TOPOLOGY, mono, now) {
        schedule.topology.ask(mono, now);
        effects.push(Effect::FetchTopology);
    }
    // Once at the start; later when something ended or the screen is opened.
    let never = Pace { every_ms: u64::MAX, floor_ms: u64::MAX };
    if schedule.journal.is_due(never, mono, now) {
        schedule.journal.ask(mono, now);
        effects.push(Effect::LoadJournal);
    }
    effects.extend(alarms(console));
    effects.extend(mappings(console));
    effects.extend(queues(console));
    effects.extend(move_task(console));
    effects.extend(metrics(console));
    effects
}

fn alarms(console: &mut Console) -> Option<Effect> {
    let known = console.picture.alarms.as_ref().map_or(0, |alarms| alarms.value.len() as u64);
    let pace = Pace { every_ms: ALARMS.every_ms * known.div_ceil(ALARMS_A_MINUTE).max(1), ..ALARMS };
    let (mono, now) = (console.mono, console.now);
    let poll = &mut console.schedule.alarms;
    poll.is_due(pace, mono, now).then(|| {
        poll.ask(mono, now);
        Effect::FetchAlarms
    })
}

fn mappings(console: &mut Console) -> Option<Effect> {
    let unsettled = console.picture.mappings.values().any(|mapping| !mapping.value.state.is_settled());
    let retuning = console.running().any(|operation| operation.mapping().is_some());
    let pace = if unsettled || retuning { MAPPINGS_IN_TRANSITION } else { MAPPINGS };
    // The first list comes with the discovery.
    console.picture.topology.as_ref()?;
    let (mono, now) = (console.mono, console.now);
    let poll = &mut console.schedule.mappings;
    poll.is_due(pace, mono, now).then(|| {
        poll.ask(mono, now);
        Effect::FetchMappings
    })
}

fn queues(console: &mut Console) -> Option<Effect> {
    let (mono, now) = (console.mono, console.now);
    if !console.schedule.queues.is_due(Pace { every_ms: 0, floor_ms: 0 }, mono, now) {
        return None;
    }
    let in_view = queues_in_view(console);
    let stretch = (in_view.len() as u64).div_ceil(QUEUES_AT_FULL_PACE).max(1);
    let near = Pace { every_ms: QUEUES_IN_VIEW.every_ms * stretch, floor_ms: QUEUES_IN_VIEW.floor_ms * stretch };
    let due: Vec<QueueName> = console
        .picture
        .queues
        .keys()
        .filter(|name| {
            let pace = if in_view.contains(*name) { near } else { QUEUES_ELSEWHERE };
            console.schedule.queue_asked.get(*name).is_none_or(|asked| elapsed(*asked, pace, mono, now))
        })
        .cloned()
        .collect();
    if due.is_empty() {
        return None;
    }
    let queues: Vec<_> = due.iter().map(|name| console.picture.queues[name].value.url.clone()).collect();
    console.schedule.queue_asked.extend(due.into_iter().map(|name| (name, (mono, now))));
    console.schedule.queues.ask(mono, now);
    console.cost.queues_asked(mono, queues.len());
    Some(Effect::FetchQueues { queues })
}

fn queues_in_view(console: &Console) -> BTreeSet<QueueName> {
    let busy = console.running().filter_map(|operation| operation.queue().cloned());
    let mut names: BTreeSet<QueueName> = busy.collect();
    match console.screen() {
        Screen::Map | Screen::Queues => names.extend(console.picture.queues.keys().cloned()),
        Screen::Triage(name) => {
            names.insert(name.clone());
        }
        Screen::ConsumerDetail(id) => {
            let source = console.picture.mappings.get(id).map(|mapping| &mapping.value.source);
            names
                .extend(source.and_then(|arn| console.picture.queue_by_arn(arn)).map(|queue| queue.value.name.clone()));
        }
        Screen::Consumers | Screen::Logs(_) | Screen::Journal | Screen::Sandbox => {}
    }
    // What a redrive moves arrives in the queues the letters came from.
    let sources: Vec<QueueName> = names
        .iter()
        .filter_map(|name| console.picture.queues.get(name))
        .flat_map(|queue| &queue.value.sources)
        .filter_map(|arn| console.picture.queue_by_arn(arn))
        .map(|queue| queue.value.name.clone())
        .collect();
    names.extend(sources);
    names
}

fn move_task(console: &mut Console) -> Option<Effect> {
    let Screen::Triage(name) = console.screen().clone() else { return None };
    let queue = &console.picture.queues.get(&name)?.value;
    if !queue.is_dead_letter() {
        return None;
    }
    let arn = queue.arn.clone();
    let (mono, now) = (console.mono, console.now);
    let schedule = &mut console.schedule;
    if schedule.move_task_of.as_ref() != Some(&name) {
        schedule.move_task.hurry();
    }
    schedule.move_task.is_due(MOVE_TASK, mono, now).then(|| {
        schedule.move_task_of = Some(name.clone());
        schedule.move_task.ask(mono, now);
        Effect::FetchMoveTask { queue: name, arn }
    })
}

fn metrics(console: &mut Console) -> Option<Effect> {
    let (mono, now) = (console.mono, console.now);
    if !console.schedule.metrics.is_due(Pace { every_ms: 0, floor_ms: 0 }, mono, now) {
        return None;
    }
    let wanted = verdict::wanted(&console.picture);
    let hot = hot_names(console);
    let is_hot = |key: &MetricKey| key.dimensions.iter().any(|(_, value)| hot.contains(value.as_str()));
    let hot_keys = wanted.iter().filter(|key| is_hot(key)).count() as u64;
    let a_minute = hot_keys + (wanted.len() as u64 - hot_keys).div_ceil(5);
    let stretch = a_minute.div_ceil(METRICS_A_MINUTE).max(1);
    let due: Vec<MetricKey> = wanted
        .into_iter()
        .filter(|key| {
            let pace = if is_hot(key) { METRICS_IN_VIEW } else { METRICS_ELSEWHERE };
            let pace = Pace { every_ms: pace.every_ms * stretch, ..pace };
            console.schedule.metric_asked.get(key).is_none_or(|asked| elapsed(*asked, pace, mono, now))
        })
        .collect();
    // New ones reach far back and known ones do not: they are not asked in one request.
    let (known, new): (Vec<_>, Vec<_>) =
        due.into_iter().partition(|key| console.picture.metrics.asked_at(key).is_some());
    let keys = if new.is_empty() { known } else { new };
    let history = now.plus_s(-HISTORY_S);
    let last = keys.iter().map(|key| console.picture.metrics.asked_at(key).map(|at| at.plus_s(-OVERLAP_S))).min()?;
    let from = last.unwrap_or(history).max(history).floor_to(60);
    console.schedule.metric_asked.extend(keys.iter().map(|key| (key.clone(), (mono, now))));
    console.schedule.metrics.ask(mono, now);
    console.cost.metrics_asked(mono, keys.len());
    let to = now.floor_to(60).plus_s(60);
    console.schedule.metrics_to = to;
    Some(Effect::FetchMetrics { generation: console.generation, keys, from, to })
}

/// Dimension values whose metrics are looked at: those in view, those unhealthy.
fn hot_names(console: &Console) -> BTreeSet<String> {
    let mut subjects: Vec<Subject> = console
        .findings
        .iter()
        .filter(|finding| finding.severity <= Severity::Warning)
        .map(|finding| finding.subject.clone())
        .collect();
    match console.screen() {
        Screen::Map => {
            subjects.extend(console.current_finding().map(|finding| finding.subject.clone()));
            subjects.extend(console.picture.mappings.keys().cloned().map(Subject::Mapping));
        }
        Screen::Consumers => subjects.extend(console.picture.mappings.keys().cloned().map(Subject::Mapping)),
        Screen::ConsumerDetail(id) => subjects.push(Subject::Mapping(id.clone())),
        Screen::Queues => subjects.extend(console.picture.queues.keys().cloned().map(Subject::Queue)),
        Screen::Triage(name) => subjects.push(Subject::Queue(name.clone())),
        Screen::Logs(function) => subjects.push(Subject::Function(function.clone())),
        Screen::Journal | Screen::Sandbox => {}
    }
    subjects.extend(console.follows.iter().map(|follow| Subject::Mapping(follow.mapping.clone())));
    let mut names = BTreeSet::new();
    for subject in subjects {
        match subject {
            Subject::Mapping(id) => {
                if let Some(mapping) = console.picture.mappings.get(&id) {
                    names.insert(mapping.value.function.to_string());
                    names.insert(source_name(&mapping.value).to_owned());
                }
                names.insert(id.to_string());
            }
            Subject::Function(name) => drop(names.insert(name.to_string())),
            Subject::Queue(name) => drop(names.insert(name.to_string())),
            Subject::Account => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ConsoleOptions;

    #[test]
    fn a_poll_waits_for_its_answer_and_longer_after_errors() {
        let (mut poll, zero) = (Poll::default(), Timestamp::ZERO);
        let at = Mono::from_ms;
        assert!(poll.is_due(MAPPINGS, at(0), zero));
        poll.ask(at(0), zero);
        assert!(!poll.is_due(MAPPINGS, at(90_000), zero), "one outstanding request a kind");
        assert!(poll.is_due(MAPPINGS, at(LOST_MS), zero), "an answer that never comes");
        poll.answered(true);
        assert!(!poll.is_due(MAPPINGS, at(59_999), zero));
        assert!(poll.is_due(MAPPINGS, at(60_000), zero));
        poll.answered(false);
        poll.answered(false);
        assert!(!poll.is_due(MAPPINGS, at(59_999), zero) && poll.is_due(MAPPINGS, at(60_000), zero));
        let at_once = Pace { every_ms: 0, floor_ms: 0 };
        assert!(!poll.is_due(at_once, at(19_999), zero) && poll.is_due(at_once, at(20_000), zero));
        (0..40).for_each(|_| poll.answered(false));
        assert!(!poll.is_due(MAPPINGS, at(LONGEST_BACKOFF_MS - 1), zero));
        assert!(poll.is_due(MAPPINGS, at(LONGEST_BACKOFF_MS), zero));
    }

    #[test]
    fn where_the_accounts_time_runs_fast_its_minutes_count_but_for_the_floor() {
        let asked = (Mono::ZERO, Timestamp::ZERO);
        let fast = |ms: u64| elapsed(asked, METRICS_IN_VIEW, Mono::from_ms(ms), Timestamp::from_ms(ms as i64 * 60));
        assert!(!fast(1_999));
        assert!(fast(2_000));
        let same = |ms: u64| elapsed(asked, METRICS_IN_VIEW, Mono::from_ms(ms), Timestamp::from_ms(ms as i64));
        assert!(!same(59_999) && same(60_000));
    }

    fn console() -> Console {
        let mut console = Console::new(ConsoleOptions::default());
        console.now = Timestamp::from_s(1_767_236_030);
        let queue = crate::model::queue::Queue {
            name: "JobQueue".into(),
            url: "https://sqs/1/JobQueue".into(),
            arn: "arn:aws:sqs:eu-west-1:1:JobQueue".into(),
            counts: Default::default(),
            visibility_s: 60,
            retention_s: 86_400,
            delay_s: 0,
            max_message_bytes: 1_048_576,
            redrive: None,
            fifo: false,
            last_modified: None,
            // Somebody's dead-letter queue: nothing is asked about queues that nothing touches.
            sources: vec!["arn:aws:sqs:eu-west-1:1:Other".into()],
        };
        console.picture.put_queue(queue, console.now);
        console
    }

    #[test]
    fn metrics_reach_back_three_hours_once_and_then_a_quarter_of_one() {
        let mut console = console();
        console.screens = vec![Screen::Queues];
        let Some(Effect::FetchMetrics { keys, from, to, .. }) = metrics(&mut console) else { panic!("none is due") };
        assert!(!keys.is_empty());
        assert_eq!(to.ms_since(from), (HISTORY_S + 60) * 1000);
        assert_eq!(metrics(&mut console), None, "one outstanding");
        for key in &keys {
            console.picture.metrics.merge(key, console.now, []);
        }
        console.schedule.metrics.answered(true);
        console.mono = console.mono.plus_ms(60_000);
        console.now = console.now.plus_s(60);
        let Some(Effect::FetchMetrics { from: again, .. }) = metrics(&mut console) else { panic!("none is due") };
        assert_eq!(again, console.now.plus_s(-60 - OVERLAP_S).floor_to(60));
    }

    #[test]
    fn nothing_is_polled_while_frozen() {
        let mut console = console();
        console.frozen_at = Some(console.now);
        assert_eq!(due(&mut console), []);
        console.frozen_at = None;
        let effects = due(&mut console);
        assert!(effects.contains(&Effect::FetchIdentity) && effects.contains(&Effect::FetchTopology), "{effects:?}");
        assert!(due(&mut console).is_empty(), "everything is under way");
    }

    #[test]
    fn the_journal_is_read_again_when_asked_for_again() {
        let mut console = console();
        due(&mut console);
        console.schedule.journal.answered(true);
        assert!(!due(&mut console).contains(&Effect::LoadJournal));
        console.schedule.journal.hurry();
        assert!(due(&mut console).contains(&Effect::LoadJournal));
    }
}
