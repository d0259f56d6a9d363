//! Deletes that may not have taken ([`doubts`]): a redrive that sees the whole queue once more after it
//! knows better, one that ends early names them.

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::doubts;
use crate::operation::order::{MessageState, OrderResult};
use crate::operation::redrive::{Ending, Purpose, Redrive};
use crate::operation::sweep::{End, SweepOrder};

impl Redrive {
    /// The result of a sweep's order, before it is taken in.
    pub(super) fn doubt(&mut self, now: Timestamp, order: &SweepOrder, result: &OrderResult) {
        let (SweepOrder::Receive { asked_at, .. }, Outcome::Unknown(_)) = (order, result) else { return };
        if !doubts::may_arise(&self.plan.from) {
            return;
        }
        for id in self.ledger.doubt(*asked_at, now) {
            self.note_deleted(&id, None);
        }
    }

    /// Deleted, as far as was answered: with what a resume must know if it comes to doubt it.
    pub(super) fn note_deleted(&mut self, id: &MessageId, beside: Option<Timestamp>) {
        // What was named as a possible duplicate stays named on record.
        if self.ledger.duplicates.contains_key(id) {
            return;
        }
        let doubted = self.ledger.doubts.is_doubted(id);
        self.note(id, if doubted { MessageState::Doubted } else { MessageState::Deleted { beside } });
    }

    /// Since when the oldest receive is out that has no answer.
    pub(super) fn receiving_since(&self) -> Option<Timestamp> {
        let sweeps = self.outbox.open().filter_map(|purpose| match purpose {
            Purpose::Sweep(order) | Purpose::Look(order) => Some(order),
            _ => None,
        });
        doubts::beside(&self.plan.from, sweeps)
    }

    /// The search is over. Where the queue showed itself empty, after all that a lost receive could hide was
    /// visible again, what did not show is gone.
    pub(super) fn settle_doubted(&mut self, end: &End) {
        if matches!(end, End::Found | End::Empty { .. }) {
            for id in self.ledger.take_doubted() {
                self.note_deleted(&id, None);
            }
        }
    }

    /// It ends, and has not looked again. What is left, to be taken up again, stays doubted on record, and
    /// is looked for then. True when that keeps it open.
    pub(super) fn name_doubted(&mut self, ending: Ending) -> bool {
        let doubted = self.ledger.take_doubted();
        for id in &doubted {
            if !self.ledger.duplicates.contains_key(id) && ending != Ending::Left {
                self.note(id, MessageState::PossibleDuplicate { why: DOUBTED.to_owned() });
            }
            self.duplicate(id, DOUBTED);
        }
        if ending == Ending::Complete && !doubted.is_empty() {
            self.problem.get_or_insert_with(|| UNSEEN.to_owned());
        }
        !doubted.is_empty()
    }
}

