//! Order and completeness of the reader under everything that can happen to batches: failures,
//! partial answers, throttles, bisecting, changes of the number of lanes in the middle.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::model::time::Timestamp;
use crate::pipeline::rng::mix;
use crate::pipeline::stream::Load;
use crate::pipeline::stream::batch::Batch;
use crate::pipeline::stream::count::Count;
use crate::pipeline::stream::lane::BatchEnd;
use crate::pipeline::stream::log::Log;
use crate::pipeline::stream::reader::{Condition, Reader, Want};
use crate::pipeline::stream::rules::Rules;

/// A record that knows its item and which write to it it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Write {
    item: u8,
    version: u32,
}

impl Load for Write {
    fn share(&self, lane: u32, lanes: u32) -> u32 {
        u32::from(mix(u64::from(self.item)) % u64::from(lanes) == u64::from(lane))
    }

    fn without(&self, lanes: u32, done: &dyn Fn(u32) -> u32) -> Option<Self> {
        let lane = (0..lanes).find(|lane| self.share(*lane, lanes) == 1)?;
        (done(lane) == 0).then_some(*self)
    }

    fn at_s(&self) -> i64 {
        0
    }

    fn bytes(&self) -> u32 {
        100
    }
}

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Write {
        item: u8,
    },
    /// Time passes and every lane is asked; `throttle`: nothing can be invoked.
    Ask {
        ms: u16,
        throttle: bool,
    },
    /// The n-th running batch ends, at this share of its records when in part.
    End {
        which: u8,
        how: u8,
    },
    Lanes(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..12).prop_map(|item| Step::Write { item }),
        3 => (0u16..3_000, prop::bool::weighted(0.2)).prop_map(|(ms, throttle)| Step::Ask { ms, throttle }),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(which, how)| Step::End { which, how }),
        1 => (1u8..=10).prop_map(Step::Lanes),
    ]
}

struct Bench {
    log: Log<Write>,
    reader: Reader,
    rules: Rules,
    now: Timestamp,
    running: Vec<(u32, Batch)>,
    versions: BTreeMap<u8, u32>,
    handled: BTreeMap<u8, Vec<u32>>,
    discarded: u32,
}

impl Bench {
    fn new(rules: Rules) -> Self {
        Bench {
            log: Log::default(),
            reader: Reader::new(0, rules.lanes, Timestamp::ZERO),
            rules,
            now: Timestamp::ZERO,
            running: Vec::new(),
            versions: BTreeMap::new(),
            handled: BTreeMap::new(),
            discarded: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Write { item } => {
                let version = self.versions.entry(item).or_default();
                *version += 1;
                self.log.push(Write { item, version: *version });
            }
            Step::Ask { ms, throttle } => {
                self.now = self.now.plus_ms(i64::from(ms));
                self.reader.poll(&self.log);
                self.ask(throttle);
            }
            Step::End { which, how } => {
                if !self.running.is_empty() {
                    let (lane, batch) = self.running.remove(usize::from(which) % self.running.len());
                    self.end(lane, batch, how);
                }
            }
            Step::Lanes(lanes) => {
                self.rules.lanes = u32::from(lanes);
                self.reader.set_lanes(self.now, self.rules.lanes);
            }
        }
    }

    fn ask(&mut self, throttle: bool) {
        for lane in 0..self.reader.lanes().max(self.rules.lanes) {
            while let Some(want) = self.reader.want(self.now, lane, &self.log, &self.rules) {
                match want {
                    Want::Wake(_) => break,
                    Want::Discard(batch, _) => self.discarded += batch.records,
                    Want::Send(_) if throttle => self.reader.refused(self.now, lane),
                    Want::Send(batch) => {
                        let same = |other: &(u32, Batch)| other.0 == lane;
                        assert!(!self.running.iter().any(same), "two batches of lane {lane} at once");
                        self.running.push((lane, batch));
                    }
                }
            }
        }
        assert!(self.running.len() as u32 <= self.reader.lanes());
        // No item is in two lanes at once.
        let mut items: Vec<u8> = Vec::new();
        for (lane, batch) in &self.running {
            let mut own: Vec<u8> =
                self.reader.records_of(*lane, batch, &self.log).iter().map(|(_, write, _)| write.item).collect();
            own.sort_unstable();
            own.dedup();
            items.extend(own);
        }
        let all = items.len();
        items.sort_unstable();
        items.dedup();
        assert_eq!(items.len(), all, "an item is in two lanes");
    }

    fn end(&mut self, lane: u32, batch: Batch, how: u8) {
        let records = self.reader.records_of(lane, &batch, &self.log);
        assert_eq!(records.len() as u32, batch.records);
        let (end, done) = match how {
            0..=160 => (BatchEnd::Done, records.len()),
            161..=200 => (BatchEnd::Failed, 0),
            _ => match usize::from(how) % records.len() {
                0 => (BatchEnd::Failed, 0),
                stopped => (BatchEnd::Partial(stopped as u32), stopped),
            },
        };
        for (_, write, _) in &records[..done] {
            self.handled.entry(write.item).or_default().push(write.version);
        }
        if let Some(Want::Discard(batch, _)) = self.reader.finished(self.now, lane, end, &self.log, &self.rules) {
            self.discarded += batch.records;
        }
    }

    /// Lets everything come to its end.
    fn drain(&mut self) {
        for _ in 0..2_000 {
            self.take(Step::Ask { ms: 60_000, throttle: false });
            if self.running.is_empty() {
                return;
            }
            for (lane, batch) in std::mem::take(&mut self.running) {
                self.end(lane, batch, 0);
            }
        }
        panic!("it never came to an end");
    }
}

