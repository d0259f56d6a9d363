//! What the form of new settings does with a rehearsal: told as stories, by keys.

use crate::console::armed::Armed;
use crate::console::key::{Code, Key};
use crate::console::overlay::Overlay;
use crate::console::update::rehearse_stories::{arrived, open_tune, rehearsal};
use crate::console::update::trial::Trial;

#[test]
fn a_read_only_console_rehearses_and_opens_no_card() {
    let mut trial = Trial::sandbox();
    trial.console.armed = Armed::ReadOnly { locked: false };
    let generation = open_tune(&mut trial);
    let now = trial.console.now;
    arrived(&mut trial, generation, rehearsal(now));
    trial.types("r");
    assert!(trial.said().contains("this writes, and the console is read-only: W arms writes"), "{}", trial.said());
    assert!(matches!(trial.console.overlay(), Some(Overlay::Tune(_))), "no card: {:?}", trial.console.overlay());
    trial.console.armed = Armed::Always;
    trial.types("r");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Card(_))), "{:?}", trial.console.overlay());
}

#[test]
fn assumptions_are_read_to_their_end_and_choose_nothing_of_the_table_under_them() {
    let mut trial = Trial::sandbox();
    let generation = open_tune(&mut trial);
    let now = trial.console.now;
    arrived(&mut trial, generation, rehearsal(now));
    let form = |trial: &Trial| match trial.console.overlay() {
        Some(Overlay::Tune(form)) => (form.assumptions, form.focus),
        other => panic!("{other:?}"),
    };
    let before = form(&trial).1;
    trial.types("ajjj");
    assert_eq!(form(&trial), (Some(3), before));
    // So much is drawn that the second line is the first.
    trial.console.begins_with(Some(1));
    trial.types("k");
    assert_eq!(form(&trial), (Some(0), before));
    trial.press(&[Key::plain(Code::Enter)]);
    assert_eq!(form(&trial), (None, before), "enter shows the settings again and takes none");
}
