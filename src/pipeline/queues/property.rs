//! Over random schedules: how often a message is delivered before it is dead, and that a message is
//! in one queue, never in none and never in two.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::model::id::{MessageId, QueueName, ReceiptHandle};
use crate::model::message::Outgoing;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::QueueBlueprint;
use crate::pipeline::meter::Meter;
use crate::pipeline::queues::Queues;

#[derive(Debug, Clone)]
enum Step {
    Pass { ms: i64 },
    Send { delay_s: u32 },
    Receive { queue: usize, max: usize, visibility_s: u32 },
    Delete { nth: usize },
    GiveBack { nth: usize },
    StartTask,
}

const QUEUES: [&str; 2] = ["work", "dead"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..20_000_i64).prop_map(|ms| Step::Pass { ms }),
        2 => prop_oneof![Just(0_u32), 0..30_u32].prop_map(|delay_s| Step::Send { delay_s }),
        5 => (0..2_usize, 1..6_usize, 0..15_u32)
            .prop_map(|(queue, max, visibility_s)| Step::Receive { queue, max, visibility_s }),
        1 => any::<usize>().prop_map(|nth| Step::Delete { nth }),
        2 => any::<usize>().prop_map(|nth| Step::GiveBack { nth }),
        1 => Just(Step::StartTask),
    ]
}

struct Run {
    queues: Queues,
    meter: Meter,
    now: Timestamp,
    /// Body → what is known of it. A body is never deleted by mistake and names its message.
    deleted: BTreeMap<String, bool>,
    /// Deliveries from `work` of one message id.
    deliveries: BTreeMap<MessageId, u32>,
    held: Vec<(QueueName, ReceiptHandle, String)>,
}

impl Run {
    fn new(max_receive_count: u32) -> Self {
        let (mut queues, mut meter) = (Queues::new("1", "r", "http://h", 1), Meter::default());
        let work = QueueBlueprint { redrive: Some(("dead".into(), max_receive_count)), ..QueueBlueprint::new("work") };
        queues.deploy(Timestamp::ZERO, &[work, QueueBlueprint::new("dead")], &mut meter);
        let (deleted, deliveries) = (BTreeMap::new(), BTreeMap::new());
        Run { queues, meter, now: Timestamp::ZERO, deleted, deliveries, held: Vec::new() }
    }

    fn apply(&mut self, step: Step, limit: u32) {
        match step {
            Step::Pass { ms } => self.pass(ms),
            Step::Send { delay_s } => {
                let body = format!("m{}", self.deleted.len());
                self.deleted.insert(body.clone(), false);
                let message = Outgoing { body, delay_s: Some(delay_s), ..Outgoing::default() };
                self.queues.put(self.now, &"work".into(), message, &mut self.meter).expect("admitted");
            }
            Step::Receive { queue, max, visibility_s } => {
                let name = QueueName::from(QUEUES[queue]);
                for message in self.queues.take(self.now, &name, max, Some(visibility_s), &mut self.meter) {
                    if queue == 0 {
                        let count = self.deliveries.entry(message.id.clone()).or_default();
                        *count += 1;
                        assert_eq!(message.system.receive_count, *count);
                        assert!(*count <= limit, "delivered {count} times with maxReceiveCount {limit}");
                    } else if message.system.dead_letter_source.is_some() {
                        let before = self.deliveries.get(&message.id).copied();
                        assert_eq!(before, Some(limit), "dead before its time");
                    }
                    self.held.push((name.clone(), message.receipt, message.body));
                }
            }
            Step::Delete { nth } => {
                if let Some((queue, receipt, body)) = self.pick(nth) {
                    let before = self.live(&body);
                    self.queues.finish(self.now, &queue, &receipt, &mut self.meter).expect("a good handle");
                    if before > self.live(&body) {
                        self.deleted.insert(body, true);
                    }
                }
            }
            Step::GiveBack { nth } => {
                if let Some((queue, receipt, _)) = self.pick(nth) {
                    // Refused when it is not in flight any more; then nothing changes.
                    let _ = self.queues.set_visibility(self.now, &queue, &receipt, 0);
                }
            }
            Step::StartTask => {
                let source = self.queues.arn(&"dead".into());
                // Refused while one runs.
                let _ = self.queues.start_task(self.now, &source, None, None);
            }
        }
    }

    fn pass(&mut self, ms: i64) {
        let end = self.now.plus_ms(ms);
        while let Some(at) = self.queues.poll_timeout().filter(|at| *at <= end) {
            self.queues.handle_timeout(at.max(self.now), &mut self.meter);
        }
        self.now = end;
    }

    fn pick(&mut self, nth: usize) -> Option<(QueueName, ReceiptHandle, String)> {
        let len = self.held.len();
        (len > 0).then(|| self.held.swap_remove(nth % len))
    }

    fn live(&self, wanted: &str) -> usize {
        let mut count = 0;
        self.queues.each_body(self.now, |_, body, _, _| count += usize::from(body == wanted));
        count
    }

    fn check(&mut self) {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let mut total = 0;
        self.queues.each_body(self.now, |_, body, _, _| {
            total += 1;
            *seen.entry(body.to_owned()).or_default() += 1;
        });
        for (body, deleted) in &self.deleted {
            assert_eq!(seen.get(body).copied().unwrap_or(0), u32::from(!deleted), "{body}");
        }
        let counted: u64 = QUEUES
            .map(|name| {
                self.queues.ready(self.now, &name.into());
                self.queues.counts(&name.into()).total()
            })
            .iter()
            .sum();
        assert_eq!(counted, total);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deliveries_are_exact_and_messages_conserved(limit in 1..4_u32, steps in prop::collection::vec(step(), 1..120)) {
        let mut run = Run::new(limit);
        for step in steps {
            run.apply(step, limit);
            run.check();
        }
    }
}
