//! `dlq redrive`: what goes together.

use crate::config::flags::redrive::RedriveFlags;
use crate::config::validate::consent;
use crate::config::{Action, Canary, Rate, Redrive, Stop, Which};

pub(super) fn redrive(flags: RedriveFlags) -> Result<Action, Stop> {
    let rate = rate_of(flags.rate.as_deref())?;
    if let (true, Rate::Most(rate)) = (flags.all, rate)
        && !(rate.fract() == 0.0 && (1.0..=MAX_TASK_RATE).contains(&rate))
    {
        return Err(Stop::fault(format!(
            "--rate {rate} with --all: a message move task takes a whole number from 1 to {MAX_TASK_RATE}, or off"
        )));
    }
    if flags.limit == Some(0) {
        return Err(Stop::fault("--limit 0 moves nothing"));
    }
    if let Some(lanes) = flags.lanes.filter(|lanes| !(1..=MAX_LANES).contains(lanes)) {
        return Err(Stop::fault(format!("--lanes {lanes} is not between 1 and {MAX_LANES}")));
    }
    if flags.canary.contains(&0) {
        return Err(Stop::fault("--canary: a rung of 0 messages tells nothing; give 1,5,20,100"));
    }
    if flags.edit.as_deref().is_some_and(|program| program.trim().is_empty()) {
        return Err(Stop::fault("--edit: a jq program is needed, as '.body.to = \"a@b.c\"'"));
    }
    let mut ids = flags.id;
    ids.sort();
    ids.dedup();
    let what = match (flags.all, ids.is_empty()) {
        (true, _) => Which::All,
        (false, false) => Which::Ids(ids),
        (false, true) => Which::Found { limit: flags.limit },
    };
    let canary = match (flags.no_canary, flags.canary.is_empty()) {
        (true, _) => Canary::Off,
        (false, true) => Canary::Default,
        (false, false) => Canary::Rungs(flags.canary),
    };
    Ok(Action::Redrive(Redrive {
        queue: flags.queue,
        expression: flags.expression.filter(|text| !text.trim().is_empty()),
        what,
        edit: flags.edit,
        reveal: flags.reveal,
        stale: flags.stale,
        rate,
        lanes: flags.lanes,
        canary,
        mark: !flags.no_mark,
        reason: flags.reason,
        output: flags.output.output,
        consent: consent(&flags.consent),
    }))
}

fn rate_of(text: Option<&str>) -> Result<Rate, Stop> {
    let Some(text) = text else { return Ok(Rate::Derived) };
    match text.parse::<f64>() {
        _ if matches!(text, "off" | "none") => Ok(Rate::Off),
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(Rate::Most(rate)),
        _ => Err(Stop::fault(format!("--rate {text:?} is neither a number of messages a second nor off"))),
    }
}

/// `MaxNumberOfMessagesPerSecond` (aws-facts §3.5).
const MAX_TASK_RATE: f64 = 500.0;
/// More bring no more throughput and only more to take back.
const MAX_LANES: u32 = 16;
