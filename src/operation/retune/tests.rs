//! Retunes played through against a Lambda of a few lines.

use super::*;
use crate::model::mapping::{MappingChange, MappingSettings, MappingState};
use crate::model::reserve::ReserveChange;
use crate::operation::progress::RetuneReport;
use crate::operation::soak::play::{Played, play, refused};
use crate::operation::soak::{START, confirm, owner};

/// Lambda as far as one mapping goes: a change takes five seconds, and shows only at its end.
struct Lambda {
    mapping: Mapping,
    pending: Option<(Timestamp, Mapping)>,
    writes: u32,
    reserve: Option<u32>,
    reserves: u32,
}

impl Lambda {
    fn new(parallel: u32) -> Self {
        let settings = MappingSettings {
            batch_size: Some(100),
            parallelization_factor: Some(parallel),
            ..MappingSettings::default()
        };
        let mapping = Mapping {
            id: "u-1".into(),
            source: "arn:aws:dynamodb:r:1:table/t/stream/x".into(),
            function: "f".into(),
            function_arn: "arn:aws:lambda:r:1:function:f".into(),
            state: MappingState::Enabled,
            state_reason: None,
            settings,
            last_processing_result: None,
            last_modified: None,
        };
        Lambda { mapping, pending: None, writes: 0, reserve: None, reserves: 0 }
    }

    fn answer(&mut self, now: Timestamp, order: &Order) -> OrderResult {
        if let Some((_, after)) = self.pending.take_if(|(at, _)| *at <= now) {
            self.mapping = after;
        }
        Outcome::Done(match order {
            Order::Record(_) => Answer::Recorded,
            Order::GetMapping(_) => Answer::Mapping(Box::new(self.mapping.clone())),
            Order::UpdateMapping { .. } if self.pending.is_some() => {
                return refused("ResourceInUseException", "in use");
            }
            Order::UpdateMapping { change, .. } => {
                self.writes += 1;
                let mut after = self.mapping.clone();
                after.settings = change.applied_to(&after.settings);
                if let Some(enabled) = change.enabled {
                    after.state = if enabled { MappingState::Enabled } else { MappingState::Disabled };
                }
                self.pending = Some((now.plus_s(5), after));
                self.mapping.state = MappingState::Updating;
                // The echo shows the new settings already: not to be believed.
                let mut echo = self.mapping.clone();
                echo.settings = change.applied_to(&echo.settings);
                Answer::Mapping(Box::new(echo))
            }
            Order::GetReserve(_) => Answer::Reserve(self.reserve),
            Order::PutReserve { to, .. } => {
                self.reserves += 1;
                self.reserve = *to;
                Answer::Reserve(*to)
            }
            other => panic!("a retune does not order {other:?}"),
        })
    }
}

fn parallel(to: u32) -> RetunePlan {
    RetunePlan {
        mapping: "u-1".into(),
        before: Lambda::new(1).mapping.settings,
        enabled_before: true,
        change: MappingChange { parallelization_factor: Some(to), ..MappingChange::default() },
        reason: None,
        revert_after_s: None,
        reserve: None,
    }
}

fn run(plan: RetunePlan, answer: impl FnMut(Timestamp, &Order) -> OrderResult) -> (RetuneReport, Played) {
    let played = play(&mut Retune::new(confirm(plan), owner(), 7, START), START, Vec::new(), answer);
    match played.report.clone() {
        Report::Retune(report) => (report, played),
        other => panic!("a retune ends with its report, not {other:?}"),
    }
}

#[test]
fn a_change_is_followed_until_a_read_shows_it_settled() {
    let mut lambda = Lambda::new(1);
    let (report, played) = run(parallel(5), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.writes), (EndState::Done, 1));
    assert!(report.settled_at.is_some_and(|at| at.ms_since(START) >= 5_000), "not by the echo: {report:?}");
    assert!(played.told.iter().any(|told| told.line == "parallel 1→5: Updating"), "{:?}", played.told);
}

#[test]
fn what_somebody_changed_meanwhile_is_not_written_over() {
    let mut lambda = Lambda::new(2);
    let (report, _) = run(parallel(5), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.writes), (EndState::Failed, 0));
    assert_eq!(report.problem.as_deref(), Some("somebody changed it meanwhile (parallel 1→2); nothing was written"));
}

#[test]
fn a_mapping_in_use_is_waited_for_and_then_compared_again() {
    let mut lambda = Lambda::new(1);
    // A colleague's change is under way when ours is written.
    let mut after = lambda.mapping.clone();
    after.settings.batch_size = Some(500);
    lambda.pending = Some((START.plus_s(8), after));
    let (report, _) = run(parallel(5), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.writes), (EndState::Failed, 0));
    assert!(report.problem.is_some_and(|why| why.contains("batch 100→500")));
}

