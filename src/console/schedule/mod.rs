//! What is due to be asked, and how often: things in view often, the rest seldom, one outstanding
//! request a kind, slower after errors, nothing while frozen. Says what to fetch; fetches nothing.
//!
//! A poll is due by local time, or by the account's when that runs faster (then no oftener than its
//! floor of local time): a minute of new metrics is worth a look whoever's minute it is.

mod settings;

use std::collections::BTreeMap;

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::screen::Screen;
use crate::console::stretch::Stretch;
use crate::console::tiers::{self, Tier, Tiers};
use crate::model::id::QueueName;
use crate::model::metric::MetricKey;
use crate::model::time::{Mono, Timestamp};
use crate::verdict;

/// How often, and never oftener than.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct Pace {
    pub(in crate::console) every_ms: u64,
    /// Local time between two polls at least.
    floor_ms: u64,
}

impl Pace {
    /// So many times as long between two polls.
    fn by(self, factor: f64) -> Self {
        let longer = |ms: u64| (ms as f64 * factor.max(1.0)) as u64;
        Pace { every_ms: longer(self.every_ms), floor_ms: longer(self.floor_ms) }
    }
}

const IDENTITY: Pace = Pace { every_ms: 3_600_000, floor_ms: 600_000 };
/// While nobody is logged in: the one question that costs nothing, until it is answered.
const IDENTITY_LOCKED_OUT: Pace = Pace { every_ms: 10_000, floor_ms: 10_000 };
const NAMES: Pace = Pace { every_ms: 60_000, floor_ms: 30_000 };
const REMEMBER: Pace = Pace { every_ms: 60_000, floor_ms: 30_000 };
const TOPOLOGY: Pace = Pace { every_ms: 600_000, floor_ms: 30_000 };
pub(in crate::console) const QUEUES_IN_VIEW: Pace = Pace { every_ms: 5_000, floor_ms: 1_000 };
pub(in crate::console) const QUEUES_ELSEWHERE: Pace = Pace { every_ms: 30_000, floor_ms: 3_000 };
const MAPPINGS: Pace = Pace { every_ms: 60_000, floor_ms: 3_000 };
/// While one is in transition: it settles within seconds to minutes (aws-facts §1.3).
const MAPPINGS_IN_TRANSITION: Pace = Pace { every_ms: 2_000, floor_ms: 1_000 };
pub(in crate::console) const METRICS_IN_VIEW: Pace = Pace { every_ms: 60_000, floor_ms: 2_000 };
pub(in crate::console) const METRICS_ELSEWHERE: Pace = Pace { every_ms: 300_000, floor_ms: 5_000 };
/// Free of charge, but nine calls a second for the whole account (aws-facts §2.6).
const ALARMS: Pace = Pace { every_ms: 60_000, floor_ms: 3_000 };
/// A file of our own: cheap, and local time counts.
const ACKNOWLEDGED: Pace = Pace { every_ms: 60_000, floor_ms: 60_000 };
const MOVE_TASK: Pace = Pace { every_ms: 10_000, floor_ms: 2_000 };

