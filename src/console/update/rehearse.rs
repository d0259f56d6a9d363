//! A rehearsal beside the form of new settings: asked for when the form opens, told how far it is,
//! cancelled with `esc`. It runs elsewhere and changes nothing.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::overlay::{Overlay, TuneForm};
use crate::console::rehearsal::{RehearsalAsk, Rehearsing, RehearsingState};
use crate::model::finding::Severity;
use crate::model::id::MappingId;
use crate::model::rehearsal::{Rehearsal, Setting};

/// When the form opens: what is known and fresh is shown, anything else is rehearsed.
pub(super) fn opened(console: &mut Console, id: &MappingId) -> Vec<Effect> {
    let fresh = console.fresh_rehearsal(id, console.now).is_some_and(|rehearsal| {
        let now = console.picture.mappings.get(id).map(|mapping| &mapping.value);
        let today = rehearsal.candidates.first();
        // Settings somebody changed since make it another consumer.
        today.is_none_or(|today| now.is_some_and(|now| Setting::of(now.kind(), &now.settings) == today.setting))
    });
    let under_way = console.rehearsals.get(id).is_some_and(Rehearsing::is_under_way);
    if fresh || under_way { Vec::new() } else { ask(console, id) }
}

/// Asks for one, in place of any that is under way.
pub(super) fn ask(console: &mut Console, id: &MappingId) -> Vec<Effect> {
    let Some(mapping) = console.picture.mappings.get(id).map(|mapping| mapping.value.clone()) else {
        return Vec::new();
    };
    if !mapping.kind().is_stream() && !mapping.kind().is_queue() {
        return Vec::new();
    }
    console.rehearsed += 1;
    let generation = console.rehearsed;
    for other in console.rehearsals.values_mut().filter(|other| other.is_under_way()) {
        other.state = RehearsingState::Cancelled;
    }
    console.rehearsals.insert(id.clone(), Rehearsing { generation, state: RehearsingState::Reading });
    let ask = RehearsalAsk::of(&console.picture, mapping, generation);
    vec![Effect::Rehearse(Box::new(ask))]
}

/// `esc` on the form: first what runs, then the form.
pub(super) fn cancel(console: &mut Console, form: &TuneForm) -> Option<Vec<Effect>> {
    let rehearsing = console.rehearsals.get_mut(&form.mapping).filter(|rehearsing| rehearsing.is_under_way())?;
    rehearsing.state = RehearsingState::Cancelled;
    Some(vec![Effect::StopRehearsing])
}

pub(super) fn progressed(console: &mut Console, id: &MappingId, generation: u64, (done, of): (usize, usize)) {
    if let Some(rehearsing) = current(console, id, generation) {
        rehearsing.state = RehearsingState::Running { done, of };
    }
}

pub(super) fn arrived(console: &mut Console, id: &MappingId, generation: u64, result: Result<Rehearsal, String>) {
    let Some(rehearsing) = current(console, id, generation) else { return };
    rehearsing.state = match result {
        Ok(rehearsal) => RehearsingState::Done(Box::new(rehearsal)),
        Err(why) => RehearsingState::Failed(why),
    };
    let shown = matches!(console.overlay(), Some(Overlay::Tune(form)) if form.mapping == *id);
    if !shown {
        let name = console.picture.mappings.get(id).map_or("the consumer", |seen| seen.value.function.as_str());
        let line = format!("{name} is rehearsed: t shows it");
        console.say(Severity::Note, line);
    }
}

/// The one that is awaited: an older one, or one that was cancelled, has nothing to say.
fn current<'a>(console: &'a mut Console, id: &MappingId, generation: u64) -> Option<&'a mut Rehearsing> {
    console.rehearsals.get_mut(id).filter(|known| known.generation == generation && known.is_under_way())
}
