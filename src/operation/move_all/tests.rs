//! SQS's side of a move task, ten messages a second, and what can go wrong with it.

use super::*;
use crate::model::move_task::MoveTaskStatus;
use crate::operation::progress::MoveAllReport;
use crate::operation::soak::play::{play, refused};
use crate::operation::soak::{START, confirm, owner};

struct Sqs {
    tasks: Vec<MoveTask>,
    starts: u32,
    cancels: u32,
    notes: Vec<String>,
}

const RATE_PER_S: i64 = 10;
const TO_MOVE: u64 = 100;

impl Sqs {
    fn new() -> Self {
        Sqs { tasks: Vec::new(), starts: 0, cancels: 0, notes: Vec::new() }
    }

    fn advance(&mut self, now: Timestamp) {
        let Some(task) = self.tasks.first_mut() else { return };
        let due = now.ms_since(task.started_at.unwrap_or(now)) * RATE_PER_S / 1000;
        match task.status {
            MoveTaskStatus::Running => task.moved = TO_MOVE.min(due as u64),
            // Moves go on a little after a cancel (aws-facts §3.5).
            MoveTaskStatus::Cancelling => {
                task.moved += 3;
                task.status = MoveTaskStatus::Cancelled;
            }
            _ => return,
        }
        if task.moved == TO_MOVE {
            task.status = MoveTaskStatus::Completed;
        }
        if task.status.is_settled() {
            task.handle = None;
        }
    }

    fn answer(&mut self, now: Timestamp, order: &Order) -> OrderResult {
        self.advance(now);
        Outcome::Done(match order {
            Order::Record(entries) => {
                self.notes.extend(entries.iter().map(|entry| format!("{entry:?}")));
                Answer::Recorded
            }
            Order::ListMoveTasks { .. } => Answer::Tasks(self.tasks.clone()),
            Order::StartMoveTask { source, destination, max_per_s } => {
                if self.tasks.iter().any(|task| !task.status.is_settled()) {
                    return refused("InvalidParameterValue", "There is already a task running. Only one active …");
                }
                self.starts += 1;
                let handle = TaskHandle::new(format!("h-{}", self.starts));
                let task = MoveTask {
                    handle: Some(handle.clone()),
                    status: MoveTaskStatus::Running,
                    source: source.clone(),
                    destination: destination.clone(),
                    max_per_s: *max_per_s,
                    moved: 0,
                    to_move: Some(TO_MOVE),
                    failure: None,
                    started_at: Some(now),
                };
                self.tasks.insert(0, task);
                Answer::TaskStarted(handle)
            }
            Order::CancelMoveTask { .. } => {
                self.cancels += 1;
                self.tasks[0].status = MoveTaskStatus::Cancelling;
                Answer::TaskCancelled { moved: self.tasks[0].moved }
            }
            other => panic!("a move of everything does not order {other:?}"),
        })
    }
}

fn run(
    commands: Vec<(Timestamp, Command)>,
    answer: impl FnMut(Timestamp, &Order) -> OrderResult,
) -> (MoveAllReport, Timestamp) {
    let plan = MoveAllPlan {
        from_arn: "arn:aws:sqs:r:1:dlq".into(),
        from: "https://sqs/1/dlq".into(),
        to: None,
        max_per_s: Some(10),
        about: 100,
        reason: None,
    };
    let played = play(&mut MoveAll::new(confirm(plan), owner(), 7, START), START, commands, answer);
    match played.report {
        Report::MoveAll(report) => (report, played.ended_at),
        other => panic!("a move of everything ends with its report, not {other:?}"),
    }
}

#[test]
fn a_task_is_started_and_followed_to_its_end() {
    let mut sqs = Sqs::new();
    let (report, ended_at) = run(Vec::new(), |now, order| sqs.answer(now, order));
    assert_eq!((report.state, report.moved, sqs.starts), (EndState::Done, TO_MOVE, 1));
    assert!((10_000..14_000).contains(&ended_at.ms_since(START)), "{ended_at}");
    assert!(sqs.notes.iter().any(|note| note.contains("move task started: h-1")), "its handle is on record");
}

