//! Going to another context: a list to choose from, or `:context NAME`. What is on screen belongs to
//! the account that is left, so all of it goes; nothing goes while an operation runs.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::overlay::{Choice, ChoiceOption, Overlay, Pick};
use crate::model::finding::Severity;

/// `context prod-eu` as typed in the palette.
pub(super) fn named(typed: &str) -> Option<&str> {
    let name = typed.trim_start().strip_prefix("context ")?.trim();
    (!name.is_empty()).then_some(name)
}

pub(super) fn choose(console: &mut Console) {
    if console.options.sandbox {
        console.say(Severity::Note, "the sandbox is an account of its own: there is no other to go to");
        return;
    }
    if console.options.contexts.is_empty() {
        console.say(Severity::Note, "config.toml has no contexts; `redrive context init` makes one");
        return;
    }
    let here = &console.options.context.name;
    let running = running(console);
    let options = console.options.contexts.iter().map(|name| ChoiceOption {
        label: name.clone(),
        detail: String::new(),
        pick: Pick::Context(name.clone()),
        off: if name == here { Some("it is the one that is open".to_owned()) } else { running.clone() },
    });
    let options: Vec<ChoiceOption> = options.collect();
    let row = options.iter().position(|option| option.off.is_none()).unwrap_or(0);
    let title = "Go to another context: what is shown here is dropped, writes are disarmed".to_owned();
    console.overlays.push(Overlay::Choice(Choice { title, options, row }));
}

pub(super) fn switch(console: &mut Console, name: &str) -> Vec<Effect> {
    if console.options.sandbox || console.options.contexts.is_empty() {
        choose(console);
        return Vec::new();
    }
    if let Some(why) = running(console) {
        console.say(Severity::Warning, why);
        return Vec::new();
    }
    if !console.options.contexts.iter().any(|known| known == name) {
        let known = console.options.contexts.join(", ");
        console.say(Severity::Warning, format!("there is no context {name:?}; there are: {known}"));
        return Vec::new();
    }
    if console.options.context.name == name {
        console.say(Severity::Note, format!("{name} is the context that is open"));
        return Vec::new();
    }
    vec![Effect::SwitchContext(name.to_owned())]
}

fn running(console: &Console) -> Option<String> {
    let running = console.running().count();
    let cancel = console.key_of("cancel");
    (running > 0).then(|| format!("an operation runs in this account: wait for its end, or cancel it with {cancel}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ConsoleOptions;
    use crate::console::key::Key;
    use crate::console::update::trial::Trial;
    use crate::model::context::Context;

    fn trial() -> Trial {
        Trial::new(ConsoleOptions {
            context: Context { name: "dev".to_owned(), ..Context::default() },
            contexts: vec!["dev".to_owned(), "prod".to_owned()],
            ..ConsoleOptions::default()
        })
    }

    #[test]
    fn a_context_is_chosen_from_a_list_or_named_in_the_palette() {
        let mut trial = trial();
        trial.press(&[Key::ctrl('x')]);
        assert_eq!(trial.types("\n"), [Effect::SwitchContext("prod".to_owned())]);
        assert_eq!(trial.types(":context prod\n"), [Effect::SwitchContext("prod".to_owned())]);
        assert_eq!(trial.types(":context prdo\n"), []);
        assert!(trial.said().contains("there are: dev, prod"), "{}", trial.said());
        assert_eq!(trial.types(":context dev\n"), []);
        assert!(trial.said().contains("dev is the context that is open"));
    }

    #[test]
    fn nobody_leaves_an_account_while_an_operation_runs_in_it() {
        let mut trial = trial();
        trial.types("W9012\n");
        trial.types("3");
        trial.press(&[Key::plain(crate::console::key::Code::Down)]);
        trial.types("\n\n");
        trial.wait_ms(1_000);
        let started = trial.types("\n");
        assert!(matches!(started.as_slice(), [Effect::Start { .. }, ..]), "{started:?}; {}", trial.said());
        assert_eq!(trial.types(":context prod\n"), []);
        assert!(trial.said().contains("an operation runs in this account"), "{}", trial.said());
    }
}
