//! A queue's consumer in virtual time: the pipeline's own scaling of an SQS mapping over counts of
//! messages. What it adds is arrivals, service times and the function's concurrency.

use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;

use crate::model::mapping::MappingSettings;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::Service;
use crate::pipeline::distribution::{Distribution, below};
use crate::pipeline::mapping::queue::QueueFeed;
use crate::pipeline::rng::rng;
use crate::pipeline::timer::Timers;

/// A queue and its consumer in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuePlant {
    pub per_s: f64,
    /// Messages that wait at the start.
    pub backlog: u32,
    /// BatchSize, window and MaximumConcurrency count.
    pub settings: MappingSettings,
    pub service: Service,
    /// Runs in a million that fail: their messages come back after the visibility timeout.
    pub failure_ppm: u32,
    pub visibility_ms: i64,
    /// Runs the function may have at a time.
    pub concurrency: u32,
    /// Milliseconds between two looks at the queue; 0 sees a message the moment it arrives.
    pub tick_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueueOutcome {
    pub arrived: u64,
    pub handled: u64,
    pub runs: u64,
    pub concurrency_max: u32,
    /// From arrival to the start of the run, milliseconds.
    pub mean_wait_ms: f64,
    /// Messages waiting at the end of each minute.
    pub waiting: Vec<u64>,
    /// Seconds until nothing waited any more.
    pub drained_s: Option<f64>,
}

/// Runs the plant for `for_ms`; `tick` is asked now and then whether to go on, `None` when it said no.
pub fn run(plant: &QueuePlant, seed: u64, for_ms: i64, tick: &dyn Fn() -> bool) -> Option<QueueOutcome> {
    let mut run = QueueRun::new(plant, seed);
    let end = run.now.plus_ms(for_ms);
    let mut events = 0u32;
    while let Some((at, event)) = run.timers.take_due(end) {
        run.now = at;
        run.take(event);
        events = events.wrapping_add(1);
        if events.is_multiple_of(EVENTS_A_TICK) && !tick() {
            return None;
        }
    }
    if run.waited.1 > 0 {
        run.outcome.mean_wait_ms = run.waited.0 as f64 / run.waited.1 as f64;
    }
    Some(run.outcome)
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Arrive,
    Look,
    Ends { messages: u32, failed: bool },
    Back(u32),
    Minute,
}

struct QueueRun<'a> {
    plant: &'a QueuePlant,
    feed: QueueFeed,
    start: Timestamp,
    now: Timestamp,
    timers: Timers<Event>,
    /// Arrival in ms, and how many.
    waiting: VecDeque<(i64, u32)>,
    waiting_total: u64,
    /// When a partial batch may go.
    window_from: Timestamp,
    arrivals: ChaCha8Rng,
    service: ChaCha8Rng,
    failure: ChaCha8Rng,
    waited: (i64, u64),
    outcome: QueueOutcome,
}

