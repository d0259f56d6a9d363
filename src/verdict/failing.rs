//! Runs that end in an error, and events that fail although the run ends well.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::FunctionName;
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::bound::Bound;
use crate::verdict::wanted::{errors, failed_events, invocations};
use crate::verdict::window::{positive_since, total};
use crate::verdict::wording::{count, percent, remedy};

/// Minutes looked back over.
const MINUTES: i64 = 15;
/// Fewer failures than this in the window are worth no line.
const FEWEST: f64 = 3.0;
/// From this share of runs on it is a warning.
const WARNS: f64 = 0.01;

/// How soon it speaks.
pub const BOUND: Bound = Bound::SUDDEN;

pub fn check(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    let runs = total(picture, now, &invocations(function), MINUTES).map_or(0.0, |total| total.sum);
    let failed = total(picture, now, &errors(function), MINUTES).map_or(0.0, |total| total.sum);
    let partial: f64 = picture
        .mappings_of(function)
        .filter_map(|observed| total(picture, now, &failed_events(&observed.value), MINUTES))
        .map(|total| total.sum)
        .sum();
    if failed < FEWEST && partial < FEWEST {
        return None;
    }
    let share = failed / runs.max(failed).max(1.0);
    let mut evidence = Vec::new();
    if failed > 0.0 {
        evidence.push(format!(
            "{} of {} runs in {MINUTES} m ended in an error ({})",
            count(failed),
            count(runs.max(failed)),
            percent(share)
        ));
    }
    if partial > 0.0 {
        let hidden = if failed == 0.0 { "; Errors stays 0: the handler reports them itself" } else { "" };
        evidence.push(format!("{} events failed in {MINUTES} m (FailedInvokeEventCount){hidden}", count(partial)));
    }
    evidence.push("sums leave out the newest three minutes".to_owned());
    Some(Finding {
        rule: "failing".to_owned(),
        severity: if share >= WARNS || partial >= FEWEST { Severity::Warning } else { Severity::Note },
        subject: Subject::Function(function.clone()),
        headline: if failed > 0.0 {
            format!("{function} is failing: {} of its runs", percent(share))
        } else {
            format!("{function} fails some of its events")
        },
        since: picture.metrics.get(&errors(function)).filter(|_| failed > 0.0).and_then(positive_since),
        evidence,
        remedies: vec![remedy("logs", format!("logs of {function}"))],
    })
}
