//! A queue of three messages and a function, seen from the machine: what it orders, in which order, and
//! what it refuses to delete.

use super::*;
use crate::model::id::MessageId;
use crate::model::message::{Attributes, Message, SystemAttributes};
use crate::model::queue::QueueCounts;
use crate::model::service_error::ServiceError;
use crate::operation::order::{EndState, EntryError, JournalEntry, Lease};
use crate::operation::progress::TrialReport;
use crate::operation::soak::play::{Played, play, play_slowly, refused};
use crate::operation::soak::{START, confirm, owner};
use crate::operation::trial::removal::DELETES;

fn plan() -> TrialPlan {
    TrialPlan {
        from: "https://sqs/1/JobDLQ".into(),
        id: "m-2".into(),
        function: "JobWorker".into(),
        timeout_s: Some(300),
        source: "arn:aws:sqs:r:1:JobQueue".into(),
        region: "r".into(),
        reason: None,
        edit: None,
    }
}

struct World {
    there: Vec<MessageId>,
    hidden: Vec<MessageId>,
    invoked: OrderResult,
    extend: Option<EntryError>,
    deletes: Vec<OrderResult>,
    /// Held by somebody else.
    others: u64,
    seen: Vec<String>,
    journal: Vec<JournalEntry>,
}

impl World {
    fn new(invoked: OrderResult) -> Self {
        let there = ["m-1", "m-2", "m-3"].map(MessageId::from).to_vec();
        World {
            there,
            hidden: Vec::new(),
            invoked,
            extend: None,
            deletes: Vec::new(),
            others: 0,
            seen: Vec::new(),
            journal: Vec::new(),
        }
    }

    fn each(&mut self, entries: &[Lease], mut apply: impl FnMut(&mut Self, &MessageId)) -> OrderResult {
        entries.iter().for_each(|lease| apply(self, &lease.id));
        Outcome::Done(Answer::Entries(vec![Ok(()); entries.len()]))
    }

    fn answer(&mut self, order: &Order) -> OrderResult {
        match order {
            Order::Record(entries) => {
                self.journal.extend(entries.iter().cloned());
                self.seen.push("record".to_owned());
                Outcome::Done(Answer::Recorded)
            }
            Order::Receive { .. } => {
                let visible: Vec<MessageId> =
                    self.there.iter().filter(|id| !self.hidden.contains(id)).cloned().collect();
                self.hidden.extend(visible.iter().cloned());
                Outcome::Done(Answer::Received(visible.into_iter().map(message).collect()))
            }
            Order::Extend { visibility_s, .. } => {
                self.seen.push(format!("extend {visibility_s}"));
                match self.extend.clone() {
                    Some(error) => Outcome::Done(Answer::Entries(vec![Err(error)])),
                    None => Outcome::Done(Answer::Entries(vec![Ok(())])),
                }
            }
            Order::Release { entries, .. } => self.each(entries, |world, id| {
                world.hidden.retain(|other| other != id);
            }),
            Order::Invoke { function, payload, timeout_s } => {
                assert!(payload.contains("\"eventSourceARN\":\"arn:aws:sqs:r:1:JobQueue\""), "{payload}");
                self.seen.push(format!("invoke {function} {timeout_s}"));
                self.invoked.clone()
            }
            Order::Delete { entries, .. } => {
                self.seen.push("delete".to_owned());
                if let Some(result) = self.deletes.pop() {
                    return result;
                }
                self.each(entries, |world, id| world.there.retain(|other| other != id))
            }
            Order::QueueCounts { .. } => {
                let (hidden, there) = (&self.hidden, &self.there);
                let ours = hidden.iter().filter(|id| there.contains(id)).count() as u64;
                let counts = QueueCounts { in_flight: ours + self.others, ..QueueCounts::default() };
                Outcome::Done(Answer::Counts(counts))
            }
            other => panic!("not an order of a trial: {other:?}"),
        }
    }

    fn run(&mut self) -> TrialReport {
        self.play(Trial::new(confirm(plan()), owner(), 7, START))
    }