impl<'a> QueueRun<'a> {
    fn new(plant: &'a QueuePlant, seed: u64) -> Self {
        let start = Timestamp::from_s(START_S);
        let mut run = QueueRun {
            feed: QueueFeed::new("rehearsed".into(), start),
            start,
            now: start,
            timers: Timers::default(),
            waiting: VecDeque::new(),
            waiting_total: 0,
            window_from: start,
            arrivals: rng(seed, "rehearsal/queue/arrivals"),
            service: rng(seed, "rehearsal/service"),
            failure: rng(seed, "rehearsal/failure"),
            waited: (0, 0),
            outcome: QueueOutcome::default(),
            plant,
        };
        run.put(plant.backlog);
        run.plan_arrival();
        run.timers.set(start.plus_ms(60_000), Event::Minute);
        if plant.tick_ms > 0 {
            run.timers.set(start, Event::Look);
        } else {
            run.look();
        }
        run
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Arrive => {
                self.put(1);
                self.plan_arrival();
                self.look_at_once();
            }
            Event::Look => {
                self.look();
                if self.plant.tick_ms > 0 {
                    self.timers.set(self.now.plus_ms(self.plant.tick_ms), Event::Look);
                }
            }
            Event::Ends { messages, failed } => {
                self.feed.running -= 1;
                if failed {
                    self.feed.back_off(&self.plant.settings);
                    self.timers.set(self.now.plus_ms(self.plant.visibility_ms), Event::Back(messages));
                } else {
                    self.outcome.handled += u64::from(messages);
                }
                // A free place takes the next batch at once.
                self.look();
            }
            Event::Back(messages) => {
                self.outcome.arrived -= u64::from(messages);
                self.put(messages);
                self.look_at_once();
            }
            Event::Minute => {
                self.outcome.waiting.push(self.waiting_total);
                self.timers.set(self.now.plus_ms(60_000), Event::Minute);
            }
        }
    }

    fn look_at_once(&mut self) {
        if self.plant.tick_ms == 0 {
            self.look();
        }
    }

    fn put(&mut self, messages: u32) {
        if messages == 0 {
            return;
        }
        if self.waiting.is_empty() {
            self.window_from = self.now;
        }
        self.waiting.push_back((self.now.ms(), messages));
        self.waiting_total += u64::from(messages);
        self.outcome.arrived += u64::from(messages);
    }

    fn plan_arrival(&mut self) {
        if self.plant.per_s > 0.0 {
            let gap_us = Distribution::Exponential((1e6 / self.plant.per_s) as u64).draw(&mut self.arrivals);
            let gap_ms = i64::try_from((gap_us + 500) / 1000).unwrap_or(i64::MAX / 4);
            self.timers.set(self.now.plus_ms(gap_ms), Event::Arrive);
        }
    }

    /// Starts as many batches as there is work and room for.
    fn look(&mut self) {
        let settings = &self.plant.settings;
        let size = settings.batch_size.unwrap_or(10).max(1);
        let window_ms = i64::from(settings.window_s.unwrap_or(0)) * 1000;
        loop {
            let backlog = usize::try_from(self.waiting_total).unwrap_or(usize::MAX);
            self.feed.scale(self.now, settings, backlog);
            let room = self.feed.room(settings).min(self.plant.concurrency.saturating_sub(self.feed.running));
            let full = self.waiting_total >= u64::from(size);
            let due = full || self.window_from.plus_ms(window_ms) <= self.now;
            if self.waiting_total == 0 || room == 0 || !due {
                break;
            }
            let messages = self.take_batch(size);
            self.start(messages);
        }
        if self.waiting_total == 0 && self.outcome.drained_s.is_none() {
            self.outcome.drained_s = Some(self.now.ms_since(self.start) as f64 / 1000.0);
        }
    }

    fn take_batch(&mut self, size: u32) -> u32 {
        let mut taken = 0;
        while let Some((arrived_ms, messages)) = self.waiting.front_mut() {
            let some = (*messages).min(size - taken);
            self.waited.0 += (self.now.ms() - *arrived_ms) * i64::from(some);
            self.waited.1 += u64::from(some);
            *messages -= some;
            taken += some;
            if *messages == 0 {
                self.waiting.pop_front();
            }
            if taken == size {
                break;
            }
        }
        self.waiting_total -= u64::from(taken);
        self.window_from = self.now;
        taken
    }

    fn start(&mut self, messages: u32) {
        let service = &self.plant.service;
        let us = service.per_run_us.draw(&mut self.service)
            + service.per_record_us.draw(&mut self.service) * u64::from(messages);
        let takes_ms = i64::try_from(us.div_ceil(1000)).unwrap_or(i64::MAX / 4).max(1);
        let ppm = u64::from(self.plant.failure_ppm);
        let failed = ppm > 0 && below(&mut self.failure, 1_000_000) < ppm;
        self.feed.running += 1;
        self.outcome.runs += 1;
        self.outcome.concurrency_max = self.outcome.concurrency_max.max(self.feed.running);
        self.timers.set(self.now.plus_ms(takes_ms), Event::Ends { messages, failed });
    }
}