fn rules(lanes: u8, batch_size: u8, bisect: bool, max_retries: Option<u32>) -> Rules {
    Rules {
        batch_size: u32::from(batch_size),
        window_ms: 0,
        lanes: u32::from(lanes),
        max_retries,
        max_age_s: None,
        bisect,
        partial: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_write_is_handled_once_and_in_order_of_its_item(
        lanes in 1u8..=10,
        batch_size in 1u8..40,
        bisect: bool,
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let mut bench = Bench::new(rules(lanes, batch_size, bisect, None));
        for step in steps {
            bench.take(step);
        }
        bench.drain();
        for (item, versions) in &bench.versions {
            let expected: Vec<u32> = (1..=*versions).collect();
            prop_assert_eq!(bench.handled.get(item), Some(&expected), "item {}", item);
        }
        prop_assert_eq!(bench.reader.open_total(&bench.log), (0, 0));
    }

    #[test]
    fn with_retries_that_end_each_write_is_handled_or_given_up_and_order_holds(
        lanes in 1u8..=10,
        bisect: bool,
        retries in 0u32..3,
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let mut bench = Bench::new(rules(lanes, 9, bisect, Some(retries)));
        for step in steps {
            bench.take(step);
        }
        bench.drain();
        let written: u32 = bench.versions.values().sum();
        let handled: usize = bench.handled.values().map(Vec::len).sum();
        prop_assert_eq!(handled as u32 + bench.discarded, written);
        for versions in bench.handled.values() {
            prop_assert!(versions.is_sorted_by(|a, b| a < b), "{:?}", versions);
        }
    }
}

#[test]
fn a_failing_batch_blocks_only_its_lane() {
    let mut bench = Bench::new(rules(4, 10, false, None));
    (0..12).cycle().take(120).for_each(|item| bench.take(Step::Write { item }));
    bench.take(Step::Ask { ms: 250, throttle: false });
    assert_eq!(bench.running.len(), 4);
    for _ in 0..200 {
        for (lane, batch) in std::mem::take(&mut bench.running) {
            // Lane 2 always fails.
            bench.end(lane, batch, if lane == 2 { 180 } else { 0 });
        }
        bench.take(Step::Ask { ms: 250, throttle: false });
    }
    let blocked: u32 = (0..12).filter(|item| Write { item: *item, version: 1 }.share(2, 4) == 1).count() as u32;
    let (open, _) = bench.reader.open_total(&bench.log);
    assert_eq!(open, u64::from(blocked) * 10);
}

#[test]
fn attempts_are_one_and_the_retries_and_splitting_costs_none() {
    let count = |bisect, records: u8| {
        let mut bench = Bench::new(rules(1, 100, bisect, Some(3)));
        (0..records).for_each(|item| bench.take(Step::Write { item }));
        let mut sends = 0;
        while bench.discarded < u32::from(records) {
            bench.take(Step::Ask { ms: 60_000, throttle: false });
            for (lane, batch) in std::mem::take(&mut bench.running) {
                sends += 1;
                bench.end(lane, batch, 180);
            }
        }
        sends
    };
    assert_eq!(count(false, 8), 4);
    // 1 + 2 + 4 splits, then each of the 8 records four times.
    assert_eq!(count(true, 8), 7 + 32);
}

#[test]
fn throttles_use_up_no_attempt() {
    let mut bench = Bench::new(rules(1, 10, false, Some(0)));
    bench.take(Step::Write { item: 1 });
    for _ in 0..50 {
        bench.take(Step::Ask { ms: 60_000 - 1, throttle: true });
    }
    assert_eq!(bench.discarded, 0);
    bench.drain();
    assert_eq!(bench.handled.get(&1), Some(&vec![1]));
}

#[test]
fn records_that_are_too_old_are_given_up_alone() {
    let count = |at_s| Count::new(10, 10, 0, 0, at_s, 100);
    let mut log = Log::default();
    for at_s in [0, 50, 100] {
        log.push(count(at_s));
    }
    let rules = Rules { max_age_s: Some(60), ..rules(1, 100, false, None) };
    let mut reader = Reader::new(0, 1, Timestamp::ZERO);
    reader.poll(&log);
    let now = Timestamp::from_s(100);
    let Some(Want::Discard(old, Condition::RecordAgeExceeded)) = reader.want(now, 0, &log, &rules) else {
        panic!("the old record is not given up")
    };
    assert_eq!((old.records, old.last_at_s), (10, 0));
    let Some(Want::Send(batch)) = reader.want(now, 0, &log, &rules) else { panic!("nothing is sent") };
    assert_eq!((batch.records, batch.first_at_s, batch.last_at_s), (20, 50, 100));
}

#[test]
fn counts_are_read_like_records() {
    let mut log = Log::default();
    for second in 0..20 {
        log.push(Count::new(137, 50, 0, 0, second, 100));
    }
    let mut rules = rules(3, 100, true, None);
    let mut reader = Reader::new(0, 3, Timestamp::ZERO);
    reader.poll(&log);
    let (mut now, mut handled, mut turn) = (Timestamp::from_s(20), 0, 0u32);
    while reader.open_total(&log).0 > 0 {
        turn += 1;
        now = now.plus_s(60);
        if turn == 4 {
            rules.lanes = 7;
            reader.set_lanes(now, 7);
        }
        for lane in 0..reader.lanes() {
            if let Some(Want::Send(batch)) = reader.want(now, lane, &log, &rules) {
                assert!(batch.records <= 100);
                let failed = turn.is_multiple_of(3);
                handled += if failed { 0 } else { batch.records };
                let end = if failed { BatchEnd::Failed } else { BatchEnd::Done };
                reader.finished(now, lane, end, &log, &rules);
            }
        }
        assert!(turn < 1_000);
    }
    assert_eq!(handled, 20 * 137);
}