/// Why a search that was not broken off still does not know.
const UNSEEN: &str = "the queue did not show itself empty in time: whether all deletes took is not certain";
/// What is said of one that is doubted at the end.
const DOUBTED: &str = "it was deleted while a receive had no answer, which may have been handed it too, and was not \
                       looked for again: it may still be in its queue";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::id::QueueUrl;
    use crate::model::message::{Message, SystemAttributes};
    use crate::model::plan::RedrivePlan;
    use crate::model::queue::QueueCounts;
    use crate::operation::order::{Answer, EndState, JournalEntry, Order, OrderId};
    use crate::operation::progress::{RedriveReport, Report};
    use crate::operation::record::Record;
    use crate::operation::soak::{START, confirm, owner};
    use crate::operation::{Command, Operation};

    fn id(n: usize) -> MessageId {
        MessageId::new(format!("m-{n:02}"))
    }

    /// Ten of the twenty-two messages asked for are there; when they are deleted, two more receives are out.
    struct Stage {
        machine: Redrive,
        now: Timestamp,
        journal: Vec<JournalEntry>,
        /// Not answered yet, oldest first.
        out: Vec<OrderId>,
        brought: bool,
    }

    fn begin(queue: &str, record: Option<&Record>, now: Timestamp) -> Redrive {
        let origins = vec![("arn:a".into(), QueueUrl::from("https://sqs/1/a"))];
        let plan = RedrivePlan::new(queue.into(), "arn:dlq".into(), (0..22).map(id).collect(), origins);
        match record {
            Some(record) => Redrive::resume(confirm(plan), owner(), 1, now, record),
            None => Redrive::new(confirm(RedrivePlan { lanes: 4, ..plan }), owner(), 1, now),
        }
    }

    impl Stage {
        fn new(queue: &str) -> Self {
            let mut stage = Stage {
                machine: begin(queue, None, START),
                now: START,
                journal: Vec::new(),
                out: Vec::new(),
                brought: false,
            };
            stage.play();
            stage
        }

        /// Answers all but receives: the first of those brings the ten.
        fn play(&mut self) {
            while let Some((order_id, order)) = self.machine.poll_order(self.now) {
                self.now = self.now.plus_ms(1);
                let answer = match order {
                    Order::Record(entries) => {
                        self.journal.extend(entries);
                        Answer::Recorded
                    }
                    Order::Receive { .. } if !std::mem::replace(&mut self.brought, true) => {
                        Answer::Received((0..10).map(message).collect())
                    }
                    Order::Receive { .. } => {
                        self.out.push(order_id);
                        continue;
                    }
                    Order::Send { entries, .. } => {
                        Answer::Sent((0..entries.len()).map(|n| Ok(MessageId::new(format!("new-{n}")))).collect())
                    }
                    Order::Delete { entries, .. } => Answer::Entries(vec![Ok(()); entries.len()]),
                    Order::QueueCounts { .. } => Answer::Counts(QueueCounts::default()),
                    other => panic!("{other:?}"),
                };
                self.machine.handle_result(self.now, order_id, Outcome::Done(answer));
            }
        }

        fn answer(&mut self, result: &OrderResult) {
            self.now = self.now.plus_ms(1);
            let order_id = self.out.remove(0);
            self.machine.handle_result(self.now, order_id, result.clone());
            self.play();
        }

        fn ended(&mut self) -> RedriveReport {
            for _ in 0..1_000 {
                if self.machine.is_finished() {
                    break;
                }
                if self.out.is_empty() {
                    self.now = self.machine.poll_timeout().expect("it waits for something");
                    self.machine.handle_timeout(self.now);
                    self.play();
                } else {
                    self.answer(&nothing());
                }
            }
            match std::iter::from_fn(|| self.machine.poll_progress()).find_map(|progress| progress.report) {
                Some(Report::Redrive(report)) => report,
                other => panic!("it ends with {other:?}"),
            }
        }

        fn states(&self) -> BTreeMap<MessageId, &'static str> {
            let record = Record::read(&self.journal).expect("it began");
            let ten = record.states.iter().filter(|(message, _)| **message < id(10));
            ten.map(|(id, state)| (id.clone(), state.name())).collect()
        }
    }

    fn message(n: usize) -> Message {
        Message {
            id: id(n),
            receipt: "r".into(),
            body: "four".to_owned(),
            attributes: BTreeMap::new(),
            system: SystemAttributes { dead_letter_source: Some("arn:a".into()), ..SystemAttributes::default() },
        }
    }

    fn lost() -> OrderResult {
        Outcome::Unknown("no answer".to_owned())
    }

    fn nothing() -> OrderResult {
        Outcome::Done(Answer::Received(Vec::new()))
    }

    fn all(state: &'static str) -> BTreeMap<MessageId, &'static str> {
        (0..10).map(|n| (id(n), state)).collect()
    }

    fn lost_beside_ten() -> Stage {
        let mut stage = Stage::new("https://sqs/1/dlq");
        assert_eq!((stage.states(), stage.out.len()), (all("deleted"), 2), "the stage is set");
        stage.answer(&lost());
        stage
    }

    #[test]
    fn ended_early_it_names_what_a_lost_receive_may_have_been_handed() {
        let mut stage = lost_beside_ten();
        assert_eq!(stage.states(), all("doubted"));
        stage.machine.handle_command(stage.now, Command::Cancel);
        let report = stage.ended();
        assert_eq!((report.state, report.moved), (EndState::Cancelled, 10));
        assert_eq!(report.duplicates_possible, (0..10).map(id).collect::<Vec<_>>());
        assert_eq!(stage.states(), all("possible-duplicate"));
    }

    #[test]
    fn after_a_look_that_shows_nothing_more_nobody_is_named() {
        let mut stage = lost_beside_ten();
        let report = stage.ended();
        assert!(report.duplicates_possible.is_empty(), "{report:?}");
        assert!(stage.now.ms_since(START) > 60_000, "the lost receive may hide them for a minute");
        assert_eq!((report.moved, report.gone, stage.states()), (10, 12, all("deleted")));
    }

    #[test]
    fn left_it_stays_open_to_be_looked_at_again() {
        let mut stage = lost_beside_ten();
        stage.machine.handle_command(stage.now, Command::Leave);
        assert_eq!(stage.ended().duplicates_possible.len(), 10);
        assert_eq!(stage.states(), all("doubted"));
        let record = Record::read(&stage.journal).expect("it began");
        assert!(record.is_open());
        stage.machine = begin("https://sqs/1/dlq", Some(&record), stage.now);
        stage.play();
        assert!(stage.ended().duplicates_possible.is_empty(), "it looked to the end");
    }

    #[test]
    fn taken_up_after_a_death_and_ended_early_it_names_them_too() {
        let mut stage = Stage::new("https://sqs/1/dlq");
        let record = Record::read(&stage.journal).expect("it began");
        assert_eq!(record.doubted.len(), 10, "a receive was out, and is not known to have been answered");
        stage.out.clear();
        stage.now = stage.now.plus_s(100);
        stage.machine = begin("https://sqs/1/dlq", Some(&record), stage.now);
        stage.play();
        stage.machine.handle_command(stage.now, Command::Cancel);
        assert_eq!(stage.ended().duplicates_possible.len(), 10);
    }

    #[test]
    fn a_fifo_queue_says_itself_what_it_did_not_delete() {
        let mut stage = Stage::new("https://sqs/1/dlq.fifo");
        stage.answer(&lost());
        stage.machine.handle_command(stage.now, Command::Cancel);
        assert!(stage.ended().duplicates_possible.is_empty());
        assert_eq!(stage.states(), all("deleted"));
    }
}
