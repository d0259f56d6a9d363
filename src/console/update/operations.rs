//! Operations at work: started, followed, paused, cancelled, and what their end means for the
//! picture. Starting is the one place that lets a confirmed plan out.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::running::{About, Effectiveness, Ended, Follow, Running};
use crate::console::screen::Screen;
use crate::console::snapshot::Snapshot;
use crate::console::update::{arm, changes, deaths, filter, held, navigation, try_one, tune};
use crate::model::change::{Change, ChangeSubject};
use crate::model::finding::Severity;
use crate::model::id::{MessageId, OperationId, QueueName, ReceiptHandle};
use crate::model::mapping::MappingState;
use crate::model::message::Message;
use crate::model::plan::RetunePlan;
use crate::model::time::Timestamp;
use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Progress, RedriveReport, Report, RetuneReport};
use crate::operation::{Command, Undertaking};
use crate::verdict::foretold::Standing;

pub(super) fn start(console: &mut Console, undertaking: Undertaking, about: About, title: String) -> Vec<Effect> {
    if !arm::allows(console, "this") {
        return Vec::new();
    }
    let id = match &undertaking {
        Undertaking::Resume(confirmed) => confirmed.plan().record.operation.clone(),
        _ => console.operation_id(),
    };
    match &about {
        About::Scan(queue) => {
            let snapshot = Snapshot::new(queue.clone(), id.clone(), console.now);
            console.snapshots.insert(queue.clone(), snapshot);
            navigation::push(console, Screen::Triage(queue.clone()));
        }
        About::Retune(plan) => drop(console.saved.insert(plan.mapping.clone(), (**plan).clone())),
        About::Redrive { .. }
        | About::MoveAll(_)
        | About::Trial { .. }
        | About::Drop { .. }
        | About::Rescue { .. }
        | About::Closing(_) => {}
    }
    console.operations.push(Running {
        id: id.clone(),
        kind: undertaking.kind(),
        title,
        about,
        started_at: console.now,
        progress: None,
        ended: None,
    });
    forget_old(console);
    vec![Effect::Start { id, undertaking }]
}

/// Keeps the operations that run and the newest of those that are over; the journal has them all.
fn forget_old(console: &mut Console) {
    let surplus = console.operations.len().saturating_sub(KEPT);
    let mut left = surplus;
    console.operations.retain(|operation| {
        operation.is_running() || left == 0 || {
            left -= 1;
            false
        }
    });
}

const KEPT: usize = 50;

/// The operation that runs on a queue, if one does: two at once would hide messages from each other.
pub(super) fn busy<'a>(console: &'a Console, queue: &QueueName) -> Option<&'a Running> {
    console.operations.iter().find(|operation| operation.is_running() && operation.queue() == Some(queue))
}

/// Says so where one does: nothing else is begun on that queue meanwhile.
pub(super) fn is_at_work(console: &mut Console, queue: &QueueName) -> bool {
    let Some(operation) = busy(console, queue) else { return false };
    let cancel = console.key_of("cancel");
    let line = format!("{} is at work: wait for it, or cancel it with {cancel}", operation.title);
    console.say(Severity::Note, line);
    true
}

pub(super) fn progressed(console: &mut Console, mut progress: Progress) -> Vec<Effect> {
    let found = std::mem::take(&mut progress.found);
    let report = progress.report.take();
    let Some(at) = console.operations.iter().position(|operation| operation.id == progress.operation) else {
        return Vec::new();
    };
    let operation = &mut console.operations[at];
    let mut effects = Vec::new();
    let mut filled = None;
    if let About::Scan(queue) = &operation.about
        && let Some(snapshot) = console.snapshots.get_mut(queue)
        && snapshot.operation == operation.id
    {
        // Their receipts are void once they are given back, and as long as the messages themselves.
        let kept = found.into_iter().map(|message| Message { receipt: ReceiptHandle::new(""), ..message });
        snapshot.add(kept.map(Arc::new));
        snapshot.line.clone_from(&progress.line);
        let messages = snapshot.spill();
        if !messages.is_empty() {
            effects.push(Effect::Spill { queue: queue.clone(), operation: operation.id.clone(), messages });
        }
        filled = Some(queue.clone());
    }
    let was_holding = operation.is_holding();
    operation.progress = Some(progress);
    let begins_to_hold = !was_holding && operation.is_holding();
    if begins_to_hold {
        held::settled(console, at);
    }
    if let Some(queue) = filled {
        effects.extend(filter::ask(console, &queue));
    }
    if let Some(report) = report {
        effects.extend(ended(console, at, report));
    }
    effects
}

