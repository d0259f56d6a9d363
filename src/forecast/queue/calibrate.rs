//! From what a queue and its consumer publish to a plant, and how sure that is.

use crate::forecast::calibrate::{
    LEAST_MIN, WINDOW_MIN, enough, service, siblings, spread_of_a_run, weighted_duration_ms,
};
use crate::forecast::cost::{Crowding, Meets, cost};
use crate::forecast::plant::{Ahead, stretch};
use crate::forecast::queue::arrivals::{arrivals, backlog};
use crate::forecast::queue::inflow::{Flow, Inflow, MODEL_ERROR};
use crate::forecast::queue::plant::QueuePlant;
use crate::forecast::queue::watched::{Watched, watched};
use crate::forecast::room::{self, room};
use crate::forecast::sight::{Seen, Sight};
use crate::model::mapping::SourceKind;
use crate::model::time::Timestamp;
use crate::pipeline::mapping::queue::{MOST, TICK_MS};

#[derive(Debug, Clone, PartialEq)]
pub(in crate::forecast) struct Calibration {
    pub(super) plant: QueuePlant,
    pub(super) inflow: Inflow,
    pub(super) capacity_error: f64,
    pub(super) crowding: Crowding,
    /// Runs at a time now, by Little's law.
    pub(super) runs_now: f64,
    pub(super) duration_p99_ms: f64,
    pub(super) oldest_ms: f64,
    /// A line each.
    pub(super) assumptions: Vec<String>,
}

/// From the minutes before `at`, how the consumer stands then.
///
/// # Errors
/// Why no plant can be made of what is seen, in a sentence.
pub(super) fn calibrate(sight: &Sight<'_>, minutes: &[Seen], at: Timestamp) -> Result<Calibration, String> {
    of_its_own(sight)?;
    room::any(sight.limit)?;
    let ran = enough(minutes)?;
    let all = watched(sight, minutes.to_vec());
    // A backlog that stands now: since when every minute had one.
    let since = all.iter().rev().take_while(|minute| minute.is_backlogged()).count();
    let behind = since >= BEHIND_MIN;
    let base = if behind { &all[all.len() - since..] } else { &all[..] };
    not_for_other_reasons(base)?;
    let runs = Runs::of(sight, base, behind)?;
    let room = room(sight.limit, sight.siblings, &ran, runs.at_a_time.ceil());
    let settings = sight.mapping.settings.clone();
    let places = settings.max_concurrency.unwrap_or(MOST as u32).min(room.runs);
    held_up_by(places, behind, &runs)?;
    let long: Vec<Watched> =
        watched(sight, sight.minutes(LONG_WINDOW_MIN).into_iter().filter(|seen| seen.at < at).collect());
    let arrivals = arrivals(&all).ok_or("nothing says how many messages arrive (NumberOfMessagesSent)")?;
    let sent_per_s = arrivals.per_s;
    let inflow = Inflow::of(sight.queue, &long, arrivals, runs.handled / runs.span_s);
    let Flow { per_s, chain, backlog_brings } = inflow.flow(&|_, _| 0.0);
    let counted: Vec<Seen> = long.iter().map(Watched::with_events).collect();
    let meets = Meets::Places(places);
    let cost = cost(&counted, runs.spread, runs.duration_ms, runs.fill, meets);
    let crowding = cost.crowding.share();
    let full = f64::from(settings.batch_size.unwrap_or(10).max(1));
    let grows_per_s = if behind { sent_per_s - runs.handled / runs.span_s } else { 0.0 };
    let waiting = waiting(sight, &long, at, grows_per_s);
    let plant = QueuePlant {
        per_s,
        chain,
        backlog_brings,
        backlog: backlog(&long, at, waiting, sent_per_s),
        fill: if behind { runs.fill } else { full },
        service: service(runs.spread, runs.duration_ms / stretch(crowding, meets.of(runs.at_a_time)), &cost, runs.fill),
        turnaround_ms: if behind { runs.turnaround_ms(places) } else { 0 },
        crowding,
        failed_ppm: runs.failed_ppm,
        returned_ppm: runs.returned_ppm,
        visibility_ms: lease_ms(sight),
        concurrency: room.runs,
        grown_to: runs.at_a_time.ceil() as u32,
        tick_ms: TICK_MS,
        ahead: Ahead::default(),
        settings,
    };
    let mut assumptions = inflow.sentences();
    assumptions.extend([runs.sentence(full, behind), cost.sentence(runs.fill), cost.crowding.sentence()]);
    assumptions.extend([runs.failures(plant.visibility_ms), room.sentence]);
    assumptions.extend(siblings(sight.siblings));
    assumptions.push("as many go on arriving; what waits is handed out about in order".to_owned());
    let newest_ms = long.iter().rev().find_map(|minute| minute.oldest_ms).unwrap_or(0.0);
    let oldest_ms = plant.backlog.first().map_or(0.0, |(age_ms, _)| *age_ms as f64).max(newest_ms);
    Ok(Calibration {
        inflow,
        capacity_error: runs.spread / runs.number.sqrt() + MODEL_ERROR,
        crowding: cost.crowding,
        runs_now: runs.at_a_time,
        duration_p99_ms: ran.iter().filter_map(|seen| seen.duration_p99_ms).fold(runs.duration_ms, f64::max),
        oldest_ms,
        assumptions,
        plant,
    })
}

