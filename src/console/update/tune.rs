//! Tuning a consumer, and stopping or starting it: the form, its judgement, its card.

mod reserve;
mod typing;

pub(super) use reserve::{arrived as reserve_arrived, changed as reserve_changed};

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key, Line};
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick, Planned, Tunable, TuneField, TuneForm};
use crate::console::rows::source_name;
use crate::console::screen::Screen;
use crate::console::update::tune::typing::{change, is_text, nudge, type_in};
use crate::console::update::{arm, card, follow, rehearse};
use crate::model::finding::Severity;
use crate::model::id::{Arn, MappingId};
use crate::model::mapping::{Mapping, MappingChange};
use crate::model::plan::RetunePlan;
use crate::model::reserve::ReserveChange;
use crate::model::time::spoken;
use crate::operation::confirm::Preflight;
use crate::operation::setting::validate_change;
use crate::operation::waiting;

/// `t`.
pub(super) fn open(console: &mut Console) -> Vec<Effect> {
    let id = which(console, "Tune which consumer?", Pick::Tune);
    id.map(|id| form(console, &id)).unwrap_or_default()
}

/// `S`.
pub(super) fn stop_start(console: &mut Console) {
    if let Some(id) = which(console, "Stop or start which consumer?", Pick::StopStart) {
        stop_start_card(console, &id);
    }
}

/// The consumer meant; when it could be several, asks.
fn which(console: &mut Console, title: &str, pick: fn(MappingId) -> Pick) -> Option<MappingId> {
    let mut ids = console.mappings_here();
    if ids.is_empty() && *console.screen() == Screen::Map {
        ids = console.picture.mappings.keys().cloned().collect();
    }
    if ids.len() > 1 {
        let options = ids.iter().filter_map(|id| console.picture.mappings.get(id)).map(|mapping| ChoiceOption {
            label: mapping.value.function.to_string(),
            detail: format!("reads {}, {}", source_name(&mapping.value), mapping.value.state),
            pick: pick(mapping.value.id.clone()),
            off: None,
        });
        let options = options.collect();
        console.overlays.push(Overlay::Choice(Choice { title: title.to_owned(), options, row: 0 }));
        return None;
    }
    let id = ids.pop();
    if id.is_none() {
        console.say(Severity::Note, "no consumer under the cursor");
    }
    id
}

/// The mapping, when it is there and nothing is under way on it; else says why not.
fn settled(console: &mut Console, id: &MappingId) -> Option<Mapping> {
    let Some(mapping) = console.picture.mappings.get(id).map(|mapping| mapping.value.clone()) else {
        console.say(Severity::Warning, "that mapping is not there any more");
        return None;
    };
    let busy = console.running().any(|operation| operation.mapping() == Some(id) && !operation.is_holding());
    if busy || !mapping.state.is_settled() {
        // Lambda would answer ResourceInUseException (aws-facts §1.3).
        let line = format!("{} is {}: wait until that is over", mapping.function, mapping.state);
        console.say(Severity::Note, line);
        return None;
    }
    Some(mapping)
}

pub(super) fn form(console: &mut Console, id: &MappingId) -> Vec<Effect> {
    let Some(mapping) = settled(console, id) else { return Vec::new() };
    let field = |tunable: &Tunable| {
        let was = tunable.value(&mapping.settings);
        let line = Line::new(was.clone().unwrap_or_default());
        TuneField { tunable: *tunable, line, was, fresh: true }
    };
    console.overlays.push(Overlay::Tune(TuneForm {
        mapping: id.clone(),
        name: mapping.function.to_string(),
        kind: mapping.kind(),
        before: mapping.settings.clone(),
        enabled: follow::is_enabled(&mapping),
        fields: Tunable::of(mapping.kind()).iter().map(field).collect(),
        shelf: Tunable::more_of(mapping.kind()).iter().map(field).collect(),
        destinations: destinations(console, &mapping),
        reserve: None,
        focus: 0,
        revert_after_s: None,
        assumptions: None,
        problems: Vec::new(),
    }));
    let mut effects = rehearse::opened(console, id);
    effects.push(Effect::FetchReserve(Box::new(mapping)));
    effects
}

/// Queues that may take pointers to what fails: standard ones, those that do so already first.
fn destinations(console: &Console, mapping: &Mapping) -> Vec<(String, Arn)> {
    let queues = console.picture.queues.values().map(|seen| &seen.value).filter(|queue| !queue.fifo);
    let mut found: Vec<(bool, String, Arn)> = queues
        .map(|queue| {
            let takes = console
                .picture
                .mappings
                .values()
                .any(|seen| seen.value.settings.on_failure.as_ref() == Some(&queue.arn));
            (!takes, queue.name.to_string(), queue.arn.clone())
        })
        .collect();
    // One that is not among them, a topic or a bucket, stays what it is.
    if let Some(arn) = &mapping.settings.on_failure
        && !found.iter().any(|(_, _, known)| known == arn)
    {
        found.push((false, arn.resource().to_owned(), arn.clone()));
    }
    found.sort();
    found.into_iter().map(|(_, name, arn)| (name, arn)).collect()
}

pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    let Some(Overlay::Tune(mut form)) = console.overlays.pop() else { return Vec::new() };
    let last = (form.fields.len() + console.candidates(&form.mapping).len()).saturating_sub(1);
    match key.code {
        // The table is not shown: nothing of it is chosen.
        _ if form.assumptions.is_some() && scroll(&mut form, key) => {}
        _ if is_text(&form, key) => type_in(&mut form, key),
        Code::Esc => {
            let stopped = rehearse::cancel(console, &form);
            if stopped.is_some() {
                console.overlays.push(Overlay::Tune(form));
            }
            return stopped.unwrap_or_default();
        }
        Code::Enter => {
            match form.candidate() {
                Some(row) => take(console, form, row),
                None => submit(console, form),
            }
            return Vec::new();
        }
        Code::Char('r') => {
            recommended(console, form);
            return Vec::new();
        }
        Code::Char('R') => {
            let effects = rehearse::ask(console, &form.mapping);
            form.focus = form.focus.min(form.fields.len().saturating_sub(1));
            console.overlays.push(Overlay::Tune(form));
            return effects;
        }
        Code::Char('m') => form.turn(),
        Code::Char('a') => form.assumptions = if form.assumptions.is_some() { None } else { Some(0) },
        Code::Char('b') => form.revert_after_s = next_revert(form.revert_after_s),
        Code::Down | Code::Tab => form.focus = (form.focus + 1).min(last),
        Code::Up | Code::BackTab => form.focus = form.focus.saturating_sub(1),
        Code::Right | Code::Char('+') => nudge(&mut form, 1),
        Code::Left | Code::Char('-') => nudge(&mut form, -1),
        _ => type_in(&mut form, key),
    }
    judge(console, &mut form);
    console.overlays.push(Overlay::Tune(form));
    Vec::new()
}

/// Whether that key moved the assumptions, or would have, or took their place on the screen back.
fn scroll(form: &mut TuneForm, key: Key) -> bool {
    let Some(first) = form.assumptions else { return false };
    form.assumptions = match key.code {
        Code::Down | Code::Char('j') => Some(first + 1),
        Code::Up | Code::Char('k') => Some(first.saturating_sub(1)),
        Code::PageDown => Some(first + PAGE),
        Code::PageUp => Some(first.saturating_sub(PAGE)),
        Code::Enter => None,
        _ => return false,
    };
    true
}

/// Lines.
const PAGE: usize = 10;

/// Off, then a quarter of an hour, half of one, one, four.
fn next_revert(now_s: Option<u32>) -> Option<u32> {
    let steps = [1, 2, 4, 16].map(|times| times * RetunePlan::LEAST_REVERT_S);
    steps.into_iter().find(|step| now_s.is_none_or(|now_s| *step > now_s))
}

/// The recommended candidate, straight to its card; `esc` there comes back to the form.
fn recommended(console: &mut Console, form: TuneForm) {
    let done = console.rehearsals.get(&form.mapping).and_then(|rehearsing| rehearsing.done());
    let why = match done {
        Some(rehearsal) => match (rehearsal.recommended, &rehearsal.declined) {
            (Some(row), _) => return take(console, form, row),
            (None, Some(why)) => format!("nothing is recommended: {why}"),
            (None, None) => "nothing is recommended".to_owned(),
        },
        None => "nothing is rehearsed yet; R rehearses".to_owned(),
    };
    console.say(Severity::Note, why);
    console.overlays.push(Overlay::Tune(form));
}

/// Puts a candidate's settings into the fields and goes on to the card.
fn take(console: &mut Console, mut form: TuneForm, row: usize) {
    let Some(candidate) = console.candidates(&form.mapping).get(row) else {
        console.overlays.push(Overlay::Tune(form));
        return;
    };
    let (setting, change, refused) = (candidate.setting, candidate.change.clone(), candidate.refused.clone());
    if let Some(why) = refused {
        console.say(Severity::Note, format!("{setting} is refused: {why}"));
        console.overlays.push(Overlay::Tune(form));
        return;
    }
    form.focus = form.fields.len() + row;
    let after = change.applied_to(&form.before);
    for field in form.fields.iter_mut().chain(&mut form.shelf) {
        let value = match field.tunable {
            Tunable::ParallelizationFactor | Tunable::MaxConcurrency | Tunable::BatchSize => {
                field.tunable.value(&after)
            }
            // What was rehearsed is this change and no other.
            _ => field.was.clone(),
        };
        field.line = Line::new(value.unwrap_or_default());
    }
    submit(console, form);
}

/// What the form comes to.
struct Wanted {
    change: MappingChange,
    reserve: Option<ReserveChange>,
}

