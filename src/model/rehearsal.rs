//! What a rehearsal says of a consumer: what each candidate setting would do, on which assumptions,
//! and how well the same model would have foretold the last minutes. Plain data for screens, tables
//! and JSON; every forecast is an estimate and is called one.

use serde::{Deserialize, Serialize};

use crate::model::id::{FunctionName, MappingId};
use crate::model::mapping::{MappingChange, MappingSettings, SourceKind};
use crate::model::queue::QueueCounts;
use crate::model::time::Timestamp;

/// A backlog gone in this many seconds is gone soon enough: more lanes than that takes are only paid for.
/// The same for what a finding proposes at a glance and for what a rehearsal recommends.
pub const SOON_S: f64 = 20.0 * 60.0;

/// Of many runs: a tenth lie below `p10`, half below `p50`, a tenth above `p90`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band {
    pub p10: f64,
    pub p50: f64,
    pub p90: f64,
}

impl Band {
    /// Of the values drawn; `None` of none.
    pub fn of(values: &mut [f64]) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
            // Two that never end are as far apart as one.
            if low == high { low } else { low + (high - low) * place.fract() }
        };
        Some(Band { p10: at(0.1), p50: at(0.5), p90: at(0.9) })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rehearsal {
    pub mapping: MappingId,
    /// Account time of the figures it was calibrated from.
    pub at: Timestamp,
    /// What was measured, from which metric, and what was only assumed: a line each.
    pub assumptions: Vec<String>,
    pub backtest: Option<Backtest>,
    /// Today's settings first.
    pub candidates: Vec<Candidate>,
    /// Index in `candidates`.
    pub recommended: Option<usize>,
    /// Why nothing is recommended.
    pub declined: Option<String>,
}

/// The model, calibrated from what came before, run over the last minutes that are known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    pub minutes: u32,
    /// The greatest age, milliseconds.
    pub foretold_ms: f64,
    pub seen_ms: f64,
    pub good: bool,
}

/// One setting, and what it would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub change: MappingChange,
    #[serde(flatten)]
    pub setting: Setting,
    /// Why it is not to be had: no forecast then.
    pub refused: Option<String>,
    pub forecast: Option<Forecast>,
}

/// What SQS and the topology say of the queue that a consumer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceQueue {
    pub counts: QueueCounts,
    /// When it was counted.
    pub at: Timestamp,
    pub visibility_s: u32,
    /// Other mappings that read it and are not disabled.
    pub other_readers: u32,
    /// The consumer's environment names the queue: what it handles may bring more into it.
    pub feeds_itself: bool,
    /// The other functions whose environment names the queue; sorted. Only looked for where it feeds itself.
    pub writers: Vec<FunctionName>,
    /// The first of them that runs because of what the consumer does: its runs are no measure of what
    /// comes from outside.
    pub set_off: Option<FunctionName>,
}

/// What decides how many batches run at a time, and how large they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Of a stream.
    Lanes { parallelization_factor: u32, batch_size: u32 },
    /// Of a queue; `None` is no limit.
    Places { max_concurrency: Option<u32>, batch_size: u32 },
}

impl Setting {
    /// As a mapping has it; a limit of runs counts for queues, lanes for anything else.
    pub fn of(kind: SourceKind, settings: &MappingSettings) -> Self {
        let batch_size = settings.batch_size.unwrap_or(if kind.is_queue() { 10 } else { 100 });
        if kind.is_queue() {
            return Setting::Places { max_concurrency: settings.max_concurrency, batch_size };
        }
        Setting::Lanes { parallelization_factor: settings.parallelization_factor.unwrap_or(1), batch_size }
    }

    pub fn batch_size(self) -> u32 {
        match self {
            Setting::Lanes { batch_size, .. } | Setting::Places { batch_size, .. } => batch_size,
        }
    }

