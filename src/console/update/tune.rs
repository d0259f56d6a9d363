//! Tuning a consumer, and stopping or starting it: the form, its judgement, its card.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key, Line};
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick, Planned, Tunable, TuneField, TuneForm};
use crate::console::rows::source_name;
use crate::console::screen::Screen;
use crate::console::update::{card, follow};
use crate::model::finding::Severity;
use crate::model::id::MappingId;
use crate::model::mapping::{Mapping, MappingChange};
use crate::model::plan::RetunePlan;
use crate::operation::confirm::Preflight;
use crate::operation::setting::validate_change;

/// `t`.
pub(super) fn open(console: &mut Console) {
    if let Some(id) = which(console, "Tune which consumer?", Pick::Tune) {
        form(console, &id);
    }
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
    let busy = console.running().any(|operation| operation.mapping() == Some(id));
    if busy || !mapping.state.is_settled() {
        // Lambda would answer ResourceInUseException (aws-facts §1.3).
        let line = format!("{} is {}: wait until that is over", mapping.function, mapping.state);
        console.say(Severity::Note, line);
        return None;
    }
    Some(mapping)
}

pub(super) fn form(console: &mut Console, id: &MappingId) {
    let Some(mapping) = settled(console, id) else { return };
    let field = |tunable: &Tunable| {
        let was = tunable.value(&mapping.settings);
        let line = Line::new(was.map(|value| value.to_string()).unwrap_or_default());
        TuneField { tunable: *tunable, line, was, fresh: true }
    };
    console.overlays.push(Overlay::Tune(TuneForm {
        mapping: id.clone(),
        name: mapping.function.to_string(),
        kind: mapping.kind(),
        before: mapping.settings.clone(),
        enabled: follow::is_enabled(&mapping),
        fields: Tunable::of(mapping.kind()).iter().map(field).collect(),
        focus: 0,
        problems: Vec::new(),
    }));
}

pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    let Some(Overlay::Tune(mut form)) = console.overlays.pop() else { return Vec::new() };
    let last = form.fields.len().saturating_sub(1);
    match key.code {
        Code::Esc => return Vec::new(),
        Code::Enter => {
            submit(console, form);
            return Vec::new();
        }
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

fn type_in(form: &mut TuneForm, key: Key) {
    let Some(field) = form.fields.get_mut(form.focus) else { return };
    let digit = key.typed().is_none_or(|c| c.is_ascii_digit());
    // Six digits hold every limit Lambda has.
    if !digit || (key.typed().is_some() && !field.fresh && field.line.text().len() >= 6) {
        return;
    }
    // The first thing typed replaces what stands there, as on a selected text.
    if field.fresh && (key.typed().is_some() || key.code == Code::Backspace) {
        field.line = Line::default();
    }
    if field.line.edit(key) {
        field.fresh = false;
    }
}

fn nudge(form: &mut TuneForm, by: i64) {
    if let Some(field) = form.fields.get_mut(form.focus) {
        let now = field.line.text().trim().parse::<i64>().unwrap_or(0);
        field.line = Line::new((now + by).clamp(0, 999_999).to_string());
        field.fresh = false;
    }
}

/// What the form changes, or which of its texts are no numbers.
fn change(form: &TuneForm) -> Result<MappingChange, Vec<String>> {
    let mut change = MappingChange::default();
    let mut problems = Vec::new();
    for field in form.fields.iter().filter(|field| field.is_changed()) {
        let text = field.line.text().trim();
        let value = match (text, field.tunable) {
            ("", Tunable::MaxConcurrency) => {
                change.max_concurrency = Some(None);
                continue;
            }
            _ => text.parse::<u32>(),
        };
        match (value, field.tunable) {
            (Err(_), tunable) => problems.push(format!("{}: a whole number is needed", tunable.label())),
            (Ok(value), Tunable::BatchSize) => change.batch_size = Some(value),
            (Ok(value), Tunable::Window) => change.window_s = Some(value),
            (Ok(value), Tunable::ParallelizationFactor) => change.parallelization_factor = Some(value),
            (Ok(value), Tunable::MaxConcurrency) => change.max_concurrency = Some(Some(value)),
        }
    }
    if problems.is_empty() { Ok(change) } else { Err(problems) }
}

fn judge(console: &Console, form: &mut TuneForm) -> Option<MappingChange> {
    let Some(mapping) = console.picture.mappings.get(&form.mapping) else {
        form.problems = vec!["the mapping was deleted meanwhile".to_owned()];
        return None;
    };
    match change(form) {
        Ok(change) => {
            let faults = validate_change(&mapping.value, &change);
            form.problems = faults.into_iter().map(|fault| fault.message).collect();
            form.problems.is_empty().then_some(change)
        }
        Err(problems) => {
            form.problems = problems;
            None
        }
    }
}

fn submit(console: &mut Console, mut form: TuneForm) {
    match judge(console, &mut form) {
        Some(change) if change.is_empty() => {
            console.say(Severity::Note, "nothing is changed");
            console.overlays.push(Overlay::Tune(form));
        }
        Some(change) => {
            let plan = RetunePlan {
                mapping: form.mapping.clone(),
                before: form.before.clone(),
                enabled_before: form.enabled,
                change,
                reason: None,
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
    };
    card_of(console, plan, None);
}

/// The card that puts back what `plan` changed.
pub(super) fn undo_card(console: &mut Console, plan: &RetunePlan) {
    let Some(mapping) = settled(console, &plan.mapping) else { return };
    let (now, before) = (&mapping.settings, &plan.before);
    let back = |changed: bool, old: Option<u32>, new: Option<u32>| old.filter(|_| changed && old != new);
    let enabled = follow::is_enabled(&mapping);
    let change = MappingChange {
        batch_size: back(plan.change.batch_size.is_some(), before.batch_size, now.batch_size),
        window_s: back(plan.change.window_s.is_some(), before.window_s, now.window_s),
        parallelization_factor: back(
            plan.change.parallelization_factor.is_some(),
            before.parallelization_factor,
            now.parallelization_factor,
        ),
        max_concurrency: (plan.change.max_concurrency.is_some() && before.max_concurrency != now.max_concurrency)
            .then_some(before.max_concurrency),
        enabled: plan.change.enabled.map(|_| plan.enabled_before).filter(|before| *before != enabled),
    };
    if change.is_empty() {
        console.say(Severity::Note, format!("{} has those settings already", mapping.function));
        return;
    }
    let undo = RetunePlan {
        mapping: plan.mapping.clone(),
        before: mapping.settings.clone(),
        enabled_before: enabled,
        change,
        reason: Some("puts the saved settings back".to_owned()),
    };
    card_of(console, undo, None);
}

fn card_of(console: &mut Console, plan: RetunePlan, form: Option<TuneForm>) {
    let mapping = console.picture.mappings.get(&plan.mapping).map(|mapping| mapping.value.clone());
    let name = mapping.as_ref().map(|mapping| mapping.function.to_string()).unwrap_or_default();
    let mut facts = card::facts(console, name);
    if let Some(mapping) = mapping {
        facts.checked.push(format!("State is {}", mapping.state));
    }
    let planned = Planned::Retune(Preflight::new(plan, &facts));
    card::show(console, planned, form);
}
