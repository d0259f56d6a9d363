//! The switches every scenario has, and how a fault is put in words.

use crate::model::id::FunctionName;
use crate::pipeline::blueprint::{Fault, PoisonKind, SwitchBlueprint};
use crate::pipeline::standard::{JOB_WORKER, LOG_WORKER};
use crate::scenario::file::{FaultFile, How};

/// The standard switches, all off. A file may change them by name and add its own.
pub(super) fn standard() -> Vec<SwitchBlueprint> {
    let log_worker = || FunctionName::from(LOG_WORKER);
    let faults = [
        ("surge", Fault::Surge { percent: 300 }),
        ("poison", Fault::Poison { one_in: 5_000, how: PoisonKind::Exception }),
        ("slow-index", Fault::Slow { function: log_worker(), percent: 400 }),
        ("throttled", Fault::Throttled { function: log_worker(), concurrency: 1 }),
        ("failing-step", Fault::FailingStep { action: "send".to_owned(), one_in: 25 }),
        ("stopped", Fault::StoppedConsumer { function: log_worker() }),
        ("recursion-guard", Fault::RecursionGuard { function: JOB_WORKER.into() }),
    ];
    let switch =
        |(name, fault): (&str, Fault)| SwitchBlueprint { name: name.to_owned(), what: what(&fault), on: false, fault };
    faults.into_iter().map(switch).collect()
}

/// One line a person understands.
pub(super) fn what(fault: &Fault) -> String {
    match fault {
        Fault::FailingStep { action, one_in } => format!("the step {action} fails for one run in {one_in}"),
        Fault::Poison { one_in, how: PoisonKind::Exception } => {
            format!("the index refuses one event in {one_in}; LogWorker throws")
        }
        Fault::Poison { one_in, how: PoisonKind::PartialBatch } => {
            format!("the index refuses one event in {one_in}; LogWorker reports it, Errors stays 0")
        }
        Fault::Slow { function, percent } => format!("{function} takes {percent} % of its time"),
        Fault::Crowded { function, per_mille } => {
            format!("each run of {function} beyond the first makes it {per_mille} ‰ slower")
        }
        Fault::Throttled { function, concurrency: 1 } => format!("{function} may run once at a time"),
        Fault::Throttled { function, concurrency } => format!("{function} may run {concurrency} times at a time"),
        Fault::Surge { percent } => format!("requests arrive at {percent} % of their rate"),
        Fault::Broken { function } => format!("every run of {function} throws: a permission was taken from it"),
        Fault::StoppedConsumer { function } => format!("nothing is fed to {function}"),
        Fault::RecursionGuard { function } => {
            format!("{function} has RecursiveLoop=Terminate: chains end after 16 invocations")
        }
    }
}

/// # Errors
/// A figure out of range.
pub(super) fn fault(file: &FaultFile) -> Result<Fault, String> {
    let above_0 = |name: &str, value: u32| if value > 0 { Ok(value) } else { Err(format!("`{name}` must be above 0")) };
    Ok(match file {
        FaultFile::FailingStep { action, one_in } => {
            Fault::FailingStep { action: action.clone(), one_in: above_0("one_in", *one_in)? }
        }
        FaultFile::Poison { one_in, how } => Fault::Poison {
            one_in: above_0("one_in", *one_in)?,
            how: match how {
                How::Exception => PoisonKind::Exception,
                How::PartialBatch => PoisonKind::PartialBatch,
            },
        },
        FaultFile::Slow { function, percent } => {
            Fault::Slow { function: function.as_str().into(), percent: above_0("percent", *percent)? }
        }
        FaultFile::Crowded { function, per_mille } => {
            Fault::Crowded { function: function.as_str().into(), per_mille: above_0("per_mille", *per_mille)? }
        }
        FaultFile::Throttled { function, concurrency } => {
            Fault::Throttled { function: function.as_str().into(), concurrency: *concurrency }
        }
        FaultFile::Surge { percent } => Fault::Surge { percent: *percent },
        FaultFile::Broken { function } => Fault::Broken { function: function.as_str().into() },
        FaultFile::StoppedConsumer { function } => Fault::StoppedConsumer { function: function.as_str().into() },
        FaultFile::RecursionGuard { function } => Fault::RecursionGuard { function: function.as_str().into() },
    })
}
