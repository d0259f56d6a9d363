//! A queue's consumer in virtual time: the pipeline's own scaling of an SQS mapping over counts of
//! messages. What it adds is arrivals, service times and the function's concurrency.

use rand_chacha::ChaCha8Rng;

use crate::forecast::chance::poisson;
use crate::forecast::outcome::Span;
use crate::forecast::plant::stretch;
use crate::forecast::queue::line::{Line, Lot};
use crate::forecast::queue::plant::{QueueChange, QueuePlant};
use crate::forecast::track::Track;
use crate::model::mapping::MappingSettings;
use crate::model::time::Timestamp;
use crate::pipeline::distribution::{Distribution, below};
use crate::pipeline::mapping::queue::QueueFeed;
use crate::pipeline::rng::rng;
use crate::pipeline::timer::Timers;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueueOutcome {
    pub track: Track,
    pub arrived: u64,
    pub handled: u64,
    /// From arrival to the start of the run, milliseconds.
    pub mean_wait_ms: f64,
    /// Seconds until nothing waited.
    pub empty_s: Option<f64>,
}

/// Runs the plant; `tick` is asked now and then whether to go on, `None` when it said no.
pub fn run(
    plant: &QueuePlant,
    change: Option<QueueChange>,
    seed: u64,
    span: Span,
    tick: &dyn Fn() -> bool,
) -> Option<QueueOutcome> {
    let mut run = QueueRun::new(plant, change, seed);
    let end = run.now.plus_ms(span.for_ms);
    let mut events = 0u32;
    while let Some((at, event)) = run.timers.take_due(end) {
        run.now = at;
        let minute = matches!(event, Event::Minute);
        run.take(event);
        events = events.wrapping_add(1);
        if events.is_multiple_of(EVENTS_A_TICK) && !tick() {
            return None;
        }
        if minute && at.ms_since(run.start) >= span.settle_ms {
            let track = &run.outcome.track;
            if track.drained_s().is_some() || track.is_hopeless() {
                break;
            }
        }
    }
    if run.waited.1 > 0 {
        run.outcome.mean_wait_ms = run.waited.0 as f64 / run.waited.1 as f64;
    }
    Some(run.outcome)
}

#[derive(Debug)]
enum Event {
    /// One arrives and is seen at once (`tick_ms` 0).
    Arrive,
    Look,
    Ends {
        lots: Vec<Lot>,
        failed: bool,
        back_at: Timestamp,
    },
    Back(Vec<Lot>),
    Minute,
    Change(Option<u32>),
}

struct QueueRun<'a> {
    plant: &'a QueuePlant,
    settings: MappingSettings,
    feed: QueueFeed,
    start: Timestamp,
    now: Timestamp,
    timers: Timers<Event>,
    line: Line,
    /// When it was last looked for arrivals.
    looked_at: Timestamp,
    /// When a partial batch may go.
    window_from: Timestamp,
    arrivals: ChaCha8Rng,
    again: ChaCha8Rng,
    fill: ChaCha8Rng,
    service: ChaCha8Rng,
    failure: ChaCha8Rng,
    waited: (i64, u64),
    outcome: QueueOutcome,
}

