//! Rehearses a consumer: calibrates it, runs each candidate often enough for a band, holds the same model
//! against what is known already, and recommends one or says why not.

use std::sync::OnceLock;

use crate::forecast::backtest::backtest;
use crate::forecast::calibrate::Calibration as StreamConsumer;
use crate::forecast::calibrate::WINDOW_MIN;
use crate::forecast::consumer::{Consumer, Proposed};
use crate::forecast::foretell::{Common, forecast};
use crate::forecast::judge::{Known, recommend};
use crate::forecast::outcome::Span;
use crate::forecast::queue::calibrate::Calibration as QueueConsumer;
use crate::forecast::sampling::{APPLIES_S, Progress, Sample, run_all};
use crate::forecast::sight::Sight;
use crate::model::mapping::MappingState;
use crate::model::rehearsal::{Candidate, HORIZON_S, Rehearsal, Setting};

/// What to rehearse, and how thoroughly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// None asks for the usual ones.
    pub candidates: Vec<Setting>,
    /// Runs of each setting; none asks for the usual number.
    pub samples: Option<u32>,
    pub seed: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Asked { candidates: Vec::new(), samples: None, seed: 1 }
    }
}

/// Rehearses what is seen. `progress` is told how many runs of how many are done, from any thread,
/// and answers whether to go on; `None` when it said no.
pub fn rehearse(sight: &Sight<'_>, asked: &Asked, progress: Progress<'_>) -> Option<Rehearsal> {
    let mut rehearsal = Rehearsal {
        mapping: sight.mapping.id.clone(),
        at: sight.now,
        assumptions: Vec::new(),
        backtest: None,
        candidates: Vec::new(),
        recommended: None,
        declined: None,
    };
    if matches!(sight.mapping.state, MappingState::Disabled | MappingState::Disabling) {
        let why = "it is stopped: nothing drains until it is started, and figures of ten minutes under way are needed";
        rehearsal.declined = Some(why.to_owned());
        return Some(rehearsal);
    }
    match sight.mapping.kind() {
        kind if kind.is_stream() => of::<StreamConsumer>(sight, asked, progress, &mut rehearsal)?,
        kind if kind.is_queue() => of::<QueueConsumer>(sight, asked, progress, &mut rehearsal)?,
        _ => rehearsal.declined = Some("only consumers of streams and queues are rehearsed".to_owned()),
    }
    Some(rehearsal)
}

/// `None` when `progress` said no.
fn of<C: Consumer>(sight: &Sight<'_>, asked: &Asked, progress: Progress<'_>, rehearsal: &mut Rehearsal) -> Option<()> {
    let consumer = match C::calibrate(sight, &sight.minutes_under_these_settings(WINDOW_MIN), sight.now) {
        Ok(consumer) => consumer,
        Err(why) => {
            rehearsal.declined = Some(why);
            return Some(());
        }
    };
    rehearsal.assumptions = consumer.assumptions().to_vec();
    let [soonest, _, middle, _, latest] = APPLIES_S;
    rehearsal
        .assumptions
        .push(format!("a change acts {soonest} to {latest} s after it is made, {middle} s in the middle"));
    rehearsal.backtest = backtest::<C>(sight, asked.seed);
    let settings = if asked.candidates.is_empty() { consumer.usual(sight) } else { with_today(sight, asked) };
    let proposed: Vec<_> = settings.into_iter().map(|setting| consumer.propose(sight, setting)).collect();
    let refused: Vec<bool> = proposed.iter().map(|proposed| proposed.refused.is_some()).collect();
    let samples = asked.samples.unwrap_or(C::SAMPLES);
    let drawn: Vec<OnceLock<Vec<Sample>>> = proposed.iter().map(|_| OnceLock::new()).collect();
    let one = |index: usize, number: u32, go_on: &dyn Fn() -> bool| {
        let lever = proposed[index].lever;
        let drawn = drawn[index].get_or_init(|| consumer.samples(lever, asked.seed, samples));
        let sample = drawn.get(number as usize)?;
        let change = consumer.change(lever, sample.acts_after_ms());
        C::play(&consumer.off(lever, sample), change, sample.seed(), SPAN, go_on)
    };
    let tracks = run_all(&refused, samples, &one, progress)?;
    rehearsal.candidates = proposed
        .into_iter()
        .zip(tracks)
        .map(|(proposed, tracks)| Candidate {
            forecast: forecast(&tracks, &common(sight, &consumer, &proposed)),
            change: proposed.change,
            setting: proposed.setting,
            refused: proposed.refused,
        })
        .collect();
    conclude(&consumer, rehearsal);
    Some(())
}

/// The settings asked for, today's before them.
fn with_today(sight: &Sight<'_>, asked: &Asked) -> Vec<Setting> {
    let today = Setting::of(sight.mapping.kind(), &sight.mapping.settings);
    let others = asked.candidates.iter().copied().filter(|setting| *setting != today);
    std::iter::once(today).chain(others).collect()
}

fn common<C: Consumer>(sight: &Sight<'_>, consumer: &C, proposed: &Proposed<C::Lever>) -> Common {
    let arrivals_per_s = consumer.arrivals_per_s();
    Common {
        load: arrivals_per_s / consumer.capacity_per_s(proposed.lever).max(1e-9),
        concurrency_limit: consumer.concurrency(),
        arrivals_per_s,
        duration_p99_ms: proposed.duration_p99_ms,
        memory_mb: sight.memory_mb,
    }
}

/// What is recommended, or why nothing is.
fn conclude(consumer: &impl Consumer, rehearsal: &mut Rehearsal) {
    let known = Known { backtest: rehearsal.backtest.as_ref(), age_ms: consumer.age_ms(), unseen: consumer.unseen() };
    match consumer.not_sure().map_or_else(|| recommend(&rehearsal.candidates, &known), Err) {
        Ok(index) => rehearsal.recommended = Some(index),
        Err(why) => rehearsal.declined = Some(why),
    }
}

const SPAN: Span = Span { for_ms: HORIZON_S * 1000, settle_ms: 3_600_000 };
