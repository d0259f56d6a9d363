//! A stream consumer in virtual time: the pipeline's own reader, lanes and retries over counts. What
//! it adds is arrivals, service times and the function's concurrency, drawn from named streams, so
//! that candidates of one seed share their arrivals.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::forecast::chance::poisson;
pub use crate::forecast::outcome::{Span, StreamOutcome};
use crate::forecast::plant::{Change, StreamPlant, stretch};
use crate::forecast::track::Track;
use crate::model::time::Timestamp;
use crate::pipeline::distribution::{Distribution, below};
use crate::pipeline::rng::{mix, rng};
use crate::pipeline::stream::batch::Batch;
use crate::pipeline::stream::count::Count;
use crate::pipeline::stream::lane::BatchEnd;
use crate::pipeline::stream::log::Log;
use crate::pipeline::stream::reader::{Reader, Want};
use crate::pipeline::stream::rules::Rules;
use crate::pipeline::timer::Timers;

/// Runs `plant` with `change` on its way. `tick` is asked now and then whether to go on; `None` when
/// it said no.
pub fn run(
    plant: &StreamPlant,
    change: Option<Change>,
    seed: u64,
    span: Span,
    tick: &dyn Fn() -> bool,
) -> Option<StreamOutcome> {
    let mut run = StreamRun::new(plant, change, seed, span.for_ms);
    let (mut events, mut minute) = (0u32, 0);
    while let Some((at, event)) = run.timers.take_due(run.end) {
        run.now = at;
        run.take(event);
        events = events.wrapping_add(1);
        if events.is_multiple_of(EVENTS_A_TICK) && !tick() {
            return None;
        }
        let since_ms = at.ms_since(run.start);
        let complete = usize::try_from(since_ms / 60_000).unwrap_or(0);
        if since_ms >= span.settle_ms && complete > minute {
            minute = complete;
            if run.track.is_drained_within(minute) || run.track.is_hopeless() {
                break;
            }
        }
    }
    Some(run.outcome())
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// Records that arrived since the last poll become known.
    Poll(u32),
    /// One record arrives and is seen at once (`poll_ms` 0).
    Arrive(u32),
    /// A run is over; its lane sends the next batch a turnaround later, where that takes time.
    Released,
    Ends {
        shard: u32,
        lane: u32,
        failed: bool,
    },
    Wake {
        shard: u32,
        lane: u32,
    },
    Change,
    /// A pause is over.
    Resume,
}

struct Shard {
    log: Log<Count>,
    reader: Reader,
    arrivals: ChaCha8Rng,
    turns: ChaCha8Rng,
    polled_at: Timestamp,
    /// When each lane is asked again.
    wakes: Vec<Timestamp>,
    /// Which items fall to which lane.
    salt: u32,
    /// Lanes that most of its records will be dealt to.
    deals_to: u32,
    /// Arrival of each entry in ms, only where polls take no time.
    arrived_ms: Vec<i64>,
}

struct StreamRun<'a> {
    plant: &'a StreamPlant,
    rules: Rules,
    change: Option<Change>,
    start: Timestamp,
    end: Timestamp,
    now: Timestamp,
    timers: Timers<Event>,
    shards: Vec<Shard>,
    running: u32,
    service: ChaCha8Rng,
    failure: ChaCha8Rng,
    track: Track,
    arrived: u64,
    handled: u64,
    dropped: u64,
    waits: (i64, u64),
}

impl<'a> StreamRun<'a> {
    fn new(plant: &'a StreamPlant, change: Option<Change>, seed: u64, for_ms: i64) -> Self {
        let start = Timestamp::from_s(START_S);
        let mut run = StreamRun {
            rules: plant.rules,
            change,
            start,
            end: start.plus_ms(for_ms),
            now: start,
            timers: Timers::default(),
            shards: Vec::with_capacity(plant.shards.len()),
            running: 0,
            service: rng(seed, "rehearsal/service"),
            failure: rng(seed, "rehearsal/failure"),
            track: Track::default(),
            arrived: 0,
            handled: 0,
            dropped: 0,
            waits: (0, 0),
            plant,
        };
        for number in 0..plant.shards.len() as u32 {
            run.add_shard(number, seed);
        }
        if let Some((_, until_ms)) = plant.ahead.pause {
            run.timers.set(start.plus_ms(until_ms), Event::Resume);
        }
        if let Some(change) = &run.change {
            run.timers.set(start.plus_ms(change.acts_after_ms), Event::Change);
        }
        run
    }

