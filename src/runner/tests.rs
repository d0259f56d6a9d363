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
        revert_after_s: None,
        reserve: None,
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

/// Gives some records and a call that breaks, all at once, and remembers what came back.
struct Burst {
    orders: std::collections::VecDeque<Order>,
    given: u64,
    back: Arc<Mutex<Vec<(OrderId, OrderResult)>>>,
    answered: u64,
}

impl Operation for Burst {
    fn handle_command(&mut self, _: Timestamp, _: Command) {}

    fn handle_result(&mut self, _: Timestamp, id: OrderId, result: OrderResult) {
        self.back.lock().expect("no test panics with it").push((id, result));
        self.answered += 1;
    }

    fn handle_timeout(&mut self, _: Timestamp) {}

    fn poll_order(&mut self, _: Timestamp) -> Option<(OrderId, Order)> {
        let order = self.orders.pop_front()?;
        self.given += 1;
        Some((OrderId(self.given), order))
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }

    fn poll_progress(&mut self) -> Option<Progress> {
        None
    }

    fn is_finished(&self) -> bool {
        self.orders.is_empty() && self.answered == self.given
    }
}

/// Keeps what is recorded, slowly; any call breaks.
struct Slow {
    kept: Arc<Mutex<Vec<Vec<i64>>>>,
}

impl Performer for Slow {
    async fn perform(&self, order: Order) -> OrderResult {
        let Order::Record(entries) = order else { panic!("as the test wants it") };
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let moments = entries.iter().map(|entry| match entry {
            JournalEntry::Noted { at, .. } => at.ms(),
            other => panic!("not recorded here: {other:?}"),
        });
        self.kept.lock().expect("no test panics with it").push(moments.collect());
        Outcome::Done(Answer::Recorded)
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

#[tokio::test(start_paused = true)]
async fn records_are_kept_in_their_order_and_a_broken_call_has_an_unknown_end() {
    let record = |ms| {
        let at = Timestamp::from_ms(ms);
        Order::Record(vec![JournalEntry::Noted { operation: "op".into(), at, text: String::new(), pace: None }])
    };
    let mut orders: std::collections::VecDeque<Order> = (0..50).map(record).collect();
    orders.insert(1, Order::GetMapping("u".into()));
    let (kept, back) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let burst = Burst { orders, given: 0, back: Arc::clone(&back), answered: 0 };
    let (_commander, commands) = mpsc::unbounded_channel();
    run(Box::new(burst), Slow { kept: Arc::clone(&kept) }, commands, |_| {}).await;
    let kept = kept.lock().expect("no test panics with it").clone();
    assert_eq!(kept.concat(), (0..50).collect::<Vec<i64>>());
    assert!(kept.len() < 10, "those that wait are written together: {} writes", kept.len());
    let back = back.lock().expect("no test panics with it");
    let broken: Vec<&OrderId> =
        back.iter().filter(|(_, result)| matches!(result, Outcome::Unknown(_))).map(|(id, _)| id).collect();
    assert_eq!((back.len(), broken), (51, vec![&OrderId(2)]));
}
