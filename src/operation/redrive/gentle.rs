//! Giving way: a redrive at a rate nobody chose watches whom it sends to, and halves its rate when the
//! oldest message there grows older, or the consumer is throttled, more than before it began.

use crate::model::plan::Gentle;
use crate::model::service_error::Outcome;
use crate::model::time::{Timestamp, spoken};
use crate::operation::order::{Answer, Order, OrderResult, Vitals};
use crate::operation::progress::SaidBy;
use crate::operation::redrive::rate::{HALVED, worded};
use crate::operation::redrive::{Mode, Purpose, Redrive};

#[derive(Debug)]
pub(super) struct Watchful {
    whom: Option<Gentle>,
    asking: bool,
    ask_at: Timestamp,
    before: Option<Vitals>,
    /// Who named the rate last, and when, where it is not the plan's.
    said: Option<(SaidBy, Timestamp)>,
    /// It was said once that the metrics cannot be read.
    blind: bool,
}

impl Watchful {
    pub(super) fn new(whom: Option<Gentle>, now: Timestamp) -> Self {
        Watchful { whom, asking: false, ask_at: now, before: None, said: None, blind: false }
    }

    pub(super) fn timeout(&self) -> Option<Timestamp> {
        self.whom.as_ref().filter(|_| !self.asking).map(|_| self.ask_at)
    }

    pub(super) fn let_be(&mut self) {
        self.whom = None;
    }

    pub(super) fn gives_way(&self) -> bool {
        self.whom.is_some()
    }

    pub(super) fn spoken(&mut self, by: SaidBy, now: Timestamp) {
        self.said = Some((by, now));
    }

    pub(super) fn said_by(&self) -> SaidBy {
        self.said.map_or(SaidBy::Plan, |(by, _)| by)
    }
}

impl Redrive {
    pub(super) fn be_gentle(&mut self, now: Timestamp) {
        let Some(whom) = self.watchful.whom.as_ref() else { return };
        if self.mode != Mode::Running || self.watchful.asking || now < self.watchful.ask_at {
            return;
        }
        let order = Order::Vitals { queues: whom.queues.clone(), functions: whom.functions.clone(), at: now };
        self.watchful.asking = true;
        self.outbox.give(order, Purpose::Vitals);
    }

    pub(super) fn handle_vitals(&mut self, now: Timestamp, result: OrderResult) {
        self.watchful.asking = false;
        self.watchful.ask_at = now.plus_ms(ASK_EVERY_MS);
        let vitals = match result {
            Outcome::Done(Answer::Vitals(vitals)) => vitals,
            Outcome::Done(_) => return,
            Outcome::Refused(_) | Outcome::Unknown(_) => return self.cannot_see(now),
        };
        let Some(before) = self.watchful.before else {
            self.watchful.before = Some(vitals);
            return;
        };
        let lately = self.watchful.said.is_some_and(|(_, at)| now.ms_since(at) < HALVE_EVERY_MS);
        if let Some(why) = worse(&before, &vitals).filter(|_| !lately)
            && let Some(rate) = self.bucket.rate_per_s()
        {
            let rate = (rate / 2.0).max(RATE_LEAST);
            self.bucket.set_rate(Some(rate), now);
            self.watchful.spoken(SaidBy::GaveWay, now);
            self.note_pace(now, format!("{HALVED}{}: {why}", worded(Some(rate))));
            self.told = false;
        }
    }

    fn cannot_see(&mut self, now: Timestamp) {
        if !std::mem::replace(&mut self.watchful.blind, true) {
            let text = "its metrics cannot be read: the rate does not give way by itself";
            let entry = self.owner.noted(now, text);
            self.notes.add(entry);
        }
    }
}

/// What rose since the redrive began, if anything did by more than the metrics' own noise.
fn worse(before: &Vitals, now: &Vitals) -> Option<String> {
    if let Some(age_s) = now.oldest_age_s {
        let was_s = before.oldest_age_s.unwrap_or(0.0);
        if age_s > (was_s * 2.0).max(was_s + AGE_RISE_S) {
            let said = |s: f64| spoken((s * 1000.0) as i64);
            return Some(format!("the oldest message waiting there is {} old, it was {}", said(age_s), said(was_s)));
        }
    }
    let (throttles, were) = (now.throttles.unwrap_or(0.0), before.throttles.unwrap_or(0.0));
    (throttles > were).then(|| format!("its consumer is throttled, {throttles:.0} times lately, {were:.0} before"))
}

/// The metrics have a datapoint a minute.
const ASK_EVERY_MS: i64 = 60_000;
/// What another rate does shows two datapoints later.
const HALVE_EVERY_MS: i64 = 120_000;
const AGE_RISE_S: f64 = 30.0;
const RATE_LEAST: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_beyond_noise_is_worse_and_missing_figures_are_not() {
        let vitals = |age: f64, throttles: f64| Vitals { oldest_age_s: Some(age), throttles: Some(throttles) };
        assert_eq!(worse(&vitals(10.0, 0.0), &vitals(39.0, 0.0)), None);
        assert!(worse(&vitals(10.0, 0.0), &vitals(41.0, 0.0)).is_some_and(|why| why.contains("oldest")));
        assert_eq!(worse(&vitals(100.0, 0.0), &vitals(180.0, 0.0)), None, "not twice as old");
        assert!(worse(&vitals(1.0, 2.0), &vitals(1.0, 3.0)).is_some_and(|why| why.contains("throttled, 3")));
        assert_eq!(worse(&Vitals::default(), &Vitals::default()), None);
    }
}
