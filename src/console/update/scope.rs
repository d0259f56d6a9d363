//! What is watched: asked for on a large account, changed at any time, and what a session left for
//! this one.

use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::overlay::Overlay;
use crate::console::picker::{Names, Picker};
use crate::console::update::facts;
use crate::console::{Asked, Console};
use crate::model::finding::Severity;
use crate::model::kept::Kept;
use crate::model::observed::Observed;
use crate::model::picture::Picture;
use crate::model::scope::Scope;
use crate::model::service_error::ServiceError;

/// The names have come: a small account is watched whole, of a large one somebody says what.
pub(super) fn names(console: &mut Console, result: Result<Names, ServiceError>) -> Vec<Effect> {
    console.schedule.names.answered(result.is_ok());
    let Some(names) = facts::note(console, Asked::Names, result) else { return Vec::new() };
    let wanted = std::mem::take(&mut console.picker_wanted);
    let undecided = console.scope.is_none();
    let large = names.is_large();
    if (undecided && large) || wanted {
        let alarms = console.picture.alarms.as_ref().map(|alarms| &alarms.value);
        // Of a small account everything is watched then: that is left as it is.
        let picker = Picker::new(&names, alarms, !undecided || !large);
        console.overlays.push(Overlay::Picker(picker));
    }
    console.names = Some(names);
    if undecided && !large { choose(console, Scope::Everything) } else { Vec::new() }
}

/// The alarms have come while somebody chooses.
pub(super) fn alarms_arrived(console: &mut Console) {
    let Console { overlays, names, picture, .. } = console;
    if let (Some(Overlay::Picker(picker)), Some(names)) = (overlays.last_mut(), names) {
        picker.offer_anew(names, picture.alarms.as_ref().map(|alarms| &alarms.value));
    }
}

/// `w`: choose anew.
pub(super) fn ask(console: &mut Console) -> Vec<Effect> {
    console.picker_wanted = true;
    console.say(Severity::Note, "asking for the account's names");
    console.schedule.names.hurry();
    vec![Effect::FetchNames]
}

pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    let Some(Overlay::Picker(mut picker)) = console.overlays.pop() else { return Vec::new() };
    match (key.code, key.ctrl) {
        (Code::Esc, _) if !picker.line.text().is_empty() => {
            picker.line = Default::default();
            picker.find();
        }
        (Code::Esc, _) if picker.may_leave => return Vec::new(),
        (Code::Enter, _) => {
            let typed = picker.line.text().trim().to_owned();
            // A text that nothing offered matches is a prefix of one's own.
            let own = (!typed.is_empty()).then(|| Scope::Prefix(typed.trim_end_matches('*').to_owned()));
            if let Some(scope) = picker.chosen().map(|offer| offer.scope.clone()).or(own) {
                return choose(console, scope);
            }
        }
        (Code::Down, _) | (Code::Char('n'), true) => picker.step(1),
        (Code::Up, _) | (Code::Char('p'), true) => picker.step(-1),
        (Code::PageDown, _) => picker.step(10),
        (Code::PageUp, _) => picker.step(-10),
        _ => {
            if picker.line.edit(key) {
                picker.find();
            }
        }
    }
    console.overlays.push(Overlay::Picker(picker));
    Vec::new()
}

/// Watches another part of the account: the picture begins anew, operations go on.
fn choose(console: &mut Console, scope: Scope) -> Vec<Effect> {
    if console.scope.as_ref() == Some(&scope) {
        return Vec::new();
    }
    let old = std::mem::take(&mut console.picture);
    // Who, what was promised, and alarms are the whole account's.
    let Picture { identity, objectives, alarms, .. } = old;
    console.picture = Picture { identity, objectives, alarms, ..Picture::default() };
    console.findings.clear();
    console.missing.clear();
    console.from_cache = false;
    console.generation += 1;
    console.schedule.anew();
    console.screens = vec![crate::console::screen::Screen::Map];
    console.scope = Some(scope.clone());
    vec![Effect::Watch(scope)]
}

/// What the last session left is drawn until the account has answered; never over an answer.
pub(super) fn kept(console: &mut Console, kept: Kept) {
    if console.picture.topology.is_some() {
        return;
    }
    let at = kept.at;
    fn old<T>(value: T, at: crate::model::time::Timestamp) -> Observed<T> {
        Observed { stale: Some("from cache".to_owned()), ..Observed::new(value, at) }
    }
    let picture = &mut console.picture;
    picture.mappings = kept.mappings.into_iter().map(|one| (one.id.clone(), old(one, at))).collect();
    picture.functions = kept.functions.into_iter().map(|one| (one.name.clone(), old(one, at))).collect();
    picture.queues = kept.queues.into_iter().map(|one| (one.name.clone(), old(one, at))).collect();
    picture.topology = Some(old(kept.topology, at));
    console.from_cache = true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ConsoleOptions;
    use crate::console::msg::Msg;
    use crate::console::update::trial::Trial;

    #[test]
    fn a_choice_that_was_asked_for_before_the_names_came_can_be_left() {
        let mut trial = Trial::unread(ConsoleOptions { pick: true, ..ConsoleOptions::default() });
        trial.types("w");
        let names = Names { queues: vec!["JobDLQ".into()], ..Names::default() };
        trial.tell(Msg::NamesArrived { result: Ok(names) });
        assert_eq!(trial.console.scope, Some(Scope::Everything), "few enough to watch all");
        assert!(matches!(trial.console.overlay(), Some(Overlay::Picker(picker)) if picker.may_leave));
        trial.types("\x1b");
        assert_eq!((trial.console.overlay(), &trial.console.scope), (None, &Some(Scope::Everything)));
    }
}