/// What is doubled with every error in a row: a poll's own pace within these bounds, local
/// milliseconds.
const BACKOFF_MS: (u64, u64) = (5_000, 15_000);
/// After errors no poll waits longer than this, in local milliseconds.
const LONGEST_BACKOFF_MS: u64 = 300_000;
/// An answer that has not come by then is taken for lost.
const LOST_MS: u64 = 120_000;
/// Alarms that are asked for every minute, five pages of them; more are asked for less often.
const ALARMS_A_MINUTE: u64 = 500;
/// Queues asked in one go: the others have their turn when these have answered.
const QUEUES_AT_ONCE: usize = 64;
/// What is due of a large account's metrics is not worked out oftener than this, in local milliseconds.
const LOOK_MS: u64 = 1_000;
/// How much later than due a metric may come before its silence means something.
const PATIENCE_MS: u64 = 300_000;
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
    pub acknowledged: Poll,
    pub(in crate::console) settings: settings::Questions,
    queue_asked: BTreeMap<QueueName, (Mono, Timestamp)>,
    metric_asked: BTreeMap<MetricKey, (Mono, Timestamp)>,
    move_task_of: Option<QueueName>,
    /// The names there are to choose a scope from.
    pub names: Poll,
    remembered: Poll,
    /// How far what is well is stretched.
    pub stretch: Stretch,
    /// When it was last worked out which metrics are due.
    looked_at: Option<Mono>,
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

    /// Another scope: nothing that was asked for counts any more, but who and what there is.
    pub(in crate::console) fn anew(&mut self) {
        let (identity, names, journal) =
            (std::mem::take(&mut self.identity), std::mem::take(&mut self.names), std::mem::take(&mut self.journal));
        *self = Schedule { identity, names, journal, ..Schedule::default() };
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
    match console.scope {
        // Nothing is read before somebody has said what.
        None if console.names.is_none() && schedule.names.is_due(NAMES, mono, now) => {
            schedule.names.ask(mono, now);
            effects.push(Effect::FetchNames);
        }
        None => {}
        Some(_) if schedule.topology.is_due(TOPOLOGY, mono, now) => {
            schedule.topology.ask(mono, now);
            effects.push(Effect::FetchTopology);
        }
        Some(_) => {}
    }
    // Once at the start; later when something ended or the screen is opened.
    let never = Pace { every_ms: u64::MAX, floor_ms: u64::MAX };
    if schedule.journal.is_due(never, mono, now) {
        schedule.journal.ask(mono, now);
        effects.push(Effect::LoadJournal);
    }
    effects.extend(alarms(console));
    effects.extend(remember(console));
    effects.extend(acknowledged(console));
    effects.extend(mappings(console));
    effects.extend(queues(console));
    effects.extend(move_task(console));
    effects.extend(metrics(console));
    effects.extend(settings::due(console));
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

/// Now and then, what is unhealthy, for the next session to offer.
fn remember(console: &mut Console) -> Option<Effect> {
    let names = tiers::unhealthy_names(console);
    let (mono, now) = (console.mono, console.now);
    let due = !names.is_empty() && !console.from_cache && console.schedule.remembered.is_due(REMEMBER, mono, now);
    due.then(|| {
        console.schedule.remembered.ask(mono, now);
        console.schedule.remembered.answered(true);
        Effect::Remember(names)
    })
}

/// Once whose account it is, is known: what other consoles acknowledged is news within a minute.
fn acknowledged(console: &mut Console) -> Option<Effect> {
    console.picture.identity.as_ref()?;
    let (mono, now) = (console.mono, console.now);
    let poll = &mut console.schedule.acknowledged;
    poll.is_due(ACKNOWLEDGED, mono, now).then(|| {
        poll.ask(mono, now);
        Effect::LoadAcknowledged
    })
}

fn mappings(console: &mut Console) -> Option<Effect> {
    let unsettled = console.picture.mappings.values().any(|mapping| !mapping.value.state.is_settled());
    let retuning = console.running().any(|operation| operation.mapping().is_some() && !operation.is_holding());
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
    let tiers = Tiers::of(console);
    let by = console.schedule.stretch;
    let due: Vec<QueueName> = console
        .picture
        .queues
        .keys()
        .filter(|name| {
            let pace = match tiers.of_queue(name) {
                Tier::Unhealthy => QUEUES_IN_VIEW,
                Tier::View => QUEUES_IN_VIEW.by(by.view),
                Tier::Rest => QUEUES_ELSEWHERE.by(by.rest),
            };
            console.schedule.queue_asked.get(*name).is_none_or(|asked| elapsed(*asked, pace, mono, now))
        })
        .take(QUEUES_AT_ONCE)
        .cloned()
        .collect();
    if due.is_empty() {
        return None;
    }
    let queues: Vec<_> = due.iter().map(|name| console.picture.queues[name].value.url.clone()).collect();
    console.schedule.queue_asked.extend(due.into_iter().map(|name| (name, (mono, now))));
    console.schedule.queues.ask(mono, now);
    Some(Effect::FetchQueues { queues })
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
    let schedule = &mut console.schedule;
    let looked_lately = schedule.looked_at.is_some_and(|at| mono.ms_since(at) < LOOK_MS) && !schedule.metrics.hurried;
    if looked_lately || !schedule.metrics.is_due(Pace { every_ms: 0, floor_ms: 0 }, mono, now) {
        return None;
    }
    schedule.looked_at = Some(mono);
    let wanted = verdict::wanted(&console.picture);
    let tiers = Tiers::of(console);
    let by = tiers.stretch(console, &wanted);
    console.schedule.stretch = by;
    console.picture.metrics.set_patience(METRICS_ELSEWHERE.by(by.rest).every_ms.saturating_add(PATIENCE_MS));
    let due: Vec<MetricKey> = wanted
        .into_iter()
        .filter(|key| {
            let pace = match tiers.of_key(key) {
                Tier::Unhealthy => METRICS_IN_VIEW,
                Tier::View => METRICS_IN_VIEW.by(by.view),
                Tier::Rest => METRICS_ELSEWHERE.by(by.rest),
            };
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
    let to = now.floor_to(60).plus_s(60);
    console.schedule.metrics_to = to;
    Some(Effect::FetchMetrics { generation: console.generation, keys, from, to })
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