impl<'a> QueueRun<'a> {
    fn new(plant: &'a QueuePlant, change: Option<QueueChange>, seed: u64) -> Self {
        let start = Timestamp::from_s(START_S);
        let mut run = QueueRun {
            settings: plant.settings.clone(),
            feed: QueueFeed::new("rehearsed".into(), start).grown_to(plant.grown_to),
            start,
            now: start,
            timers: Timers::default(),
            line: Line::default(),
            looked_at: start,
            window_from: start,
            arrivals: rng(seed, "rehearsal/queue/arrivals"),
            again: rng(seed, "rehearsal/queue/again"),
            fill: rng(seed, "rehearsal/queue/fill"),
            service: rng(seed, "rehearsal/service"),
            failure: rng(seed, "rehearsal/failure"),
            waited: (0, 0),
            outcome: QueueOutcome::default(),
            plant,
        };
        for (age_ms, n) in &plant.backlog {
            run.line.arrive(start.plus_ms(-age_ms).ms(), *n, ppm(plant.backlog_brings));
            run.outcome.arrived += u64::from(*n);
        }
        if let Some(change) = change {
            run.timers.set(start.plus_ms(change.acts_after_ms), Event::Change(change.max_concurrency));
        }
        run.timers.set(start, Event::Minute);
        if plant.tick_ms > 0 {
            run.timers.set(start, Event::Look);
        } else {
            run.plan_arrival();
            run.look();
        }
        run
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Arrive => {
                self.put(1, self.plant.chain.first);
                self.plan_arrival();
                self.look();
            }
            Event::Look => {
                self.arrive_since_look();
                self.look();
                // While some wait all places are taken, and one that gets free looks by itself.
                let next_ms =
                    if self.line.total > 0 { self.plant.tick_ms.max(BUSY_TICK_MS) } else { self.plant.tick_ms };
                self.timers.set(self.now.plus_ms(next_ms), Event::Look);
            }
            Event::Ends { lots, failed, back_at } => self.ends(&lots, failed, back_at),
            Event::Back(lots) => {
                self.line.come_back(&lots);
                self.look();
            }
            Event::Change(limit) => {
                self.settings.max_concurrency = limit;
                self.look();
            }
            Event::Minute => self.minute(),
        }
    }

    /// What the queue publishes once a minute.
    fn minute(&mut self) {
        let since_ms = self.now.ms_since(self.start);
        let age_ms = self.line.oldest_ms().map_or(0, |arrived_ms| self.now.ms() - arrived_ms);
        let minute = self.outcome.track.at(since_ms);
        minute.waiting = Some(self.line.total);
        minute.age_max_ms = Some(age_ms.max(0) as f64);
        self.timers.set(self.now.plus_ms(60_000), Event::Minute);
    }

    fn put(&mut self, messages: u32, brings: f64) {
        if self.line.total == 0 {
            self.window_from = self.now;
        }
        self.line.arrive(self.now.ms(), messages, ppm(brings));
        self.outcome.arrived += u64::from(messages);
    }

    fn plan_arrival(&mut self) {
        if self.plant.per_s > 0.0 {
            let gap_us = Distribution::Exponential((1e6 / self.plant.per_s) as u64).draw(&mut self.arrivals);
            let gap_ms = i64::try_from((gap_us + 500) / 1000).unwrap_or(i64::MAX / 4);
            self.timers.set(self.now.plus_ms(gap_ms), Event::Arrive);
        }
    }

    fn arrive_since_look(&mut self) {
        let since_ms = self.now.ms_since(self.start);
        let surge = self.plant.ahead.surge.filter(|(from_ms, _)| since_ms >= *from_ms);
        let per_s = self.plant.per_s * surge.map_or(1.0, |(_, times)| times);
        let passed_s = self.now.ms_since(self.looked_at) as f64 / 1000.0;
        self.looked_at = self.now;
        let messages = poisson(&mut self.arrivals, per_s * passed_s);
        self.put(messages, self.plant.chain.first);
    }

    /// Starts as many batches as there is work and room for.
    fn look(&mut self) {
        let since_ms = self.now.ms_since(self.start);
        if self.plant.ahead.pause.is_some_and(|(from_ms, until_ms)| (from_ms..until_ms).contains(&since_ms)) {
            return;
        }
        let window_ms = i64::from(self.settings.window_s.unwrap_or(0)) * 1000;
        loop {
            let backlog = usize::try_from(self.line.total).unwrap_or(usize::MAX);
            self.feed.scale(self.now, &self.settings, backlog);
            let most = self.most_in_a_batch();
            let full = self.line.total >= u64::from(most);
            let due = full || self.window_from.plus_ms(window_ms) <= self.now;
            if self.line.total == 0 || self.feed.room(&self.settings) == 0 || !due {
                break;
            }
            if self.feed.running >= self.plant.concurrency {
                self.outcome.track.at(since_ms).refused += 1;
                break;
            }
            let lots = self.line.take(most);
            self.window_from = self.now;
            self.start(lots);
        }
        if self.line.total == 0 && self.outcome.empty_s.is_none() {
            self.outcome.empty_s = Some(since_ms as f64 / 1000.0);
        }
    }

    fn most_in_a_batch(&mut self) -> u32 {
        let whole = self.plant.fill.floor();
        let more = (self.plant.fill - whole) * 1e6;
        let one_more = more >= 1.0 && (below(&mut self.fill, 1_000_000) as f64) < more;
        (whole as u32 + u32::from(one_more)).max(1)
    }

    fn start(&mut self, lots: Vec<Lot>) {
        let messages: u32 = lots.iter().map(|lot| lot.n).sum();
        for lot in &lots {
            self.waited.0 += (self.now.ms() - lot.arrived_ms) * i64::from(lot.n);
            self.waited.1 += u64::from(lot.n);
        }
        let service = &self.plant.service;
        let us = service.per_run_us.draw(&mut self.service)
            + service.per_record_us.draw(&mut self.service) * u64::from(messages);
        self.feed.running += 1;
        let us = (us as f64 * stretch(self.plant.crowding, f64::from(self.feed.running))) as u64;
        let takes_ms = i64::try_from(us.div_ceil(1000)).unwrap_or(i64::MAX / 4).max(1);
        let ppm = u64::from(self.plant.failed_ppm);
        let failed = ppm > 0 && below(&mut self.failure, 1_000_000) < ppm;
        let minute = self.outcome.track.at(self.now.ms_since(self.start));
        minute.invocations += 1;
        minute.duration_ms += takes_ms as f64;
        minute.errors += u64::from(failed);
        minute.concurrency_max = minute.concurrency_max.max(self.feed.running);
        let back_at = self.now.plus_ms(self.plant.visibility_ms);
        let over = self.now.plus_ms(takes_ms + self.plant.turnaround_ms);
        self.timers.set(over, Event::Ends { lots, failed, back_at });
    }

    fn ends(&mut self, lots: &[Lot], failed: bool, back_at: Timestamp) {
        self.feed.running -= 1;
        if failed {
            self.feed.back_off(&self.settings);
        }
        let (mut back, mut handled, mut more) = (Vec::new(), 0, 0);
        for lot in lots {
            let returned = if failed { lot.n } else { self.returned(lot.n) };
            if returned > 0 {
                back.push(lot.of(returned));
            }
            let done = lot.of(lot.n - returned);
            self.line.done(done);
            handled += done.n;
            more += self.brought(done);
        }
        if !back.is_empty() {
            self.timers.set(back_at.max(self.now), Event::Back(back));
        }
        self.outcome.handled += u64::from(handled);
        self.outcome.track.at(self.now.ms_since(self.start)).records += u64::from(handled);
        self.put(more, self.plant.chain.later);
        // A free place takes the next batch at once.
        self.look();
    }

    /// What they bring: as many as their share, and by chance one more.
    fn brought(&mut self, done: Lot) -> u32 {
        let millionths = u64::from(done.n) * u64::from(done.brings_ppm);
        let (whole, part) = (millionths / 1_000_000, millionths % 1_000_000);
        let one_more = part > 0 && below(&mut self.again, 1_000_000) < part;
        u32::try_from(whole).unwrap_or(u32::MAX) + u32::from(one_more)
    }

    /// Of so many messages, those that are answered as failed.
    fn returned(&mut self, n: u32) -> u32 {
        match self.plant.returned_ppm {
            0 => 0,
            ppm => poisson(&mut self.failure, f64::from(n) * f64::from(ppm) / 1e6).min(n),
        }
    }
}