fn judge(console: &Console, form: &mut TuneForm) -> Option<Wanted> {
    let Some(mapping) = console.picture.mappings.get(&form.mapping) else {
        form.problems = vec!["the mapping was deleted meanwhile".to_owned()];
        return None;
    };
    let wanted = change(form).and_then(|change| Ok(Wanted { change, reserve: reserve::change(form)? }));
    match wanted {
        Ok(wanted) => {
            let faults = validate_change(&mapping.value, &wanted.change);
            form.problems = faults.into_iter().map(|fault| fault.message).collect();
            form.problems.extend(reserve::fault(form, wanted.reserve.as_ref()));
            form.problems.is_empty().then_some(wanted)
        }
        Err(problems) => {
            form.problems = problems;
            None
        }
    }
}

fn submit(console: &mut Console, mut form: TuneForm) {
    match judge(console, &mut form) {
        Some(Wanted { change, reserve: None }) if change.is_empty() => {
            console.say(Severity::Note, "nothing is changed");
            console.overlays.push(Overlay::Tune(form));
        }
        Some(_) if !arm::allows(console, "this") => console.overlays.push(Overlay::Tune(form)),
        Some(Wanted { change, reserve }) => {
            let plan = RetunePlan {
                mapping: form.mapping.clone(),
                before: form.before.clone(),
                enabled_before: form.enabled,
                change,
                reason: None,
                revert_after_s: form.revert_after_s,
                reserve,
            };
            card_of(console, plan, Some(form));
        }
        None => console.overlays.push(Overlay::Tune(form)),
    }
}

pub(super) fn stop_start_card(console: &mut Console, id: &MappingId) {
    let Some(mapping) = settled(console, id) else { return };
    let enabled_before = follow::is_enabled(&mapping);
    let plan = RetunePlan {
        mapping: id.clone(),
        before: mapping.settings,
        enabled_before,
        change: MappingChange { enabled: Some(!enabled_before), ..MappingChange::default() },
        reason: None,
        revert_after_s: None,
        reserve: None,
    };
    card_of(console, plan, None);
}

/// The card that puts back what `plan` changed.
pub(super) fn undo_card(console: &mut Console, plan: &RetunePlan) {
    let Some(mapping) = settled(console, &plan.mapping) else { return };
    let enabled = follow::is_enabled(&mapping);
    let change = plan.reverse().beside(&mapping.settings, enabled);
    let reserve = reserve::back(console, plan);
    if change.is_empty() && reserve.is_none() {
        console.say(Severity::Note, format!("{} has those settings already", mapping.function));
        return;
    }
    let undo = RetunePlan {
        mapping: plan.mapping.clone(),
        before: mapping.settings.clone(),
        enabled_before: enabled,
        change,
        reason: Some("puts the saved settings back".to_owned()),
        revert_after_s: None,
        reserve,
    };
    card_of(console, undo, None);
}

/// What a rehearsal says of exactly this change.
fn foretold(console: &Console, plan: &RetunePlan) -> Vec<String> {
    let rehearsal = console.fresh_rehearsal(&plan.mapping, console.now).filter(|_| plan.reserve.is_none());
    let candidate = rehearsal.and_then(|rehearsal| rehearsal.candidate(&plan.change));
    let Some(forecast) = candidate.and_then(|candidate| candidate.forecast.as_ref()) else { return Vec::new() };
    let short = |s: f64| spoken((s * 1000.0) as i64);
    let mut lines = vec![match forecast.drain_s {
        Some(drain) if drain.p90.is_finite() => {
            format!("forecast (est): drained in {} ({}–{})", short(drain.p50), short(drain.p10), short(drain.p90))
        }
        Some(drain) => format!("forecast (est): drained in {}, or not at all", short(drain.p50)),
        None => "forecast (est): it does not drain".to_owned(),
    }];
    lines.push(format!(
        "at most {} runs at once of {}; {:.0}/s reach what lies behind it while it drains, {:.0}/s afterwards",
        forecast.concurrency_peak, forecast.concurrency_limit, forecast.out_per_s_peak, forecast.out_per_s
    ));
    lines
}

fn card_of(console: &mut Console, plan: RetunePlan, form: Option<TuneForm>) {
    let mapping = console.picture.mappings.get(&plan.mapping).map(|mapping| mapping.value.clone());
    let name = mapping.as_ref().map(|mapping| mapping.function.to_string()).unwrap_or_default();
    let mut facts = card::facts(console, name);
    facts.about = foretold(console, &plan);
    facts.about.extend(waiting::effects(&console.picture, console.now, &plan));
    facts.about.extend(reserve::effects(console, &plan, form.as_ref()));
    if let Some(mapping) = mapping {
        facts.checked.push(format!("State is {}", mapping.state));
    }
    let planned = Planned::Retune(Preflight::new(plan, &facts));
    card::show(console, planned, form);
}