    /// A shard with its backlog, second by second.
    fn add_shard(&mut self, number: u32, seed: u64) {
        let load = self.plant.shards[number as usize];
        let mut shard = Shard {
            log: Log::default(),
            reader: Reader::new(0, self.rules.lanes, self.start),
            arrivals: rng(seed, &format!("rehearsal/arrivals/{number}")),
            turns: rng(seed, &format!("rehearsal/turns/{number}")),
            polled_at: self.start,
            wakes: Vec::new(),
            salt: salt(self.plant.dealt.unwrap_or(seed), number),
            deals_to: self.change.map_or(self.rules.lanes, |change| change.rules.lanes),
            arrived_ms: Vec::new(),
        };
        let mut left_ms = load.behind_ms;
        while left_ms > 0 {
            let span_ms = left_ms.min(1000);
            let then = self.plant.past.get(((left_ms - 1) / 60_000) as usize).copied().unwrap_or(1.0);
            let records = poisson(&mut shard.arrivals, load.per_s * then * span_ms as f64 / 1000.0);
            self.arrived += u64::from(records);
            let at_s = self.start.plus_ms(-left_ms).s();
            self.plant.push(&mut shard, number, records, at_s);
            left_ms -= span_ms;
        }
        self.shards.push(shard);
        if self.plant.poll_ms > 0 {
            let phase = i64::from(number) * 37 % self.plant.poll_ms;
            self.timers.set(self.start.plus_ms(phase), Event::Poll(number));
        } else {
            self.plan_arrival(number);
            self.poll(number);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Poll(shard) => {
                self.arrive_since_poll(shard);
                self.timers.set(self.now.plus_ms(self.plant.poll_ms), Event::Poll(shard));
                self.poll(shard);
            }
            Event::Arrive(shard) => {
                let at_s = self.now.s();
                let entry = &mut self.shards[shard as usize];
                self.plant.push(entry, shard, 1, at_s);
                entry.arrived_ms.push(self.now.ms());
                self.arrived += 1;
                self.plan_arrival(shard);
                self.poll(shard);
            }
            Event::Released => self.running -= 1,
            Event::Ends { shard, lane, failed } => {
                if self.plant.turnaround_ms == 0 {
                    self.running -= 1;
                }
                self.ends(shard, lane, failed);
            }
            Event::Wake { shard, lane } => {
                if let Some(wake) = self.shards[shard as usize].wakes.get_mut(lane as usize) {
                    *wake = Timestamp::ZERO;
                }
                self.pump(shard, lane);
            }
            Event::Resume => (0..self.shards.len() as u32).for_each(|number| self.pump_all(number)),
            Event::Change => {
                let Some(change) = self.change.take() else { return };
                self.rules = change.rules;
                for number in 0..self.shards.len() as u32 {
                    self.shards[number as usize].reader.set_lanes(self.now, change.rules.lanes);
                    self.pump_all(number);
                }
            }
        }
    }

    fn plan_arrival(&mut self, number: u32) {
        let per_s = self.plant.shards[number as usize].per_s;
        if per_s > 0.0 {
            let mean_us = (1e6 / per_s) as u64;
            let gap_us = Distribution::Exponential(mean_us).draw(&mut self.shards[number as usize].arrivals);
            let gap_ms = i64::try_from((gap_us + 500) / 1000).unwrap_or(i64::MAX / 4);
            self.timers.set(self.now.plus_ms(gap_ms), Event::Arrive(number));
        }
    }