fn ended(console: &mut Console, at: usize, report: Report) -> Vec<Effect> {
    let state = report.state();
    let line = match &report {
        Report::Trial(report) => report.shown(console.redaction()).line(),
        report => report.line(),
    };
    let operation = &mut console.operations[at];
    operation.ended = Some(Ended { at: console.now, well: state == EndState::Done, line: line.clone() });
    let (about, text) = (operation.about.clone(), format!("{}: {line}", operation.title));
    let severity = match state {
        EndState::Done => Severity::Good,
        EndState::Cancelled => Severity::Note,
        EndState::Partly | EndState::Failed => Severity::Warning,
    };
    console.say(severity, text);
    match (about, report) {
        (About::Scan(queue), Report::Scan(report)) => {
            if let Some(snapshot) = console.snapshots.get_mut(&queue) {
                snapshot.line = line;
                snapshot.complete = report.complete;
            }
            hurry(console, at);
            return std::iter::once(Effect::LoadJournal).chain(deaths::ask(console, &queue)).collect();
        }
        (About::Redrive { queue, ids }, Report::Redrive(report)) => redriven(console, &queue, ids, &report),
        (About::Drop { queue, ids }, Report::Drop(report)) => {
            let faults: BTreeSet<&MessageId> = report.faults.iter().map(|(id, _)| id).collect();
            without(console, &queue, ids, &faults, report.returned);
        }
        (About::Rescue { queue, ids }, Report::Rescue(report)) => {
            let faults: BTreeSet<&MessageId> = report.faults.iter().map(|(id, _)| id).collect();
            without(console, &queue, ids, &faults, report.returned);
        }
        // What was shown is not what is there now, even after a cancelled task.
        (About::MoveAll(queue), Report::MoveAll(report)) if report.moved > 0 => {
            console.snapshots.remove(&queue);
        }
        (About::Trial { queue, id }, Report::Trial(report)) => try_one::ended(console, &queue, &id, report),
        (About::Retune(plan), Report::Retune(report)) => {
            let began_at = console.operations[at].started_at;
            match plan.revert_after_s {
                // What it changed is followed since it was settled; kept, that goes on.
                Some(_) if !report.put_back => {}
                Some(_) => put_back(console, &plan, report),
                None => retuned(console, &plan, began_at, report),
            }
        }
        _ => {}
    }
    hurry(console, at);
    vec![Effect::LoadJournal]
}

/// Takes out of the snapshot what is no longer in the queue. A redrive that was cut short does not
/// say which ids it never tried; then nothing is taken out and the list says so.
fn redriven(console: &mut Console, queue: &QueueName, ids: Vec<MessageId>, report: &RedriveReport) {
    let there: BTreeSet<&MessageId> = report.faults.iter().map(|(id, _)| id).collect();
    without(console, queue, ids, &there, report.returned);
}

fn without(console: &mut Console, queue: &QueueName, ids: Vec<MessageId>, there: &BTreeSet<&MessageId>, returned: u64) {
    let Some(snapshot) = console.snapshots.get_mut(queue) else { return };
    if returned > 0 {
        snapshot.line = format!("some of these are no longer there: scan again ({})", snapshot.line);
        return;
    }
    let gone: BTreeSet<MessageId> = ids.into_iter().filter(|id| !there.contains(id)).collect();
    snapshot.remove(|id| gone.contains(id));
}

/// It is as it was: nothing was foretold of that, and there is nothing left to put back.
fn put_back(console: &mut Console, plan: &RetunePlan, report: RetuneReport) {
    retuned(console, &plan.back(), Timestamp::ZERO, report);
    console.saved.remove(&plan.mapping);
}

