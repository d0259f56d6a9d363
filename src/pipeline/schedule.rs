//! What can be due, and who does it then.

use crate::model::mapping::MappingSettings;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;

#[derive(Debug)]
pub enum Timer {
    RequestArrives,
    EventArrives,
    /// The load is switched to nothing; look again.
    RequestsStand,
    EventsStand,
    /// A shard is polled by a stream mapping.
    Poll {
        mapping: usize,
        shard: u32,
    },
    /// A lane wanted to be asked again.
    Lane {
        mapping: usize,
        shard: u32,
        lane: u32,
        at: Timestamp,
    },
    /// An SQS mapping looks at its queue.
    Tick {
        mapping: usize,
        at: Timestamp,
    },
    /// A run is over, or is cut off.
    RunEnds(u64),
    /// An asynchronous event is tried (again).
    Async(u64),
    /// A mapping's transition is over for the API.
    Settle {
        mapping: usize,
        transition: u64,
    },
    /// … and for what it does.
    Apply {
        mapping: usize,
        transition: u64,
    },
    Timeline(usize),
    /// A function gets new code.
    Deploy(usize),
    Minute,
}

impl Pipeline {
    /// Runs everything due up to `now`, in order.
    pub(super) fn run_until(&mut self, now: Timestamp) {
        loop {
            let queues_at = self.queues.poll_timeout().filter(|at| *at <= now);
            let timers_at = self.timers.next_at().filter(|at| *at <= now);
            match (queues_at, timers_at) {
                (Some(queues_at), timers_at) if timers_at.is_none_or(|at| queues_at <= at) => {
                    self.now = self.now.max(queues_at);
                    self.queues.handle_timeout(self.now, &mut self.meter);
                    self.after_queues();
                }
                (_, Some(at)) => {
                    self.now = self.now.max(at);
                    if let Some((_, timer)) = self.timers.take_due(at) {
                        self.run_timer(timer);
                    }
                }
                (_, None) => break,
            }
        }
        self.now = self.now.max(now);
    }

    fn run_timer(&mut self, timer: Timer) {
        match timer {
            Timer::RequestArrives => self.request_arrives(),
            Timer::EventArrives => self.event_arrives(),
            Timer::RequestsStand => self.plan_request(),
            Timer::EventsStand => self.plan_event(),
            Timer::Poll { mapping, shard } => self.poll_shard(mapping, shard),
            Timer::Lane { mapping, shard, lane, at } => self.wake_lane(mapping, shard, lane, at),
            Timer::Tick { mapping, at } => self.tick(mapping, at),
            Timer::RunEnds(run) => self.run_ends(run, None),
            Timer::Async(event) => self.try_async(event),
            Timer::Settle { mapping, transition } => self.settle(mapping, transition),
            Timer::Apply { mapping, transition } => self.apply(mapping, transition),
            Timer::Timeline(entry) => {
                if let Some(entry) = self.blueprint.timeline.get(entry).cloned() {
                    self.switch(&entry.switch, entry.on);
                }
            }
            Timer::Deploy(entry) => {
                let function = self.blueprint.deploys.get(entry).and_then(|(_, name)| self.functions.find(name));
                function.into_iter().for_each(|function| self.deploy(function));
            }
            Timer::Minute => self.minute(),
        }
    }

    /// Sets the first timers of a new pipeline.
    pub(super) fn begin(&mut self) {
        self.plan_request();
        self.plan_event();
        for (index, entry) in self.blueprint.timeline.iter().enumerate() {
            let after_s = i64::try_from(entry.after_s).unwrap_or(i64::MAX);
            self.timers.set(self.start.plus_s(after_s), Timer::Timeline(index));
        }
        for (index, (after_s, _)) in self.blueprint.deploys.iter().enumerate() {
            let after_s = i64::try_from(*after_s).unwrap_or(i64::MAX);
            self.timers.set(self.start.plus_s(after_s), Timer::Deploy(index));
        }
        self.timers.set(self.start.floor_to(60).plus_s(60), Timer::Minute);
        let on: Vec<String> = self.faults.shown().into_iter().filter(|s| s.on).map(|s| s.name).collect();
        for name in on {
            self.switched_on_at_start(&name);
        }
        self.after_queues();
    }

    /// Once a minute: the trim, the mappings' sign of life, what is still running, the alarms.
    fn minute(&mut self) {
        self.table.trim(self.now);
        for (mapping, gauges) in self.mappings.iter().zip(&self.mapping_gauges) {
            if let (true, Some(gauges)) = (mapping.is_acting, gauges) {
                self.meter.add(gauges.polled, self.now, 0.0);
            }
        }
        for (function, gauges) in self.functions.iter().zip(&self.function_gauges) {
            if function.running > 0 {
                self.meter.add(gauges.concurrency, self.now, f64::from(function.running));
            }
        }
        self.alarms.evaluate(self.now, &self.meter);
        self.timers.set(self.now.floor_to(60).plus_s(60), Timer::Minute);
    }

    /// Queues changed by themselves or by a caller: mappings look, the census learns what is gone.
    pub(super) fn after_queues(&mut self) {
        self.note_gone();
        for mapping in 0..self.mappings.len() {
            self.plan_tick(mapping);
        }
    }

    /// The settings and whether enabled, for a transition.
    pub(super) fn begin_transition(&mut self, mapping: usize, settings: MappingSettings, enabled: bool) {
        let takes = self.blueprint.limits.transition_ms.draw(&mut self.transitions);
        let after_ms = i64::try_from(takes).unwrap_or(i64::MAX);
        let Some(entry) = self.mappings.get_mut(mapping) else { return };
        entry.begin(settings, enabled);
        let transition = entry.transition;
        self.timers.set(self.now.plus_ms(after_ms), Timer::Settle { mapping, transition });
    }

    fn settle(&mut self, mapping: usize, transition: u64) {
        let lingers = self.blueprint.limits.linger_ms.draw(&mut self.transitions);
        let after_ms = i64::try_from(lingers).unwrap_or(i64::MAX);
        let Some(entry) = self.mappings.get_mut(mapping).filter(|entry| entry.transition == transition) else { return };
        entry.settle(self.now);
        self.timers.set(self.now.plus_ms(after_ms), Timer::Apply { mapping, transition });
        self.note(super::history::Deed::MappingChanged, mapping as u64, transition);
    }

    fn apply(&mut self, mapping: usize, transition: u64) {
        let Some(entry) = self.mappings.get_mut(mapping).filter(|entry| entry.transition == transition) else { return };
        entry.apply(self.now);
        self.wake_mapping(mapping);
    }
}