    fn arrive_since_poll(&mut self, number: u32) {
        let surge = self.plant.ahead.surge.filter(|(from_ms, _)| self.now.ms_since(self.start) >= *from_ms);
        let per_s = self.plant.shards[number as usize].per_s * surge.map_or(1.0, |(_, times)| times);
        let shard = &mut self.shards[number as usize];
        let span_ms = self.now.ms_since(shard.polled_at);
        let records = poisson(&mut shard.arrivals, per_s * span_ms as f64 / 1000.0);
        let at_s = self.now.plus_ms(-span_ms / 2).s();
        shard.polled_at = self.now;
        self.plant.push(shard, number, records, at_s);
        self.arrived += u64::from(records);
    }

    fn poll(&mut self, number: u32) {
        let shard = &mut self.shards[number as usize];
        shard.log.trim(self.now.s() - RETENTION_S);
        while shard.reader.is_behind(&shard.log) {
            shard.reader.poll(&shard.log);
        }
        self.pump_all(number);
    }

    fn pump_all(&mut self, number: u32) {
        let lanes = self.shards[number as usize].reader.lanes().max(self.rules.lanes);
        for lane in 0..lanes {
            self.pump(number, lane);
        }
    }

    /// Does what a lane wants until it wants nothing more for now.
    fn pump(&mut self, number: u32, lane: u32) {
        let since_ms = self.now.ms_since(self.start);
        if self.plant.ahead.pause.is_some_and(|(from_ms, until_ms)| (from_ms..until_ms).contains(&since_ms)) {
            return;
        }
        loop {
            let shard = &mut self.shards[number as usize];
            match shard.reader.want(self.now, lane, &shard.log, &self.rules) {
                None => return,
                Some(Want::Wake(at)) => {
                    self.wake(number, lane, at);
                    return;
                }
                Some(Want::Discard(batch, _)) => self.dropped += u64::from(batch.records),
                Some(Want::Send(batch)) => {
                    self.send(number, lane, &batch);
                    return;
                }
            }
        }
    }

    fn send(&mut self, number: u32, lane: u32, batch: &Batch) {
        let since_ms = self.now.ms_since(self.start);
        if self.running >= self.plant.concurrency {
            self.track.at(since_ms).refused += 1;
            let shard = &mut self.shards[number as usize];
            shard.reader.refused(self.now, lane);
            if let Some(Want::Wake(at)) = shard.reader.want(self.now, lane, &shard.log, &self.rules) {
                self.wake(number, lane, at);
            }
            return;
        }
        self.running += 1;
        let failed =
            self.plant.failure_ppm > 0 && below(&mut self.failure, 1_000_000) < u64::from(self.plant.failure_ppm);
        let us = self.plant.service.per_run_us.draw(&mut self.service)
            + self.plant.service.per_record_us.draw(&mut self.service) * u64::from(batch.records);
        let takes_ms = self.takes_ms(us);
        let age_ms = self.now.ms_since(Timestamp::from_s(batch.last_at_s)).max(0) as f64;
        let minute = self.track.at(since_ms);
        minute.age_max_ms = Some(minute.age_max_ms.map_or(age_ms, |most| most.max(age_ms)));
        minute.age_min_ms = Some(minute.age_min_ms.map_or(age_ms, |least| least.min(age_ms)));
        minute.invocations += 1;
        minute.duration_ms += takes_ms as f64;
        minute.errors += u64::from(failed);
        minute.concurrency_max = minute.concurrency_max.max(self.running);
        if !failed {
            minute.records += u64::from(batch.records);
            self.handled += u64::from(batch.records);
        }
        let arrived = self.shards[number as usize].arrived_ms.get(batch.from.entry as usize);
        if let Some(arrived_ms) = arrived {
            self.waits.0 += self.now.ms() - arrived_ms;
            self.waits.1 += 1;
        }
        let over = self.now.plus_ms(takes_ms);
        let turnaround_ms = self.plant.turnaround_ms;
        if turnaround_ms > 0 {
            self.timers.set(over, Event::Released);
        }
        self.timers.set(over.plus_ms(turnaround_ms), Event::Ends { shard: number, lane, failed });
    }

    /// As long as drawn, and longer for each other run.
    fn takes_ms(&self, drawn_us: u64) -> i64 {
        let us = match self.plant.crowding {
            0.0 => drawn_us,
            crowding => (drawn_us as f64 * stretch(crowding, f64::from(self.running))) as u64,
        };
        i64::try_from(us.div_ceil(1000)).unwrap_or(i64::MAX / 4).max(1)
    }