pub(super) fn retuned(console: &mut Console, plan: &RetunePlan, began_at: Timestamp, report: RetuneReport) {
    let mapping = &plan.mapping;
    // Before the mapping is read anew: what was rehearsed is a change of the settings it had.
    // A rehearsal knows one reserve only, the one there was.
    let foreseen = console.foreseen(mapping, &plan.change, began_at).filter(|_| plan.reserve.is_none());
    if let Some(mapping) = report.mapping {
        changes::put_mapping(console, mapping, console.now);
    }
    let Some(settled_at) = report.settled_at else { return };
    let subject = ChangeSubject::Mapping(mapping.clone());
    changes::record(console, Change { at: settled_at, subject, what: report.what.clone() });
    console.follows.retain(|follow| follow.mapping != *mapping);
    let Some(seen) = console.picture.mappings.get(mapping).map(|seen| &seen.value) else { return };
    if seen.state != MappingState::Disabled {
        console.follows.push(Follow {
            mapping: mapping.clone(),
            function: seen.function.clone(),
            what: report.what,
            reserve: plan.reserve.as_ref().map(|change| change.to),
            settled_at,
            state: Effectiveness::Awaited,
            foreseen,
            standing: Standing::NotYet,
        });
    }
    // Forecasts were of the settings it had.
    console.rehearsals.remove(mapping);
    if let Some(change) = plan.reserve.clone() {
        tune::reserve_changed(console, &change);
    }
}

/// What was acted on is looked at again at once.
fn hurry(console: &mut Console, at: usize) {
    let operation = &console.operations[at];
    let Some(queue) = operation.queue().cloned() else {
        console.schedule.hurry_mappings();
        return;
    };
    let sources: Vec<QueueName> = console
        .picture
        .queues
        .get(&queue)
        .map(|queue| queue.value.sources.iter().map(|arn| arn.resource().into()).collect())
        .unwrap_or_default();
    console.schedule.hurry_queues(std::iter::once(&queue).chain(&sources));
}

pub(super) fn broke(console: &mut Console, id: &OperationId, why: &str) -> Vec<Effect> {
    let now = console.now;
    let Some(at) = console.operations.iter().position(|operation| operation.id == *id && operation.is_running()) else {
        return Vec::new();
    };
    let operation = &mut console.operations[at];
    operation.ended = Some(Ended { at: now, well: false, line: why.to_owned() });
    let text = format!("{}: {why}", operation.title);
    let scanned = match &operation.about {
        About::Scan(queue) => Some(queue.clone()),
        _ => None,
    };
    if let Some(snapshot) = scanned.and_then(|queue| console.snapshots.get_mut(&queue)) {
        snapshot.line = why.to_owned();
    }
    console.say(Severity::Harm, text);
    hurry(console, at);
    vec![Effect::LoadJournal]
}

/// The operation that `X` means: the one about what is open, else the newest that runs.
fn meant(console: &Console) -> Option<&Running> {
    let queue = console.queue_here();
    let here = queue.and_then(|queue| busy(console, &queue));
    here.or_else(|| console.running().next_back())
}

/// The one that `p`, `<` and `>` mean: the redrive about what is open, else the newest; where none runs, what `X`
/// means.
pub(super) fn redrive_meant(console: &Console) -> Option<&Running> {
    let is_redrive = |operation: &&Running| operation.kind == Kind::Redrive;
    let here = console.queue_here().and_then(|queue| busy(console, &queue)).filter(is_redrive);
    here.or_else(|| console.running().rfind(is_redrive)).or_else(|| meant(console))
}

pub(super) fn pause(console: &mut Console) -> Vec<Effect> {
    let Some(operation) = redrive_meant(console) else {
        console.say(Severity::Note, "nothing runs");
        return Vec::new();
    };
    let (id, paused) = (operation.id.clone(), operation.is_paused());
    if operation.kind != Kind::Redrive {
        let line = format!("{} cannot pause; {} cancels it", operation.title, console.key_of("cancel"));
        console.say(Severity::Note, line);
        return Vec::new();
    }
    // To stop is always allowed; to go on is to write again.
    if paused && !arm::allows(console, "going on") {
        return Vec::new();
    }
    vec![Effect::Command(id, if paused { Command::Resume } else { Command::Pause })]
}

pub(super) fn cancel(console: &mut Console) -> Vec<Effect> {
    let Some(operation) = meant(console) else {
        console.say(Severity::Note, "nothing runs");
        return Vec::new();
    };
    let (id, line) = (operation.id.clone(), format!("cancelling: {}", operation.title));
    console.say(Severity::Note, line);
    vec![Effect::Command(id, Command::Cancel)]
}