#[test]
fn a_write_without_an_answer_is_looked_after() {
    for (taken, writes) in [(true, 1), (false, 2)] {
        let mut lambda = Lambda::new(1);
        let mut lost = false;
        let (report, _) = run(parallel(5), |now, order| {
            let write = matches!(order, Order::UpdateMapping { .. });
            if write && !std::mem::replace(&mut lost, true) {
                if taken {
                    lambda.answer(now, order);
                } else {
                    lambda.writes += 1;
                }
                return Outcome::Unknown("cut".to_owned());
            }
            lambda.answer(now, order)
        });
        assert_eq!((report.state, lambda.writes), (EndState::Done, writes), "taken: {taken}");
    }
}

#[test]
fn throttles_are_waited_out_and_a_refusal_is_told() {
    let mut lambda = Lambda::new(1);
    let mut calls = 0;
    let (report, _) = run(parallel(5), |now, order| {
        calls += 1;
        match order {
            Order::GetMapping(_) if calls % 3 != 0 => refused("TooManyRequestsException", "rate"),
            _ => lambda.answer(now, order),
        }
    });
    assert_eq!(report.state, EndState::Done);
    let mut lambda = Lambda::new(1);
    let (report, _) = run(parallel(5), |now, order| match order {
        Order::UpdateMapping { .. } => refused("AccessDeniedException", "no"),
        _ => lambda.answer(now, order),
    });
    assert_eq!(report.problem.as_deref(), Some("test: AccessDeniedException: no"));
    let (report, _) = run(parallel(11), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.writes), (EndState::Failed, 0), "a fault is found before the call");
}

#[test]
fn stopping_settles_at_disabled() {
    let mut lambda = Lambda::new(1);
    let change = MappingChange { enabled: Some(false), ..MappingChange::default() };
    let (report, _) = run(RetunePlan { change, ..parallel(1) }, |now, order| lambda.answer(now, order));
    assert_eq!((report.state, report.what.as_str()), (EndState::Done, "started→stopped"));
    assert_eq!(report.mapping.map(|mapping| mapping.state), Some(MappingState::Disabled));
}

#[test]
fn nothing_is_written_that_is_not_on_record() {
    let mut lambda = Lambda::new(1);
    let (report, _) = run(parallel(5), |now, order| match order {
        Order::Record(_) => refused("Full", "disk full"),
        _ => lambda.answer(now, order),
    });
    assert_eq!((report.state, lambda.writes), (EndState::Failed, 0));
}

fn reverted(after_s: u32) -> RetunePlan {
    RetunePlan { revert_after_s: Some(after_s), ..parallel(5) }
}

#[test]
fn what_was_to_be_put_back_is_when_its_time_has_come() {
    let mut lambda = Lambda::new(1);
    let (report, played) = run(reverted(900), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.writes, report.put_back), (EndState::Done, 2, true));
    assert_eq!(lambda.mapping.settings.parallelization_factor, Some(1));
    assert!(report.settled_at.is_some_and(|at| at.ms_since(START) >= 900_000), "{report:?}");
    assert!(played.told.iter().any(|told| told.phase == Phase::Holding && told.line.contains("X keeps it")));
    assert_eq!(report.what, "put back: parallel 5→1");
}

#[test]
fn what_somebody_changed_while_it_held_is_not_written_over() {
    let mut lambda = Lambda::new(1);
    let (report, _) = run(reverted(900), |now, order| {
        if now.ms_since(START) > 600_000 && lambda.mapping.settings.parallelization_factor == Some(5) {
            lambda.mapping.settings.parallelization_factor = Some(8);
        }
        lambda.answer(now, order)
    });
    assert_eq!((report.state, lambda.writes), (EndState::Failed, 1), "{report:?}");
    assert!(report.problem.is_some_and(|why| why.contains("parallel 5→8")));
}

#[test]
fn kept_by_somebody_it_ends_and_left_by_its_process_it_stays_open() {
    for (command, open) in [(Command::Cancel, false), (Command::Leave, true)] {
        let mut lambda = Lambda::new(1);
        let mut ended = false;
        let script = vec![(START.plus_s(300), command)];
        let played = play(&mut Retune::new(confirm(reverted(900)), owner(), 7, START), START, script, |now, order| {
            if let Order::Record(entries) = order {
                ended |= entries.iter().any(|entry| matches!(entry, JournalEntry::Ended { .. }));
            }
            lambda.answer(now, order)
        });
        assert_eq!((lambda.writes, ended), (1, !open), "{command:?}: {:?}", played.report);
        assert_eq!(lambda.mapping.settings.parallelization_factor, Some(5));
    }
}