    fn ends(&mut self, number: u32, lane: u32, failed: bool) {
        let shard = &mut self.shards[number as usize];
        let end = if failed { BatchEnd::Failed } else { BatchEnd::Done };
        if let Some(Want::Discard(batch, _)) = shard.reader.finished(self.now, lane, end, &shard.log, &self.rules) {
            self.dropped += u64::from(batch.records);
        }
        self.pump(number, lane);
        // The last run of the old lanes lets the new ones begin.
        if self.shards[number as usize].reader.running() == 0 {
            self.pump_all(number);
        }
    }

    /// A lane is asked again at `at`, once.
    fn wake(&mut self, number: u32, lane: u32, at: Timestamp) {
        let wakes = &mut self.shards[number as usize].wakes;
        let index = lane as usize;
        if index >= wakes.len() {
            wakes.resize(index + 1, Timestamp::ZERO);
        }
        if wakes[index] != at {
            wakes[index] = at;
            self.timers.set(at, Event::Wake { shard: number, lane });
        }
    }

    fn outcome(self) -> StreamOutcome {
        let (sum_ms, n) = self.waits;
        StreamOutcome {
            track: self.track,
            arrived: self.arrived,
            handled: self.handled,
            dropped: self.dropped,
            mean_wait_ms: (n > 0).then(|| sum_ms as f64 / n as f64),
        }
    }
}

/// Which items of a shard fall to which lane.
pub(super) fn salt(dealt: u64, shard: u32) -> u32 {
    mix(dealt << 16 | u64::from(shard)) as u32
}

impl StreamPlant {
    fn push(&self, shard: &mut Shard, number: u32, records: u32, at_s: i64) {
        if records > 0 {
            let items = self.shards[number as usize].items;
            let turn = shard.turns.next_u32();
            let count = Count::new(records, items, shard.salt, turn, at_s, self.record_bytes);
            shard.log.push(count.dealt(shard.deals_to));
        }
    }
}