/// Who handles how much, and how many may run at a time, can be told at all.
fn of_its_own(sight: &Sight<'_>) -> Result<(), String> {
    let alone = sight.queue.is_none_or(|queue| queue.other_readers == 0);
    if sight.mapping.kind() == SourceKind::SqsFifo {
        return Err(
            "a FIFO queue's runs at a time are bounded by its message groups, which no metric counts".to_owned()
        );
    }
    if !alone {
        return Err("another consumer reads the queue too: who handles how much is not told apart".to_owned());
    }
    Ok(())
}

/// Messages that wait while places are free wait for something else.
fn held_up_by(places: u32, behind: bool, runs: &Runs) -> Result<(), String> {
    if behind && runs.at_a_time < f64::from(places) * BUSY {
        return Err(format!(
            "messages wait while only {:.1} of the {places} runs that it may have at a time are busy: it is not \
             MaximumConcurrency that holds it up",
            runs.at_a_time
        ));
    }
    Ok(())
}

impl Watched {
    /// The function's minute, with what the queue gave out where the mapping counts no events.
    fn with_events(&self) -> Seen {
        Seen { events: self.seen.events.or(self.received), ..self.seen }
    }
}

/// A backlog that stands for refusals or failures is not answered with more runs.
fn not_for_other_reasons(base: &[Watched]) -> Result<(), String> {
    let sum = |of: fn(&Watched) -> f64| base.iter().map(of).sum::<f64>();
    let runs = sum(|minute| minute.seen.invocations.unwrap_or(0.0));
    let (failed, refused) = (sum(|minute| minute.seen.errors), sum(|minute| minute.seen.throttles));
    let share = |part: f64, of: f64| format!("{:.0} %", part / of * 100.0);
    if refused > (runs + refused) * REFUSED {
        return Err(format!(
            "{} of its runs are refused (throttles): the function's or the account's limit holds it up, not the \
             mapping's",
            share(refused, runs + refused)
        ));
    }
    if failed > runs * FAILED {
        return Err(format!("{} of its runs fail: the backlog is not one of capacity alone", share(failed, runs)));
    }
    Ok(())
}

/// What the runs were like.
struct Runs {
    span_s: f64,
    number: f64,
    handled: f64,
    duration_ms: f64,
    spread: f64,
    /// By Little's law.
    at_a_time: f64,
    fill: f64,
    failed_ppm: u32,
    returned_ppm: u32,
    estimated: bool,
}

impl Runs {
    fn of(sight: &Sight<'_>, base: &[Watched], behind: bool) -> Result<Self, String> {
        let sum = |of: fn(&Watched) -> Option<f64>| base.iter().filter_map(of).sum::<f64>();
        let seen: Vec<Seen> = base.iter().map(|minute| minute.seen).collect();
        let duration_ms = weighted_duration_ms(&seen).ok_or("Duration is not published for this function")?;
        let span_s = base.len() as f64 * 60.0;
        let received = sum(|minute| minute.received);
        let full = f64::from(sight.mapping.settings.batch_size.unwrap_or(10).max(1));
        let all_runs = sum(|minute| minute.seen.invocations).max(1.0);
        // Others' runs are among them: what the queue gave out is its own.
        let estimated = sight.siblings > 0;
        let number = if estimated { (received / full).min(all_runs).max(1.0) } else { all_runs };
        let events = if estimated { 0.0 } else { sum(|minute| minute.seen.events) };
        let given = if events > 0.0 { events } else { received };
        let fill = (given / number).clamp(1.0, full);
        let handled = sum(|minute| minute.deleted);
        let errors = sum(|minute| Some(minute.seen.errors));
        let hidden = |minute: Option<&Watched>| minute.and_then(|minute| minute.hidden).unwrap_or(0.0);
        let at_a_time = number * duration_ms / (span_s * 1000.0);
        let back = received - handled - (hidden(base.last()) - hidden(base.first()));
        // What is under way when a minute ends is no failure.
        let back = if back > 2.0 * fill * at_a_time.ceil() { back } else { 0.0 };
        let one_by_one = (back - errors * fill).max(0.0) / received.max(1.0);
        if behind && one_by_one > RETURNED {
            return Err(format!(
                "{:.0} % of what is received is not done and comes again: the backlog is not one of capacity alone",
                one_by_one * 100.0
            ));
        }
        let ppm = |share: f64| (share * 1e6).clamp(0.0, 500_000.0) as u32;
        Ok(Runs {
            span_s,
            number,
            handled,
            duration_ms,
            spread: spread_of_a_run(&seen, duration_ms),
            at_a_time,
            fill,
            failed_ppm: ppm(errors / all_runs),
            returned_ppm: ppm(one_by_one),
            estimated,
        })
    }

