//! Retunes that are put back after a while: one that is settled is followed although it still runs,
//! and one whose process died is asked about, once. Nothing is written here.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick};
use crate::console::rows::JournalRow;
use crate::console::running::About;
use crate::console::update::operations;
use crate::model::finding::Severity;
use crate::model::id::OperationId;
use crate::model::mapping::MappingState;
use crate::model::metric::{MetricKey, Stat};
use crate::model::plan::{Plan, RetunePlan};
use crate::model::time::spoken;
use crate::operation::card::plan_lines;
use crate::operation::progress::RetuneReport;

/// The operation at `at` has just begun to hold what it changed.
pub(super) fn settled(console: &mut Console, at: usize) {
    let operation = &console.operations[at];
    let About::Retune(plan) = &operation.about else { return };
    let (plan, began_at, id) = ((**plan).clone(), operation.started_at, operation.id.clone());
    let Some(mut mapping) = console.picture.mappings.get(&plan.mapping).map(|seen| seen.value.clone()) else { return };
    mapping.settings = plan.change.applied_to(&plan.before);
    mapping.state = if plan.change.enabled == Some(false) { MappingState::Disabled } else { MappingState::Enabled };
    let report = RetuneReport {
        operation: id,
        state: crate::operation::order::EndState::Done,
        settled_at: Some(console.now),
        mapping: Some(mapping),
        what: what(&plan),
        put_back: false,
        problem: None,
        cause: None,
    };
    operations::retuned(console, &plan, began_at, report);
}

/// Asks about a retune that was to be put back while nobody ran: once in a session, when nothing else
/// has the keys.
pub(super) fn ask(console: &mut Console) {
    if !console.overlays.is_empty() || console.filtering || console.frozen_at.is_some() {
        return;
    }
    let Some(row) = overdue(console).cloned() else { return };
    let Plan::Retune(plan) = &row.plan else { return };
    // Whoever is to decide needs to know of what, and how it stands.
    let since = *console.overdue_since.get_or_insert(console.mono);
    if !is_told(console, plan) && console.mono.ms_since(since) < TOLD_WITHIN_MS {
        return;
    }
    console.asked_about.insert(row.operation.clone());
    let late_ms = plan.revert_at(row.began_at).map_or(0, |at| console.now.ms_since(at).max(0));
    let name = console.picture.mappings.get(&plan.mapping);
    let name = name.map_or_else(|| plan.mapping.to_string(), |seen| seen.value.function.to_string());
    let back = plan.back();
    let option = |label: String, detail: String, pick| ChoiceOption { label, detail, pick, off: None };
    let options = vec![
        option(format!("keep {}", what(plan)), age(console, plan), Pick::Keep(row.operation.clone())),
        option(
            format!("put it back: {}", what(&back)),
            "by way of its card; what the mapping says by then decides".to_owned(),
            Pick::PutBack(row.operation.clone()),
        ),
        option("decide later".to_owned(), "the journal keeps it open: r there".to_owned(), Pick::Nothing),
    ];
    let title = format!("{name}: was to be put back {} ago, while nothing ran", spoken(late_ms));
    console.overlays.push(Overlay::Choice(Choice { title, options, row: 0 }));
}

/// The consumer is in the picture, and how late it is has been read or cannot be.
fn is_told(console: &Console, plan: &RetunePlan) -> bool {
    let Some(seen) = console.picture.mappings.get(&plan.mapping) else { return false };
    let key = MetricKey::lambda(&seen.value.function, "IteratorAge", Stat::Maximum);
    let age = || console.picture.metrics.get(&key).is_some_and(|series| series.newest().is_some());
    !seen.value.kind().is_stream() || console.picture.metrics_error.is_some() || age()
}

/// The oldest that is due, of this account, that nobody carries out and nobody was asked about.
fn overdue(console: &Console) -> Option<&JournalRow> {
    let identity = &console.picture.identity.as_ref()?.value;
    let rows = console.journal.as_ref().ok()?;
    rows.iter().rev().find(|row| {
        let due = match &row.plan {
            Plan::Retune(plan) => plan.revert_at(row.began_at).is_some_and(|at| at <= console.now),
            _ => false,
        };
        due && row.is_cut_off()
            && (row.account.as_str(), row.region.as_str()) == (identity.account.as_str(), identity.region.as_str())
            && !console.asked_about.contains(&row.operation)
            && !console.operations.iter().any(|operation| operation.id == row.operation)
    })
}

/// `keep`: the journal closes it, and nothing else happens.
pub(super) fn keep(console: &mut Console, id: &OperationId) -> Vec<Effect> {
    console.say(Severity::Good, "the change stays; the journal says so");
    vec![Effect::CloseRecord { operation: id.clone(), line: "kept, after its time to be put back".to_owned() }]
}

fn age(console: &Console, plan: &RetunePlan) -> String {
    let Some(seen) = console.picture.mappings.get(&plan.mapping) else {
        return "its mapping is not in the picture".to_owned();
    };
    let key = MetricKey::lambda(&seen.value.function, "IteratorAge", Stat::Maximum);
    match console.picture.metrics.get(&key).and_then(|series| series.newest()) {
        Some((at, ms)) => format!("its age is {} at {} (IteratorAge)", spoken(ms as i64), at.clock()),
        None => "its age is – so far".to_owned(),
    }
}

fn what(plan: &RetunePlan) -> String {
    plan_lines(plan).join(", ")
}

/// How long the question waits for what it is about: without metrics, or without the mapping, it is asked all
/// the same.
const TOLD_WITHIN_MS: u64 = 20_000;
