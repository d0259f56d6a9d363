//! From what is seen to a plant, and how sure that is.

use crate::forecast::ages::{Ages, BEHIND_MS};
use crate::forecast::cost::{Cost, Meets, cost};
use crate::forecast::given_up;
use crate::forecast::items::{Lanes, expected_range};
use crate::forecast::layout::{redealt, shard_loads};
use crate::forecast::loads::{Handled, Since, loads};
use crate::forecast::plant::{Ahead, ShardLoad, StreamPlant, stretch};
use crate::forecast::room::{self, room};
use crate::forecast::sight::{Seen, Sight};
use crate::forecast::standstill;
use crate::forecast::writes::Writes;
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::Service;
use crate::pipeline::distribution::Distribution;
use crate::pipeline::stream::rules::{POLL_MS, Rules};

/// A plant, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub plant: StreamPlant,
    /// Its shards where lanes are dealt anew: as they may be, each as likely as any other.
    pub redealt: Vec<Vec<ShardLoad>>,
    /// Relative standard error of the arrivals.
    pub arrivals_error: f64,
    /// Relative standard error of what a lane handles.
    pub capacity_error: f64,
    /// Standard error of the plant's crowding.
    pub crowding_error: f64,
    /// How many items there are is known to this power of e.
    pub items_error: f64,
    /// The most runs at a time that were seen, where nothing says what more of them would do.
    pub unknown_beyond: Option<f64>,
    /// Runs at a time now, by Little's law.
    pub runs_now: f64,
    /// What a record costs was seen apart from what a run costs: the fill varied threefold.
    pub fill_varied: bool,
    pub duration_p99_ms: f64,
    /// A line each.
    pub assumptions: Vec<String>,
}

/// Minutes that a calibration looks at.
pub const WINDOW_MIN: i64 = 30;
/// Fewer minutes with figures than this say too little.
pub const LEAST_MIN: usize = 10;
/// From this share of refused runs on, lag is not one of lanes.
const REFUSED: f64 = 0.2;
/// From this share of failed runs or events on, it is not one of capacity: what fails is sent again, in
/// parts, after a while, and holds its lane up meanwhile.
const FAILED: f64 = 0.05;

/// From `minutes`, how the consumer stands at `at`: the newest of them are a few minutes older.
///
/// # Errors
/// Why no plant can be made of what is seen, in a sentence.
pub fn calibrate(sight: &Sight<'_>, minutes: &[Seen], at: Timestamp) -> Result<Calibration, String> {
    room::any(sight.limit)?;
    let seen = enough(minutes)?;
    not_for_other_reasons(&seen)?;
    let rules = Rules::of(&sight.mapping.settings);
    given_up::never_settles(&seen, &rules).map_or(Ok(()), Err)?;
    let shards = shards(sight, &seen, &rules);
    let window = Window::of(&seen, at, f64::from(shards.number) * f64::from(rules.lanes))?;
    let window = window.timed_by(&sight.minutes_under_these_settings(LONG_WINDOW_MIN), at);
    let fill = fill(&seen, &rules, window.saturated);
    let failed_events: f64 = seen.iter().map(|seen| seen.failed_events).sum();
    let out_per_s = (window.runs * fill.mean - failed_events).max(0.0) / window.span_s;
    let records = (out_per_s * window.span_s).max(1.0);
    let Window { spread, runs, lanes, .. } = window;
    let lanes_seen = Lanes { number: lanes, records: lanes / records, runs: spread * spread * lanes / runs };
    let long: Vec<Seen> = sight.minutes(LONG_WINDOW_MIN).into_iter().filter(|seen| seen.at < at).collect();
    let writes = Writes::of(&long, at);
    let handled = Handled { per_s: out_per_s, from_s: window.from_s, to_s: window.to_s, shards: shards.number };
    let loads = loads(&window.ages, &handled, &lanes_seen, writes.as_ref(), Since::of(&long, at));
    if let Some(why) = loads.unlikely() {
        return Err(why);
    }
    let cost = cost(&long, spread, window.duration_ms, fill.mean, Meets::Lanes);
    let crowding = cost.crowding.share();
    let own = if window.saturated { lanes } else { window.runs_now.ceil() };
    let room = room(sight.limit, sight.siblings, &seen, own);
    let held = window.saturated.then_some(fill.mean * f64::from(rules.lanes));
    let plant = StreamPlant {
        shards: shard_loads(&window.ages, &loads, shards.number, held, 1.0),
        rules,
        service: service(spread, window.duration_ms / stretch(crowding, window.runs_now), &cost, fill.mean),
        turnaround_ms: window.turnaround_ms.round() as i64,
        failure_ppm: failures(&seen, runs),
        record_bytes: 500,
        concurrency: room.runs,
        poll_ms: POLL_MS,
        crowding,
        past: writes.as_ref().map(Writes::past).unwrap_or_default(),
        ahead: Ahead::default(),
        dealt: None,
    };
    let mut assumptions =
        vec![loads.sentence(), fill.sentence, shards.sentence, cost.sentence(fill.mean), cost.crowding.sentence()];
    assumptions.extend([window.sentence(), room.sentence]);
    assumptions.extend(siblings(sight.siblings));
    assumptions.push(loads.until());
    let redealt = redealt(&window.ages, &loads, shards.number, rules.lanes, held);
    Ok(Calibration {
        plant,
        redealt,
        // What was handled and how the age moved err together: what is left is how many happened to come.
        arrivals_error: (1.0 / records + 0.25 * spread * spread / runs + loads.error()).sqrt() + MODEL_ERROR,
        capacity_error: spread / window.timed.runs.sqrt() + MODEL_ERROR,
        crowding_error: cost.crowding.error(),
        items_error: loads.items_error(),
        unknown_beyond: cost.crowding.unknown_beyond().map(|runs| runs.max(window.runs_now)),
        runs_now: window.runs_now,
        fill_varied: cost.seen,
        duration_p99_ms: seen.iter().filter_map(|seen| seen.duration_p99_ms).fold(window.duration_ms, f64::max),
        assumptions,
    })
}

