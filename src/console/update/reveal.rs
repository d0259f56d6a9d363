//! Showing bodies whole although the context redacts them, until the screen is left.

use crate::console::Console;
use crate::model::finding::Severity;

pub(super) fn toggle(console: &mut Console) {
    if !console.options.context.redact.is_on() {
        console.say(Severity::Note, "nothing is redacted: the context has no redact = [\"profile.email\"]");
        return;
    }
    console.revealed = match console.revealed {
        Some(_) => None,
        None => Some(console.screen().clone()),
    };
}

/// After every message: another screen is open than the one that was revealed.
pub(super) fn forget(console: &mut Console) {
    if console.revealed.as_ref().is_some_and(|screen| screen != console.screen()) {
        console.revealed = None;
    }
}

#[cfg(test)]
mod tests {
    use crate::console::ConsoleOptions;
    use crate::console::effect::Effect;
    use crate::console::update::trial::{Trial, letter};
    use crate::model::context::Context;
    use crate::model::redaction::Redaction;

    fn redacting() -> Trial {
        let redact = Redaction::new(["run"]).expect("a path");
        let context = Context { name: "prod".to_owned(), redact, ..Context::default() };
        let mut trial = Trial::new(ConsoleOptions { sandbox: true, context, ..ConsoleOptions::default() });
        trial.scanned(3);
        trial
    }

    fn shows(trial: &Trial) -> bool {
        let body = letter(1).body;
        trial.console.redaction().shown(&body, false).contains("run-1")
    }

    #[test]
    fn what_the_journal_kept_is_redacted_as_any_context_says() {
        let mut trial = redacting();
        let every = Redaction::new(["run", "card.number"]).expect("paths");
        trial.console.options.redact_kept = every.clone();
        let effects = trial.types("4E");
        let written = effects.iter().find_map(|effect| match effect {
            Effect::WriteIncident(incident) => Some(&incident.redaction),
            _ => None,
        });
        assert_eq!(written, Some(&every), "{effects:?}");
    }

    #[test]
    fn bodies_are_redacted_until_v_and_again_when_the_screen_is_left() {
        let mut trial = redacting();
        assert!(!shows(&trial));
        assert_eq!(trial.console.redaction_note().as_deref(), Some("redacted, v reveals"));
        trial.types("v");
        assert!(shows(&trial));
        // The message at full size is the same view.
        trial.types("\nj");
        assert!(shows(&trial));
        trial.types("v");
        assert!(!shows(&trial), "v in the message too");
        trial.types("v\x1b");
        assert!(shows(&trial));
        for (away, back) in [("1", "3\n"), ("4", "3\n"), ("\x1b", "\n")] {
            trial.types(away);
            assert!(!shows(&trial), "{away:?} leaves");
            trial.types(back);
            assert!(!shows(&trial), "coming back reveals nothing");
            trial.types("v");
            assert!(shows(&trial), "{away:?}, {back:?}");
        }
        trial.types("v");
        assert!(!shows(&trial), "v hides again");
    }

    #[test]
    fn without_paths_v_says_so() {
        let mut trial = Trial::sandbox();
        trial.scanned(3);
        trial.types("v");
        assert!(trial.said().contains("nothing is redacted"), "{}", trial.said());
        assert!(trial.console.revealed.is_none() && trial.console.redaction_note().is_none());
    }

    #[test]
    fn what_is_sent_back_is_what_was_received() {
        let trial = redacting();
        let snapshot = trial.console.snapshot().expect("scanned");
        let body = &snapshot.get(&"m-1".into()).expect("copied").body;
        assert_eq!(*body, letter(1).body, "the copy is whole; only drawing redacts");
    }
}