    /// Of what is put into a column of [`Setting::width`].
    pub fn head(self) -> &'static str {
        match self {
            Setting::Lanes { .. } => "parallel",
            Setting::Places { .. } => "at most",
        }
    }

    /// What becomes of order whatever the setting.
    pub fn order(self) -> &'static str {
        match self {
            Setting::Lanes { .. } => "order per item is kept",
            Setting::Places { .. } => "a standard queue promises no order",
        }
    }

    /// The lanes, or the most runs at a time.
    pub fn width(self) -> String {
        match self {
            Setting::Lanes { parallelization_factor: n, .. } | Setting::Places { max_concurrency: Some(n), .. } => {
                n.to_string()
            }
            Setting::Places { max_concurrency: None, .. } => "none".to_owned(),
        }
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self {
            Setting::Lanes { .. } => "parallel",
            Setting::Places { .. } => "MaximumConcurrency",
        };
        write!(f, "{what} {}, batch {}", self.width(), self.batch_size())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The greatest age after 5, 15 and 60 minutes, milliseconds: IteratorAge of a stream's consumer,
    /// ApproximateAgeOfOldestMessage of a queue.
    pub age_ms: [Option<Band>; 3],
    /// Seconds until the backlog is gone; `None` when it does not go within [`HORIZON_S`].
    pub drain_s: Option<Band>,
    /// Share of the runs in which it does not go within the horizon, 0 to 1.
    pub never: f64,
    /// Arrivals as a share of what the setting can handle, full batches.
    pub load: f64,
    /// Runs at a time, and the limit they must fit into.
    pub concurrency_peak: u32,
    pub concurrency_limit: u32,
    /// Runs were refused for want of concurrency in most rehearsals.
    pub throttles: bool,
    /// In the first hour.
    pub invocations_per_hour: f64,
    /// Requests and duration at list price; `None` where the memory size is not known.
    pub dollars_per_hour: Option<f64>,
    /// Records a second that reach what lies behind the function while the backlog drains, and
    /// afterwards.
    pub out_per_s_peak: f64,
    pub out_per_s: f64,
    /// Predicted p99 of a run's duration, milliseconds.
    pub duration_p99_ms: f64,
    /// The greatest age by the minute, from the moment the change is made; `None` where too few runs
    /// sent anything. For comparing, not for reading: left out of JSON.
    #[serde(skip)]
    pub course_ms: Vec<Option<Band>>,
}

/// What was foretold of a change that was made: kept, to be held against what comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    /// When the change was made: where the course begins.
    pub from: Timestamp,
    pub course_ms: Vec<Option<Band>>,
    /// Seconds until the backlog is gone.
    pub drain_s: Option<Band>,
}

impl Foreseen {
    /// The band of the minute that begins at `at`, as wide as its neighbours': a datapoint's minute
    /// does not begin with the change.
    pub fn at(&self, at: Timestamp) -> Option<Band> {
        let minute = at.ms_since(self.from).div_euclid(60_000);
        let near = (minute.saturating_sub(1)..=minute.saturating_add(1)).filter_map(|n| usize::try_from(n).ok());
        let bands = near.filter_map(|n| self.course_ms.get(n).copied().flatten());
        let here = usize::try_from(minute).ok().and_then(|n| self.course_ms.get(n).copied().flatten());
        let wide = bands.reduce(|a, b| Band { p10: a.p10.min(b.p10), p50: a.p50, p90: a.p90.max(b.p90) })?;
        Some(Band { p50: here.map_or(wide.p50, |band| band.p50), ..wide })
    }
}

impl Rehearsal {
    /// The candidate that makes exactly this change of today's settings.
    pub fn candidate(&self, change: &MappingChange) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.change == *change)
    }

    pub fn recommended(&self) -> Option<&Candidate> {
        self.candidates.get(self.recommended?)
    }
}

/// How long it takes to handle what waits, milliseconds, at as many a minute as were handled in this one.
pub fn wait_ms(waiting: f64, handled_a_minute: f64) -> f64 {
    if waiting > 0.0 { waiting / handled_a_minute.max(1e-3) * 60_000.0 } else { 0.0 }
}

/// How far ahead a rehearsal looks for the end of a backlog.
pub const HORIZON_S: i64 = 8 * 3600;
/// Minutes of a forecast that are kept to be compared with what comes.
pub const COURSE_MIN: usize = 180;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_lies_between_the_values_drawn() {
        assert_eq!(Band::of(&mut []), None);
        assert_eq!(Band::of(&mut [7.0]), Some(Band { p10: 7.0, p50: 7.0, p90: 7.0 }));
        let mut values: Vec<f64> = (0..=10).map(f64::from).collect();
        assert_eq!(Band::of(&mut values), Some(Band { p10: 1.0, p50: 5.0, p90: 9.0 }));
        let foreseen = Foreseen {
            from: Timestamp::from_s(30),
            course_ms: vec![
                Some(Band { p10: 1.0, p50: 2.0, p90: 3.0 }),
                None,
                Some(Band { p10: 0.0, p50: 4.0, p90: 9.0 }),
            ],
            drain_s: None,
        };
        let at = |s| foreseen.at(Timestamp::from_s(s));
        assert_eq!(at(60), Some(Band { p10: 1.0, p50: 2.0, p90: 3.0 }), "half a minute into the first");
        assert_eq!(at(120), Some(Band { p10: 0.0, p50: 2.0, p90: 9.0 }), "as wide as both sides");
        assert_eq!((at(-120), at(600)), (None, None));
        let band = Band::of(&mut [1.0, f64::INFINITY, f64::INFINITY]).expect("values");
        assert!(band.p90.is_infinite() && !band.p50.is_nan());
    }
}
