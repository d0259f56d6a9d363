//! What arrives from outside: requests by the load's mix, events of other services. Gaps between
//! arrivals are exponential, drawn from streams of their own.

use rand_chacha::ChaCha8Rng;

use crate::automation::event::{ActionName, EventItem, Payload, Status};
use crate::automation::identity::Identity;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::Load;
use crate::pipeline::distribution::{Distribution, below};
use crate::pipeline::history::Deed;
use crate::pipeline::ledger::RequestRef;
use crate::pipeline::rng::rng;
use crate::pipeline::schedule::Timer;

#[derive(Debug)]
pub struct Arrivals {
    requests: Flow,
    events: Flow,
    weights: Vec<u32>,
    mix: ChaCha8Rng,
    recipients: ChaCha8Rng,
}

/// One kind of arrival.
#[derive(Debug)]
struct Flow {
    per_ks: u64,
    gaps: ChaCha8Rng,
    /// The next arrival, in microseconds since 1970.
    next_us: i64,
}

/// How long a flow that stands still waits before it looks again, in milliseconds.
const STANDSTILL_MS: i64 = 1_000;

impl Arrivals {
    pub fn new(load: &Load, seed: u64, start: Timestamp) -> Self {
        let flow = |per_ks, name| Flow { per_ks, gaps: rng(seed, name), next_us: start.ms() * 1000 };
        Arrivals {
            requests: flow(load.requests_per_ks, "arrivals/requests"),
            events: flow(load.events_per_ks, "arrivals/events"),
            weights: load.mix.iter().map(|mix| mix.weight).collect(),
            mix: rng(seed, "arrivals/mix"),
            recipients: rng(seed, "arrivals/recipients"),
        }
    }

    fn draw_entry(&mut self) -> u16 {
        let total = self.weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut left = below(&mut self.mix, total);
        for (entry, weight) in (0u16..).zip(&self.weights) {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return entry,
            }
        }
        0
    }
}

impl Flow {
    /// When the next one comes, at `percent` of the usual rate; `None` when there never is one.
    fn next(&mut self, now: Timestamp, percent: u64) -> Option<Timestamp> {
        if self.per_ks == 0 {
            return None;
        }
        if percent == 0 {
            self.next_us = now.plus_ms(STANDSTILL_MS).ms() * 1000;
            return Some(now.plus_ms(STANDSTILL_MS));
        }
        // 1,000 seconds are 10⁹ microseconds.
        let mean_us = (100_000_000_000 / self.per_ks / percent).max(1);
        let gap = Distribution::Exponential(mean_us).draw(&mut self.gaps);
        self.next_us = self.next_us.saturating_add(i64::try_from(gap).unwrap_or(i64::MAX));
        Some(Timestamp::from_ms(self.next_us.div_euclid(1000)).max(now))
    }
}

impl Pipeline {
    pub(super) fn plan_request(&mut self) {
        let percent = self.faults.surge_percent();
        if let Some(at) = self.arrivals.requests.next(self.now, percent) {
            self.timers.set(at, if percent == 0 { Timer::RequestsStand } else { Timer::RequestArrives });
        }
    }

    pub(super) fn plan_event(&mut self) {
        let percent = self.faults.surge_percent();
        if let Some(at) = self.arrivals.events.next(self.now, percent) {
            self.timers.set(at, if percent == 0 { Timer::EventsStand } else { Timer::EventArrives });
        }
    }

    /// A request of the load reaches the web service: stored and answered at once.
    pub(super) fn request_arrives(&mut self) {
        let entry = self.arrivals.draw_entry();
        // Below the number of recipients, which is a u32.
        let recipient = below(&mut self.arrivals.recipients, self.bucket.recipients()) as u32;
        let run = self.ledger.next_run();
        let steps = self.bucket.mix_steps(entry).unwrap_or(0);
        self.ledger.accept(run, self.now, steps, RequestRef::Mix { entry, recipient });
        self.note(Deed::Accepted, run.number(), u64::from(recipient));
        self.tally.requests += 1;
        self.object_created(run);
        self.plan_request();
    }

    /// Another service writes an event into the table.
    pub(super) fn event_arrives(&mut self) {
        let identity: Identity = self.ledger.next_foreign();
        let event = EventItem {
            identity,
            at: self.now,
            action: ActionName::Request,
            status: Status::Processed,
            recipient: None,
            payload: Payload::None,
        };
        self.put_event(&event);
        self.plan_event();
    }
}