    /// A place that is never free begins as many runs as they and the pause between them allow.
    fn turnaround_ms(&self, places: u32) -> i64 {
        let cycle_ms = f64::from(places) * self.span_s * 1000.0 / self.number;
        (cycle_ms - self.duration_ms).clamp(0.0, self.duration_ms).round() as i64
    }

    fn sentence(&self, full: f64, behind: bool) -> String {
        let minutes = self.span_s / 60.0;
        let fill = match (self.estimated, behind) {
            (true, _) => format!("batches of {full:.0}, taken to be full, since others' runs are not told apart"),
            (_, true) => format!("{:.1} messages a run while enough wait (batch size {full:.0})", self.fill),
            (_, false) => format!("{:.1} messages a run; {full:.0} once more wait, est", self.fill),
        };
        format!(
            "{fill}; a run takes {:.0} ms (Duration, Average over {minutes:.0} minutes), {:.1} at a time",
            self.duration_ms, self.at_a_time
        )
    }

    fn failures(&self, visibility_ms: i64) -> String {
        let (failed, returned) = (f64::from(self.failed_ppm) / 1e4, f64::from(self.returned_ppm) / 1e4);
        format!(
            "{failed:.1} % of the runs fail and {returned:.1} % of the messages are answered as failed; they come again \
             after {} s",
            visibility_ms / 1000
        )
    }
}

/// Those that wait at `at`: counted then, or published for an earlier minute, what came and went since
/// added.
fn waiting(sight: &Sight<'_>, long: &[Watched], at: Timestamp, grows_per_s: f64) -> u64 {
    let counted = sight.queue.filter(|queue| at == sight.now && at.ms_since(queue.at).abs() <= FRESH_MS);
    if let Some(queue) = counted {
        return queue.counts.visible;
    }
    brought_forward(long, at, grows_per_s)
}

/// A count is of the beginning of its minute, and published some minutes later.
fn brought_forward(minutes: &[Watched], at: Timestamp, grows_per_s: f64) -> u64 {
    let newest = minutes.iter().rev().find_map(|minute| Some((minute.seen.at, minute.visible?)));
    newest.map_or(0, |(of, visible)| {
        let since_s = at.ms_since(of).max(0) as f64 / 1000.0;
        (visible + grows_per_s * since_s).max(0.0).round() as u64
    })
}

/// A batching window must not eat up the lease (aws-facts §1.8).
fn lease_ms(sight: &Sight<'_>) -> i64 {
    let visibility_s = sight.queue.map_or(30, |queue| queue.visibility_s);
    let (window_s, timeout_s) = (sight.mapping.settings.window_s.unwrap_or(0), sight.timeout_s.unwrap_or(0));
    let longer = window_s > 0 && window_s + timeout_s > visibility_s;
    i64::from(if longer { window_s + timeout_s + 30 } else { visibility_s }) * 1000
}

/// Minutes with a backlog in a row, from which on there is one to speak of.
const BEHIND_MIN: usize = 5;
/// From this share of refused or failed runs on, and of messages that come again, the backlog is not one
/// of runs at a time.
const REFUSED: f64 = 0.2;
const FAILED: f64 = 0.05;
const RETURNED: f64 = 0.2;
/// A consumer that is held up by its limit uses at least this much of it.
const BUSY: f64 = 0.7;
const LONG_WINDOW_MIN: i64 = 180;
/// A count of the queue is of now for so long.
const FRESH_MS: i64 = 120_000;
const _: () = assert!(BEHIND_MIN < LEAST_MIN && LEAST_MIN < WINDOW_MIN as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_minutes_ago_is_brought_forward() {
        let minute = |n: i64| Watched {
            seen: Seen { at: Timestamp::from_s(n * 60), ..Seen::default() },
            visible: (n < 8).then_some(100.0 + 120.0 * n as f64),
            ..Watched::default()
        };
        let minutes: Vec<Watched> = (0..10).map(minute).collect();
        let at = Timestamp::from_s(660);
        assert_eq!(brought_forward(&minutes, at, 2.0), 100 + 120 * 11, "as it grew");
        assert_eq!(brought_forward(&minutes, at, 0.0), 100 + 120 * 7, "it stands");
        assert_eq!((brought_forward(&minutes, at, -9.0), brought_forward(&[], at, 2.0)), (0, 0));
    }
}
