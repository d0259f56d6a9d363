//! The function's reserve on the form of a mapping: read when the form opens, since nothing else keeps it
//! fresh, and only then typed.

use crate::console::Console;
use crate::console::key::Line;
use crate::console::overlay::{Overlay, Tunable, TuneField, TuneForm};
use crate::console::update::changes;
use crate::model::function::{FunctionAnswer, FunctionQuestion};
use crate::model::id::MappingId;
use crate::model::observed::Observed;
use crate::model::plan::RetunePlan;
use crate::model::reserve::{ReserveChange, ReserveReading};
use crate::model::time::Timestamp;
use crate::operation::reserve;

/// What was read for the form; the picture learns of it too.
pub fn arrived(console: &mut Console, at: Timestamp, mapping: &MappingId, reading: ReserveReading) {
    if let Ok(limit) = reading.reserve {
        changes::put_reserve(console, &reading.function, limit, at);
    }
    if let Some(limits) = reading.limits {
        console.picture.account_limits = Some(Observed::new(limits, at));
    }
    let forms = console.overlays.iter_mut().filter_map(|overlay| match overlay {
        Overlay::Tune(form) => Some(form),
        Overlay::Card(card) => card.form.as_mut(),
        _ => None,
    });
    for form in forms.filter(|form| form.mapping == *mapping) {
        let was = reading.reserve.as_ref().ok().copied().flatten().map(|limit| limit.to_string());
        if let Some(field) = form.fields.iter_mut().chain(&mut form.shelf).find(|field| is_reserve(field)) {
            if field.fresh {
                field.line = Line::new(was.clone().unwrap_or_default());
            }
            field.was = was;
        }
        form.reserve = Some(reading.clone());
    }
}

/// It was changed by us: what is known of the function is what was written, others have so much less, and
/// every forecast of the function was made for another limit.
pub fn changed(console: &mut Console, change: &ReserveChange) {
    let answer = Ok(FunctionAnswer::Concurrency(change.to));
    let now = console.now;
    console.picture.put_function_setting(&change.function, FunctionQuestion::Concurrency, answer, now);
    if let Some(limits) = &mut console.picture.account_limits {
        let free = limits.value.unreserved.saturating_add(change.before.unwrap_or(0));
        limits.value.unreserved = free.saturating_sub(change.to.unwrap_or(0));
    }
    let fed: Vec<MappingId> =
        console.picture.mappings_of(&change.function).map(|mapping| mapping.value.id.clone()).collect();
    fed.iter().for_each(|mapping| drop(console.rehearsals.remove(mapping)));
}

fn is_reserve(field: &TuneField) -> bool {
    field.tunable == Tunable::Reserve
}

/// What the form makes of the reserve; nothing where it stays.
pub(super) fn change(form: &TuneForm) -> Result<Option<ReserveChange>, Vec<String>> {
    let field = form.fields.iter().chain(&form.shelf).find(|field| is_reserve(field) && field.is_changed());
    let Some(field) = field else { return Ok(None) };
    let label = Tunable::Reserve.label();
    let reading = form.reserve.as_ref().ok_or_else(|| vec![format!("{label}: still being read")])?;
    let before = reading.reserve.clone().map_err(|why| vec![format!("{label}: not read: {why}")])?;
    let text = field.line.text().trim();
    let to = match text {
        "" => None,
        _ => Some(text.parse().map_err(|_| vec![format!("{label}: a whole number is needed, or nothing for none")])?),
    };
    Ok((to != before).then(|| ReserveChange { function: reading.function.clone(), before, to }))
}

pub(super) fn fault(form: &TuneForm, change: Option<&ReserveChange>) -> Option<String> {
    reserve::fault(change?, form.reserve.as_ref().and_then(|reading| reading.limits))
}

/// What puts the reserve back that `plan` changed, where it is not so already. One that is not known now
/// is taken for what the plan made of it: it is looked at again before anything is written.
pub(super) fn back(console: &Console, plan: &RetunePlan) -> Option<ReserveChange> {
    let back = plan.reserve.as_ref()?.reverse();
    let known = console.picture.function_settings.get(&back.function);
    let before = known.and_then(|seen| seen.value.reserved_concurrency.known().ok().copied()).unwrap_or(back.before);
    (before != back.to).then_some(ReserveChange { before, ..back })
}

/// For the card: what it does to others and to what feeds the function.
pub(super) fn effects(console: &Console, plan: &RetunePlan, form: Option<&TuneForm>) -> Vec<String> {
    let Some(change) = &plan.reserve else { return Vec::new() };
    let reading = form.and_then(|form| form.reserve.clone()).unwrap_or_else(|| ReserveReading {
        function: change.function.clone(),
        reserve: Ok(change.before),
        limits: console.picture.account_limits.as_ref().map(|limits| limits.value),
        shards: None,
        source: None,
    });
    reserve::effects(&console.picture, change, &reading, console.now)
}
