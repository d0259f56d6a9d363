//! `tune`: what to change, each setting by itself. What Lambda takes together is checked against the
//! mapping, when there is one.

use crate::config::flags::tune::TuneFlags;
use crate::config::validate::consent;
use crate::config::{Action, Stop, Tune};
use crate::model::duration;
use crate::model::id::Arn;
use crate::model::mapping::MappingChange;
use crate::model::plan::RetunePlan;

pub(super) fn tune(flags: TuneFlags) -> Result<Action, Stop> {
    let change = MappingChange {
        batch_size: flags.batch_size,
        window_s: flags.window.map(|s| u32::try_from(s).unwrap_or(u32::MAX)),
        parallelization_factor: flags.parallelization_factor,
        max_concurrency: flags.max_concurrency.as_deref().map(max_concurrency).transpose()?,
        enabled: if flags.stop { Some(false) } else { flags.start.then_some(true) },
        max_retry_attempts: flags.max_retry_attempts.as_deref().map(retries).transpose()?,
        max_record_age_s: flags.max_record_age.as_deref().map(record_age).transpose()?,
        bisect: flags.bisect,
        on_failure: flags.on_failure.as_deref().map(destination).transpose()?,
    };
    let reserve = flags.reserved_concurrency.as_deref().map(reserved).transpose()?;
    if change.is_empty() && reserve.is_none() {
        return Err(Stop::fault(
            "nothing to change: give --parallelization-factor, --batch-size, --window, --max-concurrency, \
             --max-retry-attempts, --max-record-age, --bisect, --on-failure, --reserved-concurrency, --stop or --start",
        ));
    }
    let revert_after_s = match flags.revert_after {
        Some(s) if s < u64::from(RetunePlan::LEAST_REVERT_S) => {
            return Err(Stop::fault(
                "--revert-after is 15m or more: sooner the metrics cannot have said whether the change helps",
            ));
        }
        Some(s) => Some(u32::try_from(s).unwrap_or(u32::MAX)),
        None => None,
    };
    let (consent, reason) = (consent(&flags.consent), flags.reason);
    Ok(Action::Tune(Tune { target: flags.target, change, reserve, consent, reason, revert_after_s }))
}

fn max_concurrency(text: &str) -> Result<Option<u32>, Stop> {
    match text {
        "none" | "off" => Ok(None),
        _ => text.parse().map(Some).map_err(|_| wrong("--max-concurrency", text, "neither a number nor none")),
    }
}

fn reserved(text: &str) -> Result<Option<u32>, Stop> {
    match text {
        "none" => Ok(None),
        _ => text.parse().map(Some).map_err(|_| {
            wrong("--reserved-concurrency", text, "neither a whole number nor none (0 stops the function)")
        }),
    }
}

fn retries(text: &str) -> Result<i32, Stop> {
    match text {
        "forever" | "-1" => Ok(-1),
        _ => text.parse().map_err(|_| wrong("--max-retry-attempts", text, "neither a number nor forever")),
    }
}

fn record_age(text: &str) -> Result<i32, Stop> {
    match text {
        "forever" | "-1" => Ok(-1),
        _ => duration::parse(text)
            .map(|s| i32::try_from(s).unwrap_or(i32::MAX))
            .map_err(|why| Stop::fault(format!("--max-record-age: {why}, or forever"))),
    }
}

fn destination(text: &str) -> Result<Option<Arn>, Stop> {
    match text {
        "none" | "" => Ok(None),
        _ if text.starts_with("arn:") => Ok(Some(Arn::from(text))),
        _ => Err(wrong("--on-failure", text, "no ARN; write arn:aws:sqs:REGION:ACCOUNT:QUEUE, or none")),
    }
}

fn wrong(flag: &str, text: &str, why: &str) -> Stop {
    Stop::fault(format!("{flag} {text:?} is {why}"))
}