/// The minutes with runs, where they are enough.
pub(super) fn enough(minutes: &[Seen]) -> Result<Vec<Seen>, String> {
    if minutes.len() < LEAST_MIN {
        return Err(format!(
            "there are figures of only {} minutes since its settings last acted or it began to run; {LEAST_MIN} are needed: \
             ask again in about {} m",
            minutes.len(),
            LEAST_MIN - minutes.len()
        ));
    }
    let seen: Vec<Seen> = minutes.iter().copied().filter(|seen| seen.invocations.is_some_and(|n| n > 0.0)).collect();
    if seen.len() < LEAST_MIN {
        return Err(format!(
            "only {} of the last {} minutes have figures under the present settings; {LEAST_MIN} are needed",
            seen.len(),
            minutes.len()
        ));
    }
    Ok(seen)
}

pub(super) fn siblings(number: u32) -> Option<String> {
    (number > 0).then(|| {
        let others = if number == 1 { "another mapping feeds".to_owned() } else { format!("{number} others feed") };
        format!(
            "{others} the same function: its runs are in Invocations, Duration and IteratorAge too, and not told apart"
        )
    })
}

/// What the runs of the window were like.
struct Window {
    ages: Ages,
    /// Seconds before the moment of the calibration, and how long it was.
    from_s: f64,
    to_s: f64,
    span_s: f64,
    runs: f64,
    lanes: f64,
    duration_ms: f64,
    /// The runs whose duration that is, and in how many minutes they were.
    timed: Timed,
    /// Every lane was busy all the time.
    saturated: bool,
    turnaround_ms: f64,
    spread: f64,
    /// Runs at a time, by Little's law.
    runs_now: f64,
}

#[derive(Debug, Clone, Copy)]
struct Timed {
    runs: f64,
    minutes: usize,
}