/// Any moment: only differences count.
const START_S: i64 = 1_767_225_600;
/// How often `tick` is asked.
const EVENTS_A_TICK: u32 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(per_s: f64, concurrency: u32, service_ms: u64) -> QueuePlant {
        QueuePlant {
            per_s,
            backlog: 0,
            settings: MappingSettings {
                batch_size: Some(1),
                max_concurrency: Some(concurrency),
                ..MappingSettings::default()
            },
            service: Service {
                per_run_us: Distribution::Fixed(service_ms * 1000),
                per_record_us: Distribution::Fixed(0),
            },
            failure_ppm: 0,
            visibility_ms: 60_000,
            concurrency: 1_000,
            tick_ms: 0,
        }
    }

    /// Crommelin's balance for M/D/c, solved by iteration: the number in the system one service time
    /// later is what was beyond `c` plus what arrived. The mean wait follows by Little.
    fn crommelin_wait_s(per_s: f64, servers: usize, service_s: f64) -> f64 {
        const STATES: usize = 200;
        let mean = per_s * service_s;
        let mut arrivals = vec![(-mean).exp()];
        for n in 1..STATES {
            arrivals.push(arrivals[n - 1] * mean / n as f64);
        }
        let mut states = vec![1.0 / STATES as f64; STATES];
        for _ in 0..600 {
            let mut next = vec![0.0; STATES];
            for (state, chance) in states.iter().enumerate() {
                let left = state.saturating_sub(servers);
                for (arrived, likely) in arrivals.iter().enumerate().take(STATES - left) {
                    next[left + arrived] += chance * likely;
                }
            }
            states = next;
        }
        let waiting: f64 = states.iter().enumerate().map(|(n, p)| n.saturating_sub(servers) as f64 * p).sum();
        waiting / per_s
    }

    #[test]
    fn a_queue_with_so_many_places_waits_as_the_theory_says() {
        for (servers, load) in [(2u32, 0.7), (4, 0.85)] {
            let per_s = load * f64::from(servers);
            let theory_ms = crommelin_wait_s(per_s, servers as usize, 1.0) * 1000.0;
            let waits: Vec<f64> = (0..3)
                .map(|seed| {
                    run(&plant(per_s, servers, 1000), seed, 40_000_000, &|| true).expect("not cancelled").mean_wait_ms
                })
                .collect();
            let mean = waits.iter().sum::<f64>() / 3.0;
            assert!((mean / theory_ms - 1.0).abs() < 0.03, "{servers} places: {mean} ms against {theory_ms} ms");
        }
    }

    #[test]
    fn a_backlog_goes_as_fast_as_the_places_allow_and_nothing_is_lost() {
        let mut plant = plant(2.0, 10, 1000);
        plant.backlog = 4_000;
        let outcome = run(&plant, 1, 3_600_000, &|| true).expect("not cancelled");
        // Ten at a time, one second each, two arrive: 4,000 / 8 s, and a little until all ten places are there.
        let drained_s = outcome.drained_s.expect("drains");
        assert!((drained_s / 500.0 - 1.0).abs() < 0.03, "{drained_s}");
        assert_eq!(outcome.concurrency_max, 10);
        let left = outcome.waiting.last().copied().unwrap_or(0);
        assert!(outcome.arrived - outcome.handled <= left + 12, "{outcome:?}");
    }

    #[test]
    fn failures_come_back_and_are_handled_in_the_end() {
        let mut plant = plant(1.0, 5, 500);
        (plant.failure_ppm, plant.visibility_ms) = (200_000, 30_000);
        let outcome = run(&plant, 1, 36_000_000, &|| true).expect("not cancelled");
        assert!(outcome.runs as f64 > outcome.handled as f64 * 1.2);
        assert!(outcome.arrived - outcome.handled < 30, "{outcome:?}");
    }
}