/// Any moment: only differences count.
const START_S: i64 = 1_767_225_600;
/// A DynamoDB stream keeps 24 h (aws-facts §4.3).
const RETENTION_S: i64 = 86_400;
/// How often `tick` is asked.
const EVENTS_A_TICK: u32 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::plant::ShardLoad;
    use crate::pipeline::blueprint::Service;

    fn rules(batch_size: u32, lanes: u32) -> Rules {
        Rules { batch_size, window_ms: 0, lanes, max_retries: None, max_age_s: None, bisect: false, partial: false }
    }

    fn service(per_run_ms: u64, per_record_us: u64) -> Service {
        Service {
            per_run_us: Distribution::Fixed(per_run_ms * 1000),
            per_record_us: Distribution::Fixed(per_record_us),
        }
    }

    fn outcome(plant: &StreamPlant, change: Option<Change>, seed: u64, minutes: i64) -> StreamOutcome {
        run(plant, change, seed, Span::whole(minutes * 60_000), &|| true).expect("not cancelled")
    }

    /// Pollaczek–Khinchine for M/D/1: the mean wait is ρ·s / (2(1 − ρ)).
    #[test]
    fn a_lane_waits_as_the_theory_of_queues_says() {
        for load in [0.5, 0.8] {
            let (shards, seconds) = (4, 1.0);
            let mut plant =
                StreamPlant::even(shards, load / seconds * f64::from(shards), rules(1, 1), service(1000, 0));
            plant.poll_ms = 0;
            let theory_ms = load * seconds * 1000.0 / (2.0 * (1.0 - load));
            let waits: Vec<f64> =
                (0..2).map(|seed| outcome(&plant, None, seed, 900).mean_wait_ms.expect("records")).collect();
            let mean = waits.iter().sum::<f64>() / 2.0;
            assert!((mean / theory_ms - 1.0).abs() < 0.03, "load {load}: {mean} ms against {theory_ms} ms");
        }
    }

    /// A backlog of B at arrivals λ and capacity C is gone after B / (C − λ).
    #[test]
    fn a_backlog_drains_like_a_fluid() {
        for (per_s, lanes, behind_s) in [(100.0, 5, 1_800), (60.0, 4, 900), (50.0, 2, 3_600)] {
            let mut plant = StreamPlant::even(4, per_s, rules(50, lanes), service(1_000, 10_000));
            plant.poll_ms = 0;
            plant.shards.iter_mut().for_each(|shard| {
                shard.behind_ms = behind_s * 1000;
                shard.per_s = per_s / 4.0;
            });
            let capacity = plant.capacity_per_s(&plant.rules);
            // Until the age is what counts as drained; arrivals go on meanwhile.
            let left_s = behind_s as f64 - crate::forecast::track::DRAINED_MS / 1000.0;
            let fluid_s = left_s * per_s / (capacity - per_s);
            let span = Span { for_ms: 4 * 3_600_000, settle_ms: 0 };
            let outcome = run(&plant, None, 1, span, &|| true).expect("not cancelled");
            let drained_s = outcome.track.drained_s().expect("drains");
            assert!((drained_s / fluid_s - 1.0).abs() < 0.03, "{drained_s} s against {fluid_s} s");
        }
    }

    /// One shard is behind, seven are not: they send more often, and first in most minutes.
    #[test]
    fn the_last_lane_ends_a_drain_whoever_sends_first_in_a_minute() {
        let mut plant = StreamPlant::even(8, 40.0, rules(50, 1), service(100, 50_000));
        plant.shards[7].behind_ms = 3_600_000;
        let span = Span { for_ms: 4 * 3_600_000, settle_ms: 0 };
        let outcome = run(&plant, None, 1, span, &|| true).expect("not cancelled");
        let (handled_per_s, per_s) = (50.0 / 2.6, 5.0);
        let fluid_s = 3_570.0 * per_s / (handled_per_s - per_s);
        let drained_s = outcome.track.drained_s().expect("drains");
        assert!((drained_s / fluid_s - 1.0).abs() < 0.03, "{drained_s} s against {fluid_s} s");
    }

    #[test]
    fn what_arrives_is_handled_or_still_there_and_a_change_acts_when_it_says() {
        let mut plant = StreamPlant::even(4, 120.0, rules(100, 1), service(2_000, 15_000));
        plant.shards.iter_mut().for_each(|shard| shard.behind_ms = 600_000);
        assert!(plant.capacity_per_s(&plant.rules) < plant.arrivals_per_s());
        let stays = outcome(&plant, None, 3, 60);
        assert_eq!(stays.track.drained_s(), None);
        assert!(stays.handled < stays.arrived && stays.dropped == 0);
        let change = Change { acts_after_ms: 120_000, rules: rules(100, 5) };
        let changed = outcome(&plant, Some(change), 3, 60);
        assert_eq!(changed.arrived, stays.arrived, "the same arrivals for every candidate");
        assert!(changed.track.drained_s().is_some());
        let minutes = changed.track.minutes();
        assert_eq!(minutes[1].concurrency_max, 4);
        assert_eq!(minutes[3].concurrency_max, 20, "never more than shards times lanes");
        assert_eq!(changed.track.concurrency_max(), 20);
    }

    #[test]
    fn a_functions_limit_holds_its_lanes_back() {
        let mut plant = StreamPlant::even(4, 300.0, rules(100, 10), service(1_000, 5_000));
        plant.concurrency = 7;
        let outcome = outcome(&plant, None, 1, 10);
        assert_eq!(outcome.track.concurrency_max(), 7);
        assert!(outcome.track.minutes().iter().any(|minute| minute.refused > 0));
    }

    #[test]
    fn a_run_that_is_not_wanted_any_more_stops() {
        let mut plant = StreamPlant::even(16, 1_000.0, rules(10, 10), service(100, 1_000));
        plant.shards[0] = ShardLoad { per_s: 100.0, behind_ms: 60_000, items: 3 };
        assert_eq!(run(&plant, None, 1, Span::whole(3_600_000), &|| false), None);
    }
}