impl Window {
    /// What a run takes, by as many minutes as all lanes have been busy in: one is told from a longer time with
    /// less chance in it, unless its runs took another time then.
    fn timed_by(self, minutes: &[Seen], at: Timestamp) -> Self {
        let before = minutes.iter().rev().skip_while(|seen| seen.at >= at);
        let busy = before.take_while(|seen| seen.age_min_ms.is_some_and(|ms| ms > BEHIND_MS));
        let busy: Vec<Seen> = busy.copied().filter(|seen| seen.invocations.is_some_and(|n| n > 0.0)).collect();
        let runs: f64 = busy.iter().filter_map(|seen| seen.invocations).sum();
        let Some(duration_ms) = weighted_duration_ms(&busy).filter(|_| self.saturated && runs > self.runs) else {
            return self;
        };
        let error = self.spread * (1.0 / self.runs - 1.0 / runs).sqrt();
        if (duration_ms / self.duration_ms - 1.0).abs() > ALIKE_ERRORS * error {
            return self;
        }
        let cycle_ms = self.lanes * busy.len() as f64 * 60_000.0 / runs;
        Window {
            duration_ms,
            timed: Timed { runs, minutes: busy.len() },
            turnaround_ms: (cycle_ms - duration_ms).clamp(0.0, duration_ms),
            ..self
        }
    }

    fn of(seen: &[Seen], at: Timestamp, lanes: f64) -> Result<Self, String> {
        let span_s = seen.len() as f64 * 60.0;
        let runs: f64 = seen.iter().filter_map(|seen| seen.invocations).sum();
        let duration_ms = weighted_duration_ms(seen).ok_or("Duration is not published for this function")?;
        let ages = Ages::of(seen, at);
        let saturated = ages.all_behind && runs > 0.0;
        // A lane that is never idle sends as often as its runs and the pause between them allow.
        let cycle_ms = if saturated { lanes * span_s * 1000.0 / runs } else { duration_ms };
        let before_s = |moment: Timestamp| moment.ms_since(at) as f64 / 1000.0;
        let (first, last) = seen.first().zip(seen.last()).map_or((at, at), |(a, b)| (a.at, b.at.plus_s(60)));
        Ok(Window {
            ages,
            from_s: before_s(first),
            to_s: before_s(last),
            span_s,
            runs: runs.max(1.0),
            lanes,
            duration_ms,
            timed: Timed { runs: runs.max(1.0), minutes: seen.len() },
            saturated,
            turnaround_ms: if saturated { (cycle_ms - duration_ms).clamp(0.0, duration_ms) } else { 0.0 },
            spread: spread_of_a_run(seen, duration_ms),
            runs_now: runs * duration_ms / (span_s * 1000.0),
        })
    }

    fn sentence(&self) -> String {
        let minutes = self.timed.minutes;
        let ms = self.turnaround_ms;
        let until = if ms >= 1.0 { format!(" and {ms:.0} ms until the next") } else { String::new() };
        format!("a full batch takes {:.0} ms{until} (Duration, Average over {minutes} minutes)", self.duration_ms)
    }
}

/// Lag that stands for errors or throttles is not answered with lanes.
fn not_for_other_reasons(seen: &[Seen]) -> Result<(), String> {
    let runs: f64 = seen.iter().filter_map(|seen| seen.invocations).sum();
    let failed: f64 = seen.iter().map(|seen| seen.errors).sum();
    let refused: f64 = seen.iter().map(|seen| seen.throttles).sum();
    let share = |part: f64, of: f64| format!("{:.0} %", part / of * 100.0);
    if refused > (runs + refused) * REFUSED {
        return Err(format!(
            "{} of its runs are refused (throttles): the lag is not one of lanes",
            share(refused, runs + refused)
        ));
    }
    if failed > runs * FAILED {
        return Err(format!("{} of its runs fail: the lag is not one of capacity alone", share(failed, runs)));
    }
    let events: f64 = seen.iter().filter_map(|seen| seen.events).sum();
    let failed_events: f64 = seen.iter().map(|seen| seen.failed_events).sum();
    if failed_events > events * FAILED {
        return Err(format!(
            "{} of the records sent fail and come again (FailedInvokeEventCount): the lag is not one of capacity alone",
            share(failed_events, events)
        ));
    }
    if standstill::of_one_lane(seen) {
        return Err("one lane stands still while the others are up to date: the lag is not one of capacity, and no \
                    setting of lanes or batches moves what it stands at"
            .to_owned());
    }
    Ok(())
}

struct Shards {
    number: u32,
    sentence: String,
}