    fn play(&mut self, mut trial: Trial) -> TrialReport {
        let Played { report, .. } = play(&mut trial, START, Vec::new(), |_, order| self.answer(order));
        assert!(self.hidden.iter().all(|id| !self.there.contains(id)), "something is left hidden: {:?}", self.hidden);
        let Report::Trial(report) = report else { panic!("{report:?}") };
        report
    }

    fn is_there(&self) -> bool {
        self.there.contains(&"m-2".into())
    }
}

fn message(id: MessageId) -> Message {
    Message {
        receipt: format!("r-{id}").into(),
        id,
        body: "{}".to_owned(),
        attributes: Attributes::new(),
        system: SystemAttributes::default(),
    }
}

fn answered(error: Option<&str>, payload: &str) -> OrderResult {
    Outcome::Done(Answer::Invoked(Box::new(Invoked {
        error: error.map(str::to_owned),
        payload: payload.to_owned(),
        log_tail: Some("REPORT".to_owned()),
    })))
}

#[test]
fn a_message_that_comes_through_is_deleted_after_its_answer_and_the_rest_is_given_back() {
    let mut world = World::new(answered(None, r#"{"batchItemFailures":[]}"#));
    let report = world.run();
    assert_eq!((report.verdict.clone(), report.deleted, report.state), (Verdict::Succeeded, true, EndState::Done));
    // Written down before it is done, the lease longer than the run, deleted last.
    assert_eq!(world.seen, ["record", "extend 360", "record", "invoke JobWorker 300", "delete", "record"]);
    assert_eq!(world.there, ["m-1", "m-3"].map(MessageId::from));
    let deleted =
        |entry: &JournalEntry| matches!(entry, JournalEntry::Message { state: MessageState::Deleted { .. }, .. });
    assert!(world.journal.iter().any(deleted) && matches!(world.journal.last(), Some(JournalEntry::Ended { .. })));
    assert!(report.line().starts_with("JobWorker came through"), "{}", report.line());
}

#[test]
fn whatever_is_not_a_clear_success_stays_in_the_queue() {
    let throttled = refused("TooManyRequestsException", "Rate Exceeded.");
    for (invoked, wanted) in [
        (answered(Some("Unhandled"), r#"{"errorMessage":"503"}"#), "Failed"),
        (answered(None, r#"{"batchItemFailures":[{"itemIdentifier":"m-2"}]}"#), "Failed"),
        (answered(None, "{"), "Failed"),
        (Outcome::Unknown("cut".to_owned()), "MayHaveRun"),
        (throttled, "NotRun"),
    ] {
        let mut world = World::new(invoked);
        let report = world.run();
        let verdict = format!("{:?}", report.verdict);
        assert!(verdict.starts_with(wanted), "{verdict}");
        assert!(world.is_there() && !report.deleted && !world.seen.contains(&"delete".to_owned()), "{:?}", world.seen);
        assert_ne!(report.state, EndState::Done);
    }
    let mut world = World::new(Outcome::Unknown("cut".to_owned()));
    assert!(world.run().line().contains("may have run"));
    let possible =
        |e: &JournalEntry| matches!(e, JournalEntry::Message { state: MessageState::PossibleDuplicate { .. }, .. });
    assert!(world.journal.iter().any(possible));
}

#[test]
fn without_a_lease_or_a_message_nothing_runs() {
    let mut world = World::new(answered(None, ""));
    let error = EntryError { code: "MessageNotInflight".to_owned(), message: "gone".to_owned(), sender_fault: true };
    world.extend = Some(error);
    let report = world.run();
    assert!(matches!(report.verdict, Verdict::NotRun(_)) && world.is_there(), "{report:?}");
    assert!(!world.seen.iter().any(|seen| seen.starts_with("invoke")));
    let mut world = World::new(answered(None, ""));
    world.there.remove(1);
    let report = world.run();
    assert_eq!(
        (report.verdict, report.state),
        (Verdict::NotRun("it is not in the queue any more".to_owned()), EndState::Failed)
    );
}

#[test]
fn a_delete_is_repeated_and_one_that_cannot_be_done_is_said() {
    let unknown = || Outcome::Unknown("cut".to_owned());
    let mut world = World::new(answered(None, "null"));
    world.deletes = vec![unknown(), unknown()];
    assert!(world.run().deleted);
    // None had an answer: it is given back, shows, and is deleted by its new receipt.
    let mut world = World::new(answered(None, "null"));
    world.deletes = (0..DELETES).map(|_| unknown()).collect();
    let report = world.run();
    assert_eq!((report.deleted, report.doubtful, world.is_there()), (true, false, false), "{report:?}");
    let mut world = World::new(answered(None, "null"));
    world.deletes = (0..DELETES).map(|_| refused("AccessDenied", "no")).collect();
    let report = world.run();
    assert_eq!((report.deleted, report.state), (false, EndState::Partly));
    assert!(report.line().contains("it exists twice"), "{}", report.line());
    let duplicate = |e: &JournalEntry| matches!(e, JournalEntry::Message { state: MessageState::Duplicate { .. }, .. });
    assert!(world.journal.iter().any(duplicate));
}

/// Its first delete arrives when the lease is over.
fn late(world: &mut World, commands: Vec<(Timestamp, Command)>, takes: bool, shows: bool) -> TrialReport {
    let mut trial = Trial::new(confirm(plan()), owner(), 7, START);
    let Played { report, .. } = play_slowly(&mut trial, START, commands, |_, order| {
        let first = matches!(order, Order::Delete { .. }) && !world.seen.contains(&"delete".to_owned());
        if !first {
            return (20, world.answer(order));
        }
        world.deletes = if takes { Vec::new() } else { vec![Outcome::Done(Answer::Entries(vec![Ok(())]))] };
        let answer = world.answer(order);
        world.hidden.retain(|id| id.as_str() != "m-2" || !shows);
        (400_000, answer)
    });
    let Report::Trial(report) = report else { panic!("{report:?}") };
    report
}

#[test]
fn a_delete_that_came_too_late_is_looked_for_once_more_and_named_where_that_does_not_tell() {
    let deletes = |world: &World| world.seen.iter().filter(|seen| *seen == "delete").count();
    // It took: nothing shows.
    let mut world = World::new(answered(None, "null"));
    let report = late(&mut world, Vec::new(), true, false);
    assert_eq!((report.deleted, report.doubtful, report.state, deletes(&world)), (true, false, EndState::Done, 1));
    // It did nothing, for somebody had received it: it shows, and is deleted by its new receipt.
    let mut world = World::new(answered(None, "null"));
    let report = late(&mut world, Vec::new(), false, true);
    assert_eq!((report.deleted, report.doubtful, deletes(&world), world.is_there()), (true, false, 2, false));
    // Somebody still holds it; or nobody waits for the look.
    for (others, commands) in [(1, Vec::new()), (0, vec![(START.plus_s(401), Command::Cancel)])] {
        let mut world = World::new(answered(None, "null"));
        world.others = others;
        let report = late(&mut world, commands, false, false);
        assert_eq!((report.deleted, report.doubtful, report.state), (false, true, EndState::Partly), "{report:?}");
        assert!(report.line().contains("perhaps deleted from JobDLQ"), "{}", report.line());
        let named =
            |e: &JournalEntry| matches!(e, JournalEntry::Message { state: MessageState::PossibleDuplicate { .. }, .. });
        assert!(world.journal.iter().any(named));
    }
}

#[test]
fn no_receive_is_out_while_the_message_is_held() {
    let mut world = World::new(answered(None, "null"));
    let mut trial = Trial::new(confirm(plan()), owner(), 7, START);
    let mut out = 0;
    let (mut now, mut held, mut most) = (START, false, 0);
    while !trial.is_finished() {
        let mut orders: Vec<(OrderId, Order)> = Vec::new();
        while let Some(order) = trial.poll_order(now) {
            orders.push(order);
        }
        for (id, order) in orders {
            now = now.plus_ms(20);
            let receives = matches!(order, Order::Receive { .. });
            out += u32::from(receives);
            assert!(!(receives && held), "a receive beside the message");
            let answer = world.answer(&order);
            held |= receives && matches!(&answer, Outcome::Done(Answer::Received(some)) if !some.is_empty());
            most = most.max(out);
            trial.handle_result(now, id, answer);
            out -= u32::from(receives);
        }
    }
    assert_eq!((most, held), (1, true));
}

#[test]
fn a_cancel_in_time_runs_nothing_and_a_journal_that_fails_forbids_it() {
    let mut world = World::new(answered(None, ""));
    let mut trial = Trial::new(confirm(plan()), owner(), 7, START);
    trial.handle_command(START, Command::Cancel);
    let report = world.play(trial);
    assert_eq!((report.state, world.seen.len()), (EndState::Cancelled, 2), "{:?}", world.seen);
    let mut world = World::new(answered(None, ""));
    let mut trial = Trial::new(confirm(plan()), owner(), 7, START);
    let mut records = 0;
    let Played { report, .. } = play(&mut trial, START, Vec::new(), |_, order| match order {
        Order::Record(_) if records == 1 => {
            records += 1;
            Outcome::Refused(ServiceError::new("journal", "Full", "disk full"))
        }
        order => {
            records += u32::from(matches!(order, Order::Record(_)));
            world.answer(order)
        }
    });
    assert!(matches!(report, Report::Trial(TrialReport { verdict: Verdict::NotRun(_), .. })), "{report:?}");
    assert!(!world.seen.iter().any(|seen| seen.starts_with("invoke")), "{:?}", world.seen);
}

fn edited_plan(body: &str) -> TrialPlan {
    let bodies = BTreeMap::from([(MessageId::from("m-2"), body.to_owned())]);
    TrialPlan { edit: Some(crate::operation::redrive::edit::plan("by hand", &bodies)), ..plan() }
}

#[test]
fn an_edited_message_runs_with_its_new_body_and_both_are_in_the_journal_before_it_does() {
    for (answer, deleted) in [(answered(None, "null"), true), (answered(Some("Unhandled"), "{}"), false)] {
        let mut world = World::new(answer);
        let body = r#"{"to":"ada"}"#.to_owned();
        let mut trial = Trial::edited(confirm(edited_plan(&body)), body.clone(), owner(), 7, START);
        let (mut kept, mut ran) = (Vec::new(), Vec::new());
        let Played { report, .. } = play(&mut trial, START, Vec::new(), |_, order| {
            if let Order::Invoke { payload, .. } = order {
                ran.push(payload.clone());
                kept.clone_from(&world.journal);
            }
            world.answer(order)
        });
        let [payload] = ran.as_slice() else { panic!("{ran:?}") };
        assert!(payload.contains(r#""body":"{\"to\":\"ada\"}""#), "{payload}");
        let original = |entry: &JournalEntry| matches!(entry, JournalEntry::Backup { message, .. } if message.id.as_str() == "m-2" && message.body == "{}");
        let edited = |entry: &JournalEntry| matches!(entry, JournalEntry::Edited { body: kept, .. } if *kept == body);
        assert!(kept.iter().any(original) && kept.iter().any(edited), "{kept:?}");
        assert_eq!(!world.is_there(), deleted, "{report:?}");
    }
}

#[test]
fn a_body_that_is_not_what_was_confirmed_is_not_run() {
    let mut world = World::new(answered(None, "null"));
    let report = world.play(Trial::edited(confirm(edited_plan("one")), "another".to_owned(), owner(), 7, START));
    assert!(matches!(&report.verdict, Verdict::NotRun(why) if why.contains("confirmed")), "{report:?}");
    assert!(world.is_there() && !world.seen.iter().any(|seen| seen.starts_with("invoke")), "{:?}", world.seen);
}
