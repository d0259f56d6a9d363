//! A retune driven over a performer that stands for AWS and a journal, on a paused clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::model::mapping::{Mapping, MappingChange, MappingSettings, MappingState};
use crate::model::plan::RetunePlan;
use crate::operation::card::Facts;
use crate::operation::confirm::{Consent, Preflight};
use crate::operation::order::{Answer, EndState, JournalEntry};
use crate::operation::progress::Report;
use crate::operation::{Owner, Undertaking};

struct World {
    mapping: Mutex<Mapping>,
    now_ms: Arc<AtomicI64>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Performer for World {
    async fn perform(&self, order: Order) -> OrderResult {
        let mut lines = self.lines.lock().expect("no test panics with it");
        let mut mapping = self.mapping.lock().expect("no test panics with it");
        Outcome::Done(match order {
            Order::Record(entries) => {
                for entry in entries {
                    lines.push(match entry {
                        JournalEntry::Began { .. } => "began".to_owned(),
                        JournalEntry::Ended { summary, .. } => summary,
                        other => format!("{other:?}"),
                    });
                }
                Answer::Recorded
            }
            Order::UpdateMapping { change, .. } => {
                lines.push("update".to_owned());
                mapping.settings = change.applied_to(&mapping.settings);
                mapping.state = MappingState::Updating;
                Answer::Mapping(Box::new(mapping.clone()))
            }
            Order::GetMapping(_) => {
                lines.push(format!("get {}", mapping.state));
                let answer = Answer::Mapping(Box::new(mapping.clone()));
                mapping.state = MappingState::Enabled;
                answer
            }
            other => panic!("a retune does not order {other:?}"),
        })
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms.load(Ordering::SeqCst))
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::task::yield_now().await;
        self.now_ms.fetch_max(at.ms(), Ordering::SeqCst);
    }
}

fn confirmed() -> Undertaking {
    let plan = RetunePlan {
        mapping: "u-1".into(),
        before: settings(),
        enabled_before: true,
        change: MappingChange { parallelization_factor: Some(5), ..MappingChange::default() },
        reason: None,
    };
    let Ok(confirmed) = Preflight::new(plan, &Facts::default()).accept(&Consent::Enter) else {
        panic!("a retune takes a button")
    };
    Undertaking::Retune(confirmed)
}

fn settings() -> MappingSettings {
    MappingSettings { parallelization_factor: Some(1), ..MappingSettings::default() }
}

#[tokio::test]
async fn a_machine_runs_to_its_end_and_its_last_progress_carries_the_report() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let world = World {
        mapping: Mutex::new(Mapping {
            id: "u-1".into(),
            source: "arn:aws:dynamodb:r:1:table/t/stream/x".into(),
            function: "f".into(),
            function_arn: "arn:aws:lambda:r:1:function:f".into(),
            state: MappingState::Enabled,
            state_reason: None,
            settings: settings(),
            last_processing_result: None,
            last_modified: None,
        }),
        now_ms: Arc::new(AtomicI64::new(1_000)),
        lines: Arc::clone(&lines),
    };
    let owner = Owner { operation: "op-1".into(), who: "me".into(), account: "1".into(), region: "r".into() };
    let (commander, commands) = mpsc::unbounded_channel();
    drop(commander);
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let machine = confirmed().machine(owner, 1);
    run(machine, world, commands, move |news| listener.lock().expect("no test panics with it").push(news)).await;
    let last = told.lock().expect("no test panics with it").pop().and_then(|news| news.report);
    assert!(matches!(last, Some(Report::Retune(report)) if report.state == EndState::Done));
    let lines = lines.lock().expect("no test panics with it").clone();
    assert_eq!(
        lines,
        ["began", "get Enabled", "update", "get Updating", "get Enabled", "parallel 1→5, settled at 00:00:03Z"]
    );
}
