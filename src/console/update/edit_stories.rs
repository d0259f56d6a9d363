//! An edit from its key to the card, as state and effects.

use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::msg::Msg;
use crate::console::overlay::{Card, Overlay, Planned};
use crate::console::update::trial::Trial;
use crate::operation::Undertaking;
use crate::query::edit;
use crate::query::edits::Edits;
use crate::query::jq::Program;

fn scanned() -> Trial {
    let mut trial = Trial::sandbox();
    trial.scanned(6);
    trial
}

#[test]
fn one_message_is_edited_looked_at_and_redriven_with_its_new_body() {
    let mut trial = scanned();
    trial.types("e");
    let Some(Overlay::Editor(editor)) = trial.console.overlay() else { panic!("no editor: {}", trial.said()) };
    assert!(editor.text.lines().len() > 3, "a member a line");
    let before = editor.message.clone();
    trial.press(&[Key::ctrl('s')]);
    assert!(matches!(trial.console.overlay(), Some(Overlay::Editor(editor)) if editor.wrong.is_some()), "unchanged");
    trial.press(&[Key::plain(Code::Down), Key::plain(Code::End), Key::plain(Code::Backspace)]);
    trial.press(&[Key::ctrl('s')]);
    let Some(Overlay::Editor(editor)) = trial.console.overlay() else { panic!("it is no JSON any more") };
    assert!(editor.wrong.as_deref().is_some_and(|why| why.contains("line 3")), "{:?}", editor.wrong);
    trial.types(",");
    trial.press(&[Key::plain(Code::Left), Key::plain(Code::Left)]);
    trial.types("X");
    trial.press(&[Key::ctrl('s')]);
    let Some(Overlay::Edited(view)) = trial.console.overlay() else { panic!("nothing to look at") };
    let body = view.edits.bodies[&before.id].clone();
    assert!(body.contains('X') && !body.contains('\n') && body != before.body, "{body}");
    trial.types("\n");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card: {}", trial.said()) };
    assert!(matches!(card.planned, Planned::Edited(..)));
    assert!(card.planned.card().scope.iter().any(|line| line.contains("edited by hand")), "{:?}", card.planned.card());
    trial.wait_ms(Card::DEAF_MS);
    trial.types("\x1b");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Edited(_))), "esc goes back to what was edited");
    trial.types("\n");
    trial.wait_ms(Card::DEAF_MS);
    let effects = trial.types("\n");
    let [Effect::Start { undertaking: Undertaking::Edited(confirmed, bodies), .. }] = effects.as_slice() else {
        panic!("not started: {effects:?}; {}", trial.said())
    };
    assert_eq!((confirmed.plan().ids.len(), &bodies[&before.id]), (1, &body));
    assert!(trial.console.overlay().is_none(), "nothing is left open");
}

#[test]
fn one_edited_message_is_tried_with_its_new_body_and_its_card_shows_what_differs() {
    let mut trial = scanned();
    trial.types("e");
    trial.press(&[Key::plain(Code::Down), Key::plain(Code::End), Key::plain(Code::Left), Key::plain(Code::Left)]);
    trial.types("X");
    trial.press(&[Key::ctrl('s')]);
    let Some(Overlay::Edited(view)) = trial.console.overlay() else { panic!("nothing to look at: {}", trial.said()) };
    let (id, body) = view.edits.bodies.iter().next().map(|(id, body)| (id.clone(), body.clone())).expect("one");
    trial.types("c");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card: {}", trial.said()) };
    let text = card.planned.card();
    assert!(text.title.contains("edited") && text.scope.iter().any(|line| line.contains("by hand")), "{text:?}");
    let differs = |sign: &str| text.about.iter().any(|line| line.starts_with(sign));
    assert!(differs("- ") && differs("+ "), "{:?}", text.about);
    trial.wait_ms(Card::DEAF_MS);
    let effects = trial.types("\n");
    let [Effect::Start { undertaking: Undertaking::TryEdited(confirmed, given), .. }] = effects.as_slice() else {
        panic!("not started: {effects:?}; {}", trial.said())
    };
    assert_eq!((&confirmed.plan().id, given), (&id, &body));
    assert!(confirmed.plan().edit.as_ref().is_some_and(|edit| edit.sha256.contains_key(&id)));
    assert!(trial.console.overlays.is_empty(), "nothing is left open");
}

#[test]
fn of_several_edited_messages_none_is_tried() {
    let mut trial = scanned();
    trial.types("*e.body.x=1\n");
    let Some(Overlay::Prompt(_)) = trial.console.overlay() else {
        let bodies = ["m-0", "m-1"].map(|id| (id.into(), "{}".to_owned())).into();
        let edits = Edits { bodies, ..Edits::default() };
        trial.tell(Msg::Edited { queue: "JobDLQ".into(), program: ".body.x=1".to_owned(), result: Ok(edits) });
        trial.types("c");
        assert!(matches!(trial.console.overlay(), Some(Overlay::Edited(_))), "no card");
        assert!(trial.said().contains("one is tried at a time"), "{}", trial.said());
        return;
    };
    panic!("the program was taken: {}", trial.said());
}

#[test]
fn many_are_edited_by_jq_shown_on_a_sample_and_go_in_rungs() {
    let mut trial = scanned();
    trial.types("*e.body.\n");
    assert!(matches!(trial.console.overlay(), Some(Overlay::Prompt(prompt)) if prompt.wrong.is_some()));
    let effects = trial.types(".body.to = \"x\"\n");
    let [Effect::Edit { queue, program, messages, most }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((program.as_str(), messages.len()), (".body.to = \"x\"", 6));
    let ran = Program::new(&edit::program(program)).expect("a program");
    let answers = messages.iter().map(|message| ran.first(&edit::input(message))).collect();
    let edits = Edits::of(messages, answers, *most);
    let (queue, program) = (queue.clone(), program.clone());
    trial.tell(Msg::Edited { queue, program, result: Ok(edits) });
    assert!(matches!(trial.console.overlay(), Some(Overlay::Edited(view)) if view.edits.samples.len() == 3));
    trial.types("\n");
    let Some(Overlay::Card(card)) = trial.console.overlay() else { panic!("no card: {}", trial.said()) };
    let Planned::Edited(preflight, _) = &card.planned else { panic!("another card") };
    assert!(preflight.plan().ladder.is_some(), "six would go all at once if they were not edited");
    trial.wait_ms(Card::DEAF_MS);
    trial.types("L");
    assert!(
        matches!(trial.console.overlay(), Some(Overlay::Card(card)) if matches!(card.planned, Planned::Edited(..)))
    );
    let effects = trial.types("6\n");
    assert!(matches!(effects.as_slice(), [Effect::Start { undertaking: Undertaking::Edited(..), .. }]), "{effects:?}");
}

#[test]
fn what_is_pasted_into_the_editor_keeps_its_lines() {
    let mut trial = scanned();
    trial.types("e");
    trial.tell(Msg::Paste("a\nb".to_owned()));
    assert!(
        matches!(trial.console.overlay(), Some(Overlay::Editor(editor)) if editor.text.text().starts_with("a\nb{"))
    );
    trial.types("\x1b");
    assert!(trial.console.overlay().is_none());
}
