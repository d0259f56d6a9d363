//! When is a queue empty? Several empty answers are needed, and even then what is wanted may be hidden
//! by somebody's lease, or by a receive of ours whose answer was lost.

use std::collections::BTreeSet;

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, Order, OrderResult};
use crate::operation::sweep::{EMPTIES_NEEDED, End, Sweep, SweepOrder, Want};

impl Sweep {
    /// Several empty answers: the end, unless somebody's lease, or a receive of ours whose answer was
    /// lost, may hide what is wanted.
    pub(super) fn conclude(&mut self, now: Timestamp, held: usize) -> Option<(Order, SweepOrder)> {
        if self.receiving > 0 {
            return None;
        }
        match self.want {
            // Behind a held message of its group nothing is handed out, and it holds whatever came.
            Want::All { .. } if self.is_fifo() => self.count(now, held),
            Want::All { .. } | Want::Signs { .. } => {
                let hidden = self.lost_until.is_some_and(|until| until > now);
                self.finish(End::Empty { hidden });
                None
            }
            Want::Ids(ref sought) if sought.missing() == 0 => {
                self.lost_until = None;
                self.finish(End::Found);
                None
            }
            Want::Ids(_) => self.count(now, held),
        }
    }

    fn count(&mut self, now: Timestamp, held: usize) -> Option<(Order, SweepOrder)> {
        self.counting = true;
        let order = SweepOrder::Counts { own: self.messages_held(now), callers: held };
        Some((Order::QueueCounts { queue: self.queue.clone() }, order))
    }

    fn is_fifo(&self) -> bool {
        self.queue.as_str().ends_with(".fifo")
    }

    /// A message that was handed out twice is held twice, and counted once by its queue: taken for two, it
    /// would hide that somebody else holds another.
    fn messages_held(&self, now: Timestamp) -> usize {
        let rest = self.rest.iter().filter(|held| held.until > now).map(|held| &held.lease.id);
        rest.chain(self.returns.held_ids(now)).collect::<BTreeSet<&MessageId>>().len()
    }

    pub(super) fn handle_counts(&mut self, now: Timestamp, own: usize, callers: usize, result: &OrderResult) {
        self.counting = false;
        // A lease that ran out while the count was on its way may not be in it, and another's in its place.
        let held = callers + own.min(self.messages_held(now));
        let in_flight = match result {
            Outcome::Done(Answer::Counts(counts)) => counts.in_flight,
            _ => u64::MAX,
        };
        let others = in_flight > held as u64;
        let lost_until = self.lost_until.filter(|until| *until > now);
        let doubt_until = *self.doubt_until.get_or_insert(now.plus_ms(DOUBT_MS));
        if self.end.is_some() {
            return;
        }
        let visible = matches!(result, Outcome::Done(Answer::Counts(counts)) if counts.visible > 0);
        if matches!(self.want, Want::All { .. }) {
            let seen = matches!(result, Outcome::Done(_)) && !visible;
            return self.finish(End::Empty { hidden: !seen || lost_until.is_some() });
        }
        // Of a FIFO queue's group nothing is handed out behind a message that is held, and yet it counts as
        // visible.
        let fifo = self.is_fifo();
        let behind = visible && fifo;
        self.blocked = Blocked { fifo, ours: self.held() > 0, others };
        if behind && callers > 0 {
            // Behind one of the caller's own: it is moved, or given back, and then the next shows.
            self.empties = EMPTIES_NEEDED - 1;
            self.not_before = now.plus_ms(BEHIND_PAUSE_MS);
            self.give_up_at = Some(now.plus_ms(self.budget.time_ms));
        } else if visible && self.second_looks < SECOND_LOOKS_MOST {
            // Something showed since the last look, or the count is late.
            self.second_looks += 1;
            self.empties = 0;
        } else if let Some(until) = lost_until {
            // What a receive of ours hides shows again by itself; looking sooner could only be lost again.
            self.empties = 0;
            self.not_before = until;
        } else if callers > 0 && in_flight > 0 && !others {
            // What the caller is deleting may be out of the queue already, and another's lease in the count's
            // place: it tells once the caller holds nothing.
            self.empties = EMPTIES_NEEDED - 1;
            self.not_before = now.plus_ms(DOUBT_PAUSE_MS);
            self.give_up_at = Some(now.plus_ms(self.budget.time_ms));
            self.doubt_until = None;
        } else if others && now < doubt_until {
            self.empties = EMPTIES_NEEDED - 1;
            self.not_before = now.plus_ms(DOUBT_PAUSE_MS);
        } else {
            self.finish(End::Empty { hidden: others || behind });
        }
    }
}

/// What stands between a sweep and what it did not find.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Blocked {
    fifo: bool,
    /// The sweep was handed others than those it wants, and holds them.
    ours: bool,
    /// Somebody else holds messages of the queue, or whether is not known.
    others: bool,
}