fn shards(sight: &Sight<'_>, seen: &[Seen], rules: &Rules) -> Shards {
    if let Some(number) = sight.shards.filter(|number| *number > 0) {
        return Shards { number, sentence: format!("{number} open shards (DescribeStream)") };
    }
    // Every busy lane of a shard that is behind holds one run.
    let most = seen.iter().filter_map(|seen| seen.concurrency_max).fold(1.0, f64::max);
    let number = ((most / f64::from(rules.lanes)).round() as u32).max(1);
    Shards { number, sentence: format!("{number} shards, est from {most:.0} concurrent runs; not read") }
}

pub(super) fn weighted_duration_ms(seen: &[Seen]) -> Option<f64> {
    let pairs: Vec<(f64, f64)> =
        seen.iter().filter_map(|seen| Some((seen.duration_avg_ms?, seen.invocations?))).collect();
    let runs: f64 = pairs.iter().map(|(_, runs)| runs).sum();
    (runs > 0.0).then(|| pairs.iter().map(|(ms, runs)| ms * runs).sum::<f64>() / runs)
}

struct Fill {
    mean: f64,
    sentence: String,
}

fn fill(seen: &[Seen], rules: &Rules, saturated: bool) -> Fill {
    let pairs: Vec<(f64, f64)> = seen.iter().filter_map(|seen| Some((seen.events?, seen.invocations?))).collect();
    let runs: f64 = pairs.iter().map(|(_, runs)| runs).sum();
    if runs > 0.0 {
        let mean = pairs.iter().map(|(events, _)| events).sum::<f64>() / runs;
        return Fill { mean, sentence: format!("{mean:.1} records a run (InvokedEventCount ÷ Invocations)") };
    }
    let mean = f64::from(rules.batch_size);
    let why = if saturated { "full while it is behind" } else { "taken to be full, though it is not behind" };
    Fill { mean, sentence: format!("{mean:.0} records a run: batches {why}, est; the mapping does not count events") }
}

/// Durations lie about their mean as widely as the shortest and the longest say.
pub(super) fn service(spread: f64, duration_ms: f64, cost: &Cost, fill: f64) -> Service {
    // Two parts drawn apart are less spread together than each alone.
    let per_record_ms = cost.per_record_ms.min(duration_ms / fill.max(1.0));
    let by_record = (per_record_ms * fill / duration_ms.max(1e-9)).clamp(0.0, 1.0);
    let spread = spread / by_record.hypot(1.0 - by_record);
    let around = |mean_ms: f64| {
        let (mean_us, half_us) = (mean_ms * 1000.0, (mean_ms * spread * 1.7 * 1000.0).min(mean_ms * 1000.0));
        Distribution::Uniform((mean_us - half_us).max(0.0) as u64, (mean_us + half_us) as u64)
    };
    Service { per_run_us: around((duration_ms - per_record_ms * fill).max(0.0)), per_record_us: around(per_record_ms) }
}

/// Relative standard deviation of one run, from the extremes of the minutes.
pub(super) fn spread_of_a_run(seen: &[Seen], duration_ms: f64) -> f64 {
    let mean_of = |of: fn(&Seen) -> Option<f64>| {
        let values: Vec<f64> = seen.iter().filter_map(of).collect();
        if values.is_empty() { duration_ms } else { values.iter().sum::<f64>() / values.len() as f64 }
    };
    let range = mean_of(|seen| seen.duration_max_ms) - mean_of(|seen| seen.duration_min_ms);
    // Few runs show less of how widely they lie; many of what is not normal show no more than four deviations.
    let runs = mean_of(|seen| seen.invocations).max(2.0);
    (range / duration_ms.max(1.0) / expected_range(runs).min(4.0)).clamp(0.0, 1.0)
}

fn failures(seen: &[Seen], invocations: f64) -> u32 {
    let failed: f64 = seen.iter().map(|seen| seen.errors).sum();
    (failed / invocations.max(1.0) * 1e6).clamp(0.0, 500_000.0) as u32
}

/// So many standard errors apart, runs of two times are not alike.
const ALIKE_ERRORS: f64 = 3.0;
/// Where fills vary, they vary over hours.
const LONG_WINDOW_MIN: i64 = 180;
/// What no figure shows: a model is not the thing. Over 135 consumers of the bench arrivals were 0.4 % and
/// runs 0.6 % off, all in all.
const MODEL_ERROR: f64 = 0.005;
