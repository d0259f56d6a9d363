//! The ladder: a few messages go first and are watched before the next few may. A bounce is known by
//! the id a message got where it was sent, which SQS keeps when it dead-letters it again; so the
//! dead-letter queue is looked through for those ids, when its count rises and once more at the end of
//! the wait. What is not seen is "no bounce seen within", never "succeeded".

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::model::id::MessageId;
use crate::model::nesting::nesting;
use crate::model::plan::Ladder;
use crate::model::service_error::Outcome;
use crate::model::time::{Timestamp, spoken};
use crate::operation::order::{Answer, Order, OrderResult};
use crate::operation::progress::{Cause, grouped};
use crate::operation::redrive::ledger::{Fate, Stage};
use crate::operation::redrive::{Mode, Purpose, Redrive};
use crate::operation::returns::Found;
use crate::operation::sweep::{Budget, End, LEASE_MAX_S, Sweep, SweepOrder, Want};

/// Where a redrive stands on its ladder.
#[derive(Debug)]
pub(super) struct Climb {
    rungs: Vec<u64>,
    wait_ms: i64,
    /// Rungs passed; all of them: the rest goes.
    passed: usize,
    /// Sent so far, whether their end is known or not.
    used: u64,
    /// What was sent, by the id it got there.
    sent: BTreeMap<MessageId, MessageId>,
    runs: BTreeSet<String>,
    first_sent_at: Option<Timestamp>,
    last_sent_at: Timestamp,
    watch: Option<Watch>,
    /// Sent and dead again: old id and new.
    pub bounced: Vec<(MessageId, MessageId)>,
    /// Dead letters of the same runs that were not sent from here: a later step failed.
    pub later: BTreeSet<MessageId>,
    /// The last look did not see the whole queue.
    partial: bool,
    /// Since when it goes without pause in this process, and how many it had moved by then.
    pub(super) free_since: (Timestamp, u64),
}

#[derive(Debug)]
struct Watch {
    until: Timestamp,
    /// How many there were when the rung was done.
    before: Option<u64>,
    counting: bool,
    count_at: Timestamp,
    look: Option<Sweep>,
    looks: u32,
    /// The look that decides.
    last: bool,
}

impl Climb {
    pub(super) fn new(ladder: Option<&Ladder>, total: u64, now: Timestamp) -> Self {
        Climb {
            rungs: ladder.map(|ladder| ladder.of(total)).unwrap_or_default(),
            wait_ms: ladder.map_or(0, |ladder| ladder.wait_ms.max(0)),
            passed: 0,
            used: 0,
            sent: BTreeMap::new(),
            runs: BTreeSet::new(),
            first_sent_at: None,
            last_sent_at: now,
            watch: None,
            bounced: Vec::new(),
            later: BTreeSet::new(),
            partial: false,
            free_since: (now, 0),
        }
    }

    /// What was sent before it was cut off counts; the rung it was on is watched anew, in full.
    pub(super) fn take_up(&mut self, used: u64, sent_as: &BTreeMap<MessageId, MessageId>) {
        self.used = used;
        self.free_since.1 = used;
        self.sent = sent_as.iter().map(|(old, new)| (new.clone(), old.clone())).collect();
        while self.passed < self.rungs.len() && self.allowed() < used {
            self.passed += 1;
        }
    }

    fn is_climbing(&self) -> bool {
        self.passed < self.rungs.len()
    }

    /// Messages that may have been sent by the end of this rung.
    fn allowed(&self) -> u64 {
        self.rungs.iter().take(self.passed + 1).sum()
    }

    /// How many more messages may be taken now; `under_way` are held or in a batch.
    pub(super) fn room(&self, under_way: u64) -> usize {
        if !self.is_climbing() {
            return usize::MAX;
        }
        if self.watch.is_some() {
            return 0;
        }
        usize::try_from(self.allowed().saturating_sub(self.used + under_way)).unwrap_or(usize::MAX)
    }

    pub(super) fn acknowledged(&mut self, now: Timestamp, new_id: &MessageId, old: &MessageId, body: Option<&str>) {
        if !self.is_climbing() {
            return;
        }
        self.used += 1;
        self.first_sent_at.get_or_insert(now);
        self.last_sent_at = now;
        self.sent.insert(new_id.clone(), old.clone());
        self.runs.extend(body.and_then(run_of));
    }

    pub(super) fn suspected(&mut self) {
        self.used += u64::from(self.is_climbing());
    }

    pub(super) fn timeout(&self, now: Timestamp) -> Option<Timestamp> {
        let watch = self.watch.as_ref()?;
        match &watch.look {
            Some(look) => look.timeout(now),
            None => Some(watch.until.min(if watch.counting { watch.until } else { watch.count_at })),
        }
    }