impl Sweep {
    /// Why something may be there that was not found, and what to do.
    pub(in crate::operation) fn blocked_by(&self) -> &'static str {
        match self.blocked {
            Blocked { fifo: false, .. } => "somebody else holds messages of the queue",
            Blocked { ours: true, others: false, .. } => {
                "in a FIFO queue nothing is handed out behind an earlier message of its group, and earlier ones are \
                 there that were not chosen: choose those too, or its whole group"
            }
            Blocked { ours: true, others: true, .. } => {
                "in a FIFO queue nothing is handed out behind an earlier message of its group: somebody else holds \
                 messages, and earlier ones are there that were not chosen: choose those too, once the others are done"
            }
            Blocked { ours: false, others: true, .. } => {
                "in a FIFO queue nothing is handed out behind a message of its group that is held, and somebody else \
                 holds some: try again when they are done"
            }
            Blocked { ours: false, others: false, .. } => {
                "the queue counts messages that it did not hand out, as behind a held message of their group: try again"
            }
        }
    }
}

/// How long others' leases are waited out: a lease of ours and a little.
const DOUBT_MS: i64 = 65_000;
const DOUBT_PAUSE_MS: i64 = 5_000;
/// Between two looks behind messages of one's own.
const BEHIND_PAUSE_MS: i64 = 1_000;
/// Times the count of visible messages is believed against three empty answers.
const SECOND_LOOKS_MOST: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attributes, Message, SystemAttributes};
    use crate::model::queue::QueueCounts;
    use crate::operation::sweep::Budget;

    const NOW: Timestamp = Timestamp::from_s(1_767_236_000);

    /// Looks for m-2 of a group whose first, m-1, is handed out once, or is with somebody else.
    fn looked(queue: &str, m1_is_free: bool) -> &'static str {
        let budget = Budget { lanes: 1, lease_s: 60, time_ms: 300_000 };
        let mut sweep = Sweep::new(queue.into(), Want::Ids([&"m-2".into()].into_iter().cloned().collect()), budget, 1);
        let (mut now, mut free) = (NOW, m1_is_free);
        for _ in 0..500 {
            if sweep.end().is_some() {
                assert_eq!(sweep.end(), Some(&End::Empty { hidden: true }));
                return sweep.blocked_by();
            }
            let Some((order, purpose)) = sweep.poll(now, 10, 0) else {
                now = sweep.timeout(now).unwrap_or(now).max(now.plus_ms(100));
                continue;
            };
            let answer = match order {
                Order::Receive { .. } if std::mem::take(&mut free) => Answer::Received(vec![message("m-1")]),
                Order::Receive { .. } => Answer::Received(Vec::new()),
                Order::QueueCounts { .. } => {
                    Answer::Counts(QueueCounts { visible: 1, in_flight: 1, ..QueueCounts::default() })
                }
                other => panic!("{other:?}"),
            };
            now = now.plus_ms(50);
            assert!(sweep.handle(now, purpose, Outcome::Done(answer)).is_empty());
        }
        panic!("it never ends");
    }

    fn message(id: &str) -> Message {
        Message {
            id: id.into(),
            receipt: "r".into(),
            body: String::new(),
            attributes: Attributes::new(),
            system: SystemAttributes::default(),
        }
    }

    /// Holds m-1, which it does not want, and counts one in flight; the count comes after so many seconds. Whether
    /// that ends the search.
    fn counted(after_s: i64) -> bool {
        let budget = Budget { lanes: 1, lease_s: 60, time_ms: 300_000 };
        let mut sweep =
            Sweep::new("https://q/1/dead".into(), Want::Ids(["m-2".into()].into_iter().collect()), budget, 1);
        let mut brought = false;
        loop {
            let (order, purpose) = sweep.poll(NOW, 10, 0).expect("it looks, and counts");
            let (now, answer) = match order {
                Order::Receive { .. } if !std::mem::replace(&mut brought, true) => {
                    (NOW, Answer::Received(vec![message("m-1")]))
                }
                Order::Receive { .. } => (NOW, Answer::Received(Vec::new())),
                _ => (NOW.plus_s(after_s), Answer::Counts(QueueCounts { in_flight: 1, ..QueueCounts::default() })),
            };
            let counts = matches!(answer, Answer::Counts(_));
            sweep.handle(now, purpose, Outcome::Done(answer));
            if counts {
                return sweep.end().is_some();
            }
        }
    }

    #[test]
    fn a_lease_that_ran_out_while_the_count_was_on_its_way_does_not_stand_for_anothers() {
        assert!(counted(1), "the one in flight is the one it holds");
        assert!(!counted(61), "it may be somebody else's");
    }

    #[test]
    fn behind_a_held_message_of_a_group_it_says_who_holds_it_and_what_to_do() {
        let ours = looked("https://q/1/dead.fifo", true);
        assert!(
            ours.contains("not chosen: choose those too, or its whole group") && !ours.contains("somebody"),
            "{ours}"
        );
        let theirs = looked("https://q/1/dead.fifo", false);
        assert!(theirs.contains("somebody else holds some: try again") && !theirs.contains("choose"), "{theirs}");
        assert_eq!(looked("https://q/1/dead", false), "somebody else holds messages of the queue");
    }
}
