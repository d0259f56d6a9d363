//! What a receive brought: kept, copied, or put aside to be given back.

use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, OrderResult};
use crate::operation::progress::Cause;
use crate::operation::redrive::run_of;
use crate::operation::returns::Found;
use crate::operation::sweep::sought::Copy;
use crate::operation::sweep::{End, FAILURES_MOST, Sweep, Want};

impl Sweep {
    pub(super) fn handle_received(
        &mut self,
        now: Timestamp,
        asked_at: Timestamp,
        max: usize,
        result: OrderResult,
    ) -> Vec<Found> {
        let (cause, problem) = match result {
            Outcome::Done(Answer::Received(messages)) => {
                self.backoff.succeed();
                self.empties = if messages.is_empty() { self.empties + 1 } else { 0 };
                let (brought, missing) = (messages.len(), self.missing().unwrap_or(0));
                let lease_s = i64::from(self.budget.lease_s);
                let (until, at_latest) = (asked_at.plus_s(lease_s), now.plus_s(lease_s));
                let found = messages.into_iter().map(|message| Found { message, asked_at, until, at_latest });
                let found = found.filter_map(|found| self.sort(now, found)).collect();
                self.width.learn(max, brought, missing.saturating_sub(self.missing().unwrap_or(0)));
                return found;
            }
            Outcome::Done(other) => (Cause::Unreachable, format!("a receive was answered {other:?}")),
            Outcome::Refused(error) if !error.is_throttle() => {
                self.finish(End::Refused(Cause::of(&error), error.to_string()));
                return Vec::new();
            }
            Outcome::Refused(error) => (Cause::Unreachable, error.to_string()),
            Outcome::Unknown(seen) => {
                self.lost_until = Some(now.plus_s(i64::from(self.budget.lease_s) + 1));
                self.end.take_if(|end| *end == End::Found);
                (Cause::Unreachable, seen)
            }
        };
        self.backoff.fail(now);
        if self.backoff.failures() >= FAILURES_MOST {
            self.finish(End::Refused(cause, problem));
        }
        Vec::new()
    }

    /// Keeps, copies or puts aside one message received.
    fn sort(&mut self, now: Timestamp, found: Found) -> Option<Found> {
        let copy = match &mut self.want {
            Want::Ids(sought) => match sought.meet(&found.message.id, found.message.system.receive_count) {
                Copy::Unwanted => None,
                Copy::Older => return None,
                Copy::Again => return Some(found),
                Copy::Found => {
                    self.give_up_at = Some(now.plus_ms(self.budget.time_ms));
                    self.doubt_until = None;
                    self.second_looks = 0;
                    return Some(found);
                }
            },
            Want::All { most, .. } => {
                let new = self.seen.len() < *most && self.seen.insert(found.message.id.clone());
                if new {
                    self.seen_bytes += found.message.size_bytes();
                }
                new.then(|| found.clone())
            }
            Want::Signs { ids, runs, since } => {
                let message = &found.message;
                let of_a_run =
                    || message.system.sent_at >= *since && run_of(&message.body).is_some_and(|run| runs.contains(&run));
                (ids.contains(&message.id) || of_a_run()).then(|| found.clone())
            }
        };
        self.give_back(found.held());
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attributes, Message, SystemAttributes};
    use crate::operation::sweep::{Budget, SweepOrder};

    const NOW: Timestamp = Timestamp::from_s(1_767_236_000);

    fn copy(receive_count: u32) -> OrderResult {
        let system = SystemAttributes { receive_count, ..SystemAttributes::default() };
        let (id, receipt) = ("m-1".into(), format!("r-{receive_count}").as_str().into());
        let message = Message { id, receipt, body: String::new(), attributes: Attributes::new(), system };
        Outcome::Done(Answer::Received(vec![message]))
    }

    #[test]
    fn an_older_copy_that_comes_later_is_not_what_is_looked_for_again() {
        let budget = Budget { lanes: 4, lease_s: 60, time_ms: 300_000 };
        let mut sweep =
            Sweep::new("https://q/1/dead".into(), Want::Ids(["m-1".into()].into_iter().collect()), budget, 1);
        let mut receive = |s: i64, answer: OrderResult| {
            let (_, order) = sweep.poll(NOW.plus_s(s), 10, 0).expect("it looks");
            assert!(matches!(order, SweepOrder::Receive { .. }));
            let found = sweep.handle(NOW.plus_s(s), order, answer);
            // Its lease ran out before anything came of it.
            let again = !found.is_empty() && sweep.want_again("m-1".into());
            (found.first().map(|found| found.message.system.receive_count), again, sweep.end().is_some())
        };
        assert_eq!(receive(0, copy(4)), (Some(4), true, false));
        assert_eq!(receive(1, copy(3)), (None, false, false), "its answer was long on its way");
        assert_eq!(receive(2, copy(4)), (Some(4), true, false), "a count is about right: as new as the newest");
        assert_eq!(receive(3, copy(6)), (Some(6), true, false));
    }
}