fn ppm(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 1e6).round() as u32
}

/// Any moment: only differences count.
const START_S: i64 = 1_767_225_600;
/// How often it is looked for arrivals while some wait anyway: half a second of age is nothing to them.
const BUSY_TICK_MS: i64 = 500;
/// How often `tick` is asked.
const EVENTS_A_TICK: u32 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::plant::Ahead;
    use crate::forecast::queue::chain::Chain;
    use crate::pipeline::blueprint::Service;

    fn plant(per_s: f64, concurrency: u32, service_ms: u64) -> QueuePlant {
        QueuePlant {
            per_s,
            chain: Chain::NEVER,
            backlog_brings: 0.0,
            backlog: Vec::new(),
            settings: MappingSettings {
                batch_size: Some(1),
                max_concurrency: Some(concurrency),
                ..MappingSettings::default()
            },
            service: Service {
                per_run_us: Distribution::Fixed(service_ms * 1000),
                per_record_us: Distribution::Fixed(0),
            },
            fill: 1.0,
            turnaround_ms: 0,
            crowding: 0.0,
            failed_ppm: 0,
            returned_ppm: 0,
            visibility_ms: 60_000,
            concurrency: 1_000,
            grown_to: 5,
            tick_ms: 0,
            ahead: Ahead::default(),
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
                    let plant = plant(per_s, servers, 1000);
                    run(&plant, None, seed, Span::whole(40_000_000), &|| true).expect("not cancelled").mean_wait_ms
                })
                .collect();
            let mean = waits.iter().sum::<f64>() / 3.0;
            assert!((mean / theory_ms - 1.0).abs() < 0.03, "{servers} places: {mean} ms against {theory_ms} ms");
        }
    }

    fn waiting(outcome: &QueueOutcome) -> u64 {
        outcome.track.minutes().iter().rev().find_map(|minute| minute.waiting).unwrap_or(0)
    }

    #[test]
    fn a_backlog_goes_as_fast_as_the_places_allow_and_nothing_is_lost() {
        let mut plant = plant(2.0, 10, 1000);
        plant.backlog = vec![(900_000, 4_000)];
        let outcome = run(&plant, None, 1, Span::whole(3_600_000), &|| true).expect("not cancelled");
        // Ten at a time, one second each, two arrive: 4,000 / 8 s, and a little until all ten places are there.
        let empty_s = outcome.empty_s.expect("drains");
        assert!((empty_s / 500.0 - 1.0).abs() < 0.03, "{empty_s}");
        // Half a minute's worth, 300 of them, is no backlog any more: 3,700 / 8 s.
        let drained_s = outcome.track.drained_s().expect("drains");
        assert!((drained_s / 462.0 - 1.0).abs() < 0.05, "{drained_s}");
        assert_eq!(outcome.track.concurrency_max(), 10);
        assert!(outcome.arrived - outcome.handled <= waiting(&outcome) + 12, "{outcome:?}");
    }

    #[test]
    fn a_consumer_that_feeds_its_queue_has_as_much_more_to_do() {
        let mut plant = plant(2.0, 10, 1000);
        (plant.chain, plant.backlog_brings, plant.tick_ms) = (Chain::alike(0.5), 0.5, 100);
        assert!((plant.arrivals_per_s() - 4.0).abs() < 1e-9);
        let outcome = run(&plant, None, 1, Span::whole(36_000_000), &|| true).expect("not cancelled");
        assert!((outcome.handled as f64 / 144_000.0 - 1.0).abs() < 0.02, "{}", outcome.handled);
        // Four of ten places are needed, and four are not enough to drain what waits.
        plant.backlog = vec![(900_000, 3_000)];
        let drained = |limit| {
            let change = QueueChange { acts_after_ms: 60_000, max_concurrency: limit };
            let outcome = run(&plant, Some(change), 1, Span::whole(7_200_000), &|| true).expect("not cancelled");
            outcome.track.drained_s()
        };
        assert_eq!(drained(Some(3)), None);
        assert!(drained(Some(20)) < drained(Some(8)) && drained(Some(8)).is_some());
    }

    #[test]
    fn failures_come_back_and_are_handled_in_the_end() {
        for (failed_ppm, returned_ppm) in [(200_000, 0), (0, 200_000)] {
            let mut plant = plant(1.0, 5, 500);
            (plant.failed_ppm, plant.returned_ppm, plant.visibility_ms) = (failed_ppm, returned_ppm, 30_000);
            let outcome = run(&plant, None, 1, Span::whole(36_000_000), &|| true).expect("not cancelled");
            let runs: u64 = outcome.track.minutes().iter().map(|minute| minute.invocations).sum();
            assert!(runs as f64 > outcome.handled as f64 * 1.2);
            assert!(outcome.arrived - outcome.handled < 30, "{}", outcome.arrived - outcome.handled);
        }
    }

    #[test]
    fn more_runs_than_the_function_may_have_are_refused() {
        let mut plant = plant(4.0, 50, 1000);
        (plant.concurrency, plant.backlog) = (3, vec![(0, 100)]);
        let outcome = run(&plant, None, 1, Span::whole(600_000), &|| true).expect("not cancelled");
        assert_eq!(outcome.track.concurrency_max(), 3);
        assert!(outcome.track.minutes().iter().all(|minute| minute.refused > 0));
    }
}