    pub(super) fn held(&self) -> usize {
        self.look().map_or(0, Sweep::held)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.look().is_none_or(Sweep::is_idle)
    }

    fn look(&self) -> Option<&Sweep> {
        self.watch.as_ref().and_then(|watch| watch.look.as_ref())
    }

    pub(super) fn stop(&mut self) {
        if let Some(look) = self.watch.as_mut().and_then(|watch| watch.look.as_mut()) {
            look.stop();
        }
    }

    /// Milliseconds of watching that the rest of the ladder takes if nothing bounces, for `total` messages:
    /// a rung is watched only if something is left to go after it. `None` off the ladder.
    pub(super) fn left_ms(&self, now: Timestamp, total: u64) -> Option<i64> {
        let mut sent = self.rungs.iter().take(self.passed).sum::<u64>();
        let watched = self.rungs[self.passed..].iter().filter(|rung| {
            sent += **rung;
            sent < total
        });
        let waits_ms = self.wait_ms.saturating_mul(watched.count() as i64);
        let over_ms = self.watch.as_ref().map_or(0, |watch| self.wait_ms - watch.until.ms_since(now).max(0));
        self.is_climbing().then(|| (waits_ms - over_ms).max(0))
    }

    /// `rung 2 of 4, watched for bounces until 03:14:15Z`
    pub(super) fn line(&self) -> Option<String> {
        if !self.is_climbing() {
            return None;
        }
        let rung = format!("rung {} of {}", self.passed + 1, self.rungs.len());
        Some(match &self.watch {
            Some(watch) => format!("{rung}, watched for bounces until {}", watch.until.clock_s()),
            None => format!("{rung}: {} may go", grouped(self.rungs[self.passed])),
        })
    }
}

impl Redrive {
    /// Watches a rung that is done; orders at most one thing a call.
    pub(super) fn climb(&mut self, now: Timestamp) {
        if let Some(look) = self.climb.watch.as_mut().and_then(|watch| watch.look.as_mut())
            && let Some((order, purpose)) = look.poll(now, usize::MAX, 0)
        {
            self.outbox.give(order, Purpose::Look(purpose));
            return;
        }
        if self.mode != Mode::Running || !self.climb.is_climbing() {
            return;
        }
        if self.climb.watch.is_none() {
            return self.begin_watch(now);
        }
        if self.climb.look().is_some() {
            return self.end_look(now);
        }
        let Some(watch) = self.climb.watch.as_mut() else { return };
        if now >= watch.until {
            watch.last = true;
            self.begin_look(now);
            // A look that was not polled yet does not know when to be woken.
            self.climb(now);
        } else if now >= watch.count_at && !watch.counting {
            watch.counting = true;
            self.outbox.give(Order::QueueCounts { queue: self.plan.from.clone() }, Purpose::WatchCounts);
        }
    }

    fn begin_watch(&mut self, now: Timestamp) {
        let done = self.climb.used >= self.climb.allowed() && self.ledger.active() == 0;
        // Nothing is left that a bounce could save.
        if !done || self.ledger.in_stage(Stage::Wanted) == 0 {
            return;
        }
        self.sweep.flush();
        self.climb.watch = Some(Watch {
            until: self.climb.last_sent_at.plus_ms(self.climb.wait_ms).max(now),
            before: None,
            counting: false,
            count_at: now,
            look: None,
            looks: 0,
            last: false,
        });
        self.told = false;
    }

    pub(super) fn handle_watch_counts(&mut self, now: Timestamp, result: &OrderResult) {
        let Some(watch) = self.climb.watch.as_mut() else { return };
        watch.counting = false;
        watch.count_at = now.plus_ms(COUNT_EVERY_MS);
        let Outcome::Done(Answer::Counts(counts)) = result else { return };
        let total = counts.total();
        let before = *watch.before.get_or_insert(total);
        if total > before && watch.looks < EARLY_LOOKS_MOST && self.mode == Mode::Running {
            watch.before = Some(total);
            self.begin_look(now);
        }
    }

    fn begin_look(&mut self, now: Timestamp) {
        let want = Want::Signs {
            ids: self.climb.sent.keys().cloned().collect(),
            runs: self.climb.runs.clone(),
            since: self.climb.first_sent_at.unwrap_or(now),
        };
        let budget = Budget { lanes: self.lanes, lease_s: LEASE_MAX_S, time_ms: LOOK_MOST_MS };
        let Some(watch) = self.climb.watch.as_mut() else { return };
        watch.looks += 1;
        watch.look = Some(Sweep::new(self.plan.from.clone(), want, budget, self.seed + u64::from(watch.looks)));
        self.told = false;
    }

    /// What a look's order came to.
    pub(super) fn look_back(&mut self, now: Timestamp, order: SweepOrder, result: OrderResult) {
        let Some(look) = self.climb.watch.as_mut().and_then(|watch| watch.look.as_mut()) else { return };
        let found = look.handle(now, order, result);
        self.handle_signs(found);
    }