#[test]
fn somebody_elses_task_is_told_and_not_joined() {
    let mut sqs = Sqs::new();
    let start = Order::StartMoveTask { source: "arn:aws:sqs:r:1:dlq".into(), destination: None, max_per_s: None };
    sqs.answer(START.plus_s(-2), &start);
    let (report, _) = run(Vec::new(), |now, order| sqs.answer(now, order));
    assert_eq!((report.state, sqs.starts), (EndState::Failed, 1));
    let problem = report.problem.unwrap_or_default();
    assert!(
        problem.contains("already at work on this queue since 00:00") || problem.contains("already at work"),
        "{problem}"
    );
    assert!(problem.contains("of ~100 moved, RUNNING"), "{problem}");
}

#[test]
fn a_cancel_is_followed_until_it_has_settled() {
    let mut sqs = Sqs::new();
    let mut told = None;
    let (report, _) = run(vec![(START.plus_s(4), Command::Cancel)], |now, order| {
        let answer = sqs.answer(now, order);
        if let Outcome::Done(Answer::TaskCancelled { moved }) = &answer {
            told = Some(*moved);
        }
        answer
    });
    assert_eq!((report.state, sqs.cancels), (EndState::Cancelled, 1));
    assert_eq!(report.status, Some(MoveTaskStatus::Cancelled));
    assert_eq!(Some(report.moved), told.map(|moved| moved + 3), "what moved after the cancel is counted");
}

#[test]
fn a_start_without_an_answer_is_looked_for_before_it_is_repeated() {
    for taken in [true, false] {
        let mut sqs = Sqs::new();
        let mut lost = false;
        let (report, _) = run(Vec::new(), |now, order| {
            if matches!(order, Order::StartMoveTask { .. }) && !std::mem::replace(&mut lost, true) {
                if taken {
                    sqs.answer(now, order);
                }
                return Outcome::Unknown("cut".to_owned());
            }
            sqs.answer(now, order)
        });
        assert_eq!((report.state, report.moved, sqs.starts), (EndState::Done, TO_MOVE, 1), "taken: {taken}");
    }
}

#[test]
fn leaving_leaves_the_task_to_aws_and_the_operation_open() {
    let mut sqs = Sqs::new();
    let (report, ended_at) = run(vec![(START.plus_s(3), Command::Leave)], |now, order| sqs.answer(now, order));
    assert_eq!(sqs.cancels, 0);
    assert!(report.problem.is_some_and(|text| text.contains("goes on in AWS")));
    assert!(ended_at.ms_since(START) < 5_000);
    assert!(!sqs.notes.iter().any(|note| note.starts_with("Ended")), "{:?}", sqs.notes);
}

#[test]
fn a_failed_task_says_why() {
    let mut sqs = Sqs::new();
    let (report, _) = run(Vec::new(), |now, order| {
        let answer = sqs.answer(now, order);
        if let Some(task) = sqs.tasks.first_mut().filter(|task| task.moved >= 30) {
            task.status = MoveTaskStatus::Failed;
            task.failure = Some("AWS.SimpleQueueService.NonExistentQueue".to_owned());
        }
        answer
    });
    assert_eq!(report.state, EndState::Partly);
    assert!(report.problem.is_some_and(|why| why.contains("NonExistentQueue")));
}

/// A task that starts and is in no list, as a queue's list may lag or another account's rights may hide it.
#[test]
fn a_task_that_never_shows_is_not_followed_for_ever() {
    let answer = |_, order: &Order| match order {
        Order::Record(_) => Outcome::Done(Answer::Recorded),
        Order::ListMoveTasks { .. } => Outcome::Done(Answer::Tasks(Vec::new())),
        Order::StartMoveTask { .. } => Outcome::Done(Answer::TaskStarted("h".into())),
        other => panic!("not ordered by a move: {other:?}"),
    };
    let (report, ended_at) = run(Vec::new(), answer);
    assert_eq!((report.state, report.cause), (EndState::Partly, Some(Cause::Unreachable)));
    assert!(report.problem.is_some_and(|why| why.contains("never showed")));
    assert!(ended_at.ms_since(START) < 5 * 60_000, "given up in minutes");
}