#[test]
fn taken_up_after_its_time_it_is_put_back_if_it_still_stands_and_never_applied() {
    for (there, writes) in [(5, 1), (1, 0)] {
        let mut lambda = Lambda::new(there);
        let late = START.plus_s(8 * 3600);
        let mut machine = Retune::resume(confirm(reverted(900)), owner(), 7, late, START);
        let played = play(&mut machine, late, Vec::new(), |now, order| lambda.answer(now, order));
        assert_eq!((played.report.state(), lambda.writes), (EndState::Done, writes), "{:?}", played.report);
        assert_eq!(lambda.mapping.settings.parallelization_factor, Some(1));
    }
}

fn reserve(before: Option<u32>, to: Option<u32>, change: MappingChange) -> RetunePlan {
    RetunePlan { change, reserve: Some(ReserveChange { function: "f".into(), before, to }), ..parallel(1) }
}

#[test]
fn a_reserve_is_written_alone_whatever_happens_to_the_mapping_meanwhile() {
    let mut lambda = Lambda::new(7);
    lambda.mapping.state = MappingState::Updating;
    let (report, _) = run(reserve(None, Some(20), MappingChange::default()), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.writes, lambda.reserves), (EndState::Done, 0, 1), "{report:?}");
    assert_eq!((report.what.as_str(), lambda.reserve), ("reserved concurrency none→20", Some(20)));
    let (report, _) = run(reserve(Some(20), None, MappingChange::default()), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.reserve), (EndState::Done, None));
}

#[test]
fn somebody_elses_reserve_is_not_written_over() {
    let mut lambda = Lambda::new(1);
    lambda.reserve = Some(8);
    let (report, _) = run(reserve(Some(5), Some(20), parallel(5).change), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.writes, lambda.reserves), (EndState::Failed, 0, 0));
    let why = "somebody changed it meanwhile (reserved concurrency 5→8); nothing was written";
    assert_eq!(report.problem.as_deref(), Some(why));
}

#[test]
fn a_refused_reserve_leaves_the_mapping_as_it_is_and_a_refused_mapping_is_told_in_part() {
    let mut lambda = Lambda::new(1);
    let both = || reserve(None, Some(20), parallel(5).change);
    let (report, _) = run(both(), |now, order| match order {
        Order::PutReserve { .. } => refused("InvalidParameterValueException", "below its minimum value"),
        _ => lambda.answer(now, order),
    });
    assert_eq!((report.state, lambda.writes), (EndState::Failed, 0));
    assert!(report.problem.is_some_and(|why| why.ends_with("below its minimum value; nothing was written")));
    let (report, _) = run(both(), |now, order| match order {
        Order::UpdateMapping { .. } => refused("AccessDeniedException", "no"),
        _ => lambda.answer(now, order),
    });
    assert_eq!((report.state, lambda.reserve), (EndState::Partly, Some(20)));
    assert!(report.problem.is_some_and(|why| why.ends_with("only the reserved concurrency is changed")));
    // Again: what is there already is not written a second time.
    let (report, _) = run(both(), |now, order| lambda.answer(now, order));
    assert_eq!((report.state, lambda.writes, lambda.reserves), (EndState::Done, 1, 1));
}

#[test]
fn a_reserve_without_an_answer_is_looked_after_and_written_again_only_if_it_was_not_taken() {
    for (taken, reserves) in [(true, 1), (false, 1)] {
        let mut lambda = Lambda::new(1);
        let mut lost = false;
        let plan = reserve(None, Some(20), parallel(5).change);
        let (report, _) = run(plan, |now, order| {
            let write = matches!(order, Order::PutReserve { .. });
            if write && !std::mem::replace(&mut lost, true) {
                if taken {
                    lambda.answer(now, order);
                }
                return Outcome::Unknown("cut".to_owned());
            }
            lambda.answer(now, order)
        });
        assert_eq!((report.state, lambda.reserves, lambda.writes), (EndState::Done, reserves, 1), "taken: {taken}");
        assert_eq!((lambda.reserve, lambda.mapping.settings.parallelization_factor), (Some(20), Some(5)));
    }
}

#[test]
fn a_reserve_is_put_back_with_the_rest_when_its_time_has_come() {
    let mut lambda = Lambda::new(1);
    let plan = RetunePlan { revert_after_s: Some(900), ..reserve(None, Some(20), parallel(5).change) };
    let (report, _) = run(plan, |now, order| lambda.answer(now, order));
    assert_eq!((report.state, report.put_back, lambda.reserve), (EndState::Done, true, None), "{report:?}");
    assert_eq!(lambda.mapping.settings.parallelization_factor, Some(1));
    assert_eq!(report.what, "put back: parallel 5→1, reserved concurrency 20→none");
}