    fn handle_signs(&mut self, found: Vec<Found>) {
        for Found { message, .. } in found {
            match self.climb.sent.get(&message.id) {
                Some(old) if self.climb.bounced.iter().all(|(_, new)| *new != message.id) => {
                    let text = format!("{old} came back: it died again as {}", message.id);
                    self.climb.bounced.push((old.clone(), message.id.clone()));
                    let entry = self.owner.noted(self.now, text);
                    self.notes.add(entry);
                }
                Some(_) => {}
                None if self.ledger.stage(&message.id).is_none() && self.climb.later.insert(message.id.clone()) => {
                    let text = format!("{} died at another step of a run that was redriven", message.id);
                    let entry = self.owner.noted(self.now, text);
                    self.notes.add(entry);
                }
                None => {}
            }
        }
        if !self.climb.bounced.is_empty() {
            self.climb.stop();
        }
    }

    /// The look is over and what it held is back: stops, goes on watching, or lets the next rung go.
    fn end_look(&mut self, now: Timestamp) {
        let Some(watch) = self.climb.watch.as_mut() else { return };
        let Some(look) = watch.look.as_ref().filter(|look| look.is_idle()) else { return };
        if let Some(End::Refused(cause, why)) = look.end() {
            let (cause, why) = (*cause, format!("whether anything came back could not be seen: {why}"));
            return self.stop(cause, why);
        }
        self.climb.partial = !matches!(look.end(), Some(End::Empty { hidden: false }));
        watch.look = None;
        if !self.climb.bounced.is_empty() {
            let left = grouped(self.ledger.in_stage(Stage::Wanted));
            let line = format!(
                "{} of {} sent came back: the ladder stopped at rung {} of {}; the rest, {left}, was not touched",
                grouped(self.climb.bounced.len() as u64),
                grouped(self.climb.used),
                self.climb.passed + 1,
                self.climb.rungs.len(),
            );
            return self.stop(Cause::Bounced, line);
        }
        if watch.last {
            self.pass_rung(now);
        }
    }

    fn pass_rung(&mut self, now: Timestamp) {
        let partly = if self.climb.partial { "; not all of the queue could be looked at" } else { "" };
        let line = format!(
            "rung {} of {}: {} sent, no bounce seen within {}{partly}",
            self.climb.passed + 1,
            self.climb.rungs.len(),
            grouped(self.climb.used),
            spoken(now.ms_since(self.climb.last_sent_at)),
        );
        let entry = self.owner.noted(now, line);
        self.notes.add(entry);
        self.climb.watch = None;
        self.climb.passed += 1;
        self.climb.free_since = (now, self.fate(Fate::Moved));
        self.told = false;
    }
}

/// The run a job's body names; a body that nests too deep names none.
pub(in crate::operation) fn run_of(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(alias = "runId", alias = "run_id")]
        run: Option<String>,
    }
    if nesting(body) > DEEPEST {
        return None;
    }
    serde_json::from_str::<Head>(body).ok()?.run.filter(|run| !run.is_empty())
}

/// Levels beyond which a body is text (design, "Bodies are bombs").
const DEEPEST: usize = 128;
/// Between two looks at the queue's count, which costs one request.
const COUNT_EVERY_MS: i64 = 10_000;
/// Looks that a rising count may cause in one rung; the one at its end is always taken.
const EARLY_LOOKS_MOST: u32 = 5;
/// What is looked at is hidden meanwhile: less than a lease.
const LOOK_MOST_MS: i64 = 45_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ladder_still_waits_is_what_is_left_of_this_rung_and_all_of_the_others() {
        let now = Timestamp::from_s(1_767_236_000);
        let ladder = Ladder { rungs: vec![1, 5], wait_ms: 360_000 };
        let mut climb = Climb::new(Some(&ladder), 100, now);
        assert_eq!(climb.left_ms(now, 100), Some(720_000), "two rungs, each watched for six minutes");
        assert_eq!(climb.left_ms(now, 6), Some(360_000), "nothing goes after the second: it is not watched");
        climb.watch = Some(Watch {
            until: now.plus_ms(360_000),
            before: None,
            counting: false,
            count_at: now,
            look: None,
            looks: 0,
            last: false,
        });
        assert_eq!(climb.left_ms(now.plus_ms(60_000), 100), Some(660_000));
        assert_eq!(climb.left_ms(now.plus_ms(400_000), 100), Some(360_000), "a look that takes longer is not negative");
        (climb.watch, climb.passed) = (None, 2);
        assert_eq!(climb.left_ms(now, 100), None, "off the ladder");
        assert_eq!(Climb::new(None, 100, now).left_ms(now, 100), None);
    }
}
