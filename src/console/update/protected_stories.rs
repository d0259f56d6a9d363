//! Cards in a protected context: what has no count is confirmed by the account. Tests only.

use crate::console::ConsoleOptions;
use crate::console::effect::Effect;
use crate::console::overlay::{Card, CardFocus, Overlay};
use crate::console::update::trial::Trial;
use crate::model::context::Context;
use crate::operation::confirm::Level;

fn armed(protected: bool) -> Trial {
    let context = Context { name: "prod".to_owned(), protected, ..Context::default() };
    let mut trial = Trial::new(ConsoleOptions { context, ..ConsoleOptions::default() });
    trial.types(if protected { "Wprod\n" } else { "W9012\n" });
    assert!(trial.console.may_write(), "{}", trial.said());
    trial
}

fn card(trial: &Trial) -> &Card {
    match trial.console.overlay() {
        Some(Overlay::Card(card)) => card,
        other => panic!("no card: {other:?}; {}", trial.said()),
    }
}

/// To the card of a scan, and of a stop.
const WAYS: [&str; 2] = ["3/JobDLQ\n\ns", "2/LogWorker\nS"];

#[test]
fn a_scan_and_a_change_of_settings_take_the_accounts_last_digits() {
    for keys in WAYS {
        let mut trial = armed(true);
        trial.types(keys);
        assert_eq!(*card(&trial).planned.level(), Level::Account { account_last4: "9012".to_owned() }, "{keys}");
        assert_eq!(card(&trial).focus, CardFocus::Account);
        trial.wait_ms(Card::DEAF_MS);
        for (typed, said) in [("\n", "type the last four digits"), ("9013\n", "are not the last four digits")] {
            assert!(!trial.types(typed).iter().any(Effect::writes), "{keys} {typed:?}");
            let wrong = card(&trial).wrong.clone().unwrap_or_default();
            assert!(wrong.contains(said), "{keys} {typed:?}: {wrong}");
        }
        let effects = trial.types("9012\n");
        assert!(matches!(effects.as_slice(), [Effect::Start { .. }, ..]), "{keys}: {effects:?}");
    }
}

#[test]
fn elsewhere_enter_is_enough() {
    for keys in WAYS {
        let mut trial = armed(false);
        trial.types(keys);
        assert_eq!(*card(&trial).planned.level(), Level::Button, "{keys}");
        trial.wait_ms(Card::DEAF_MS);
        assert!(trial.types("\n").iter().any(Effect::writes), "{keys}");
    }
}
