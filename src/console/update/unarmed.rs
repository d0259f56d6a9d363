//! Nothing is written by accident: any keys at all, on a console that is not armed, change nothing;
//! on one that is, nothing without a card that was read and accepted. Tests only.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::console::ConsoleOptions;
use crate::console::armed::Armed;
use crate::console::command::COMMANDS;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key, Mouse};
use crate::console::msg::Msg;
use crate::console::overlay::{Card, CardFocus, Overlay};
use crate::console::update::trial::{NOW, Trial, stream_mapping};
use crate::model::context::Context;
use crate::model::service_error::ServiceError;
use crate::operation::confirm::Level;

const SEQUENCES: u64 = 20_000;
const ARMED_SEQUENCES: u64 = 3_000;
const LONGEST: u32 = 30;

/// Any message a person can cause, and the time and facts that come between. No nine is ever typed,
/// so that the account's digits (9012) cannot come about by chance.
fn any(rng: &mut ChaCha8Rng) -> Vec<Msg> {
    let keys = |keys: &[Key]| keys.iter().map(|key| Msg::Key(*key)).collect::<Vec<_>>();
    let mut below = |n: u32| rng.next_u32() % n;
    match below(24) {
        0..=9 => {
            let command = &COMMANDS[below(COMMANDS.len() as u32) as usize];
            // Leaving ends a sequence too early to be of use.
            let key = command.keys[below(command.keys.len() as u32) as usize];
            if key == Key::ctrl('c') { Vec::new() } else { keys(&[key]) }
        }
        10..=12 => keys(&[Key::plain(Code::Enter)]),
        13 => keys(&[Key::plain([Code::Down, Code::Tab, Code::Esc, Code::Backspace][below(4) as usize])]),
        14 => keys(&[Key::char(char::from(b'0' + below(9) as u8))]),
        15 => keys(&[Key::char(char::from(b' ' + below(95) as u8))])
            .into_iter()
            .filter(|msg| *msg != Msg::Key(Key::char('9')))
            .collect(),
        16 => {
            let command = &COMMANDS[below(COMMANDS.len() as u32) as usize];
            let mut typed = vec![Key::char(':')];
            typed.extend(command.name.chars().map(Key::char));
            typed.push(Key::plain(Code::Enter));
            if command.name == "quit" { Vec::new() } else { keys(&typed) }
        }
        17 => vec![Msg::Paste(["1\n", "3", "R\nR\n", "yes", "\u{1b}[A", "12"][below(6) as usize].to_owned())],
        18 => vec![Msg::Mouse(match below(3) {
            0 => Mouse::ScrollUp { column: 3, row: 3 },
            1 => Mouse::ScrollDown { column: 3, row: 3 },
            _ => Mouse::Press { column: below(200) as u16, row: below(60) as u16 },
        })],
        19 => vec![Msg::Resize { columns: 20 + below(200) as u16, rows: 5 + below(60) as u16 }],
        20 => vec![Msg::MappingsArrived { at: NOW, result: Ok(vec![stream_mapping()]) }],
        21 => {
            let error =
                ServiceError::new("sts:GetCallerIdentity", ["ExpiredToken", "AccessDenied"][below(2) as usize], "no");
            vec![Msg::IdentityArrived { at: NOW, result: Err(error) }]
        }
        // Time: now and then enough for a card to listen, or for an operation's hour.
        _ => vec![Msg::Tick { mono: crate::model::time::Mono::ZERO, account: NOW.plus_ms(i64::from(below(2_000))) }],
    }
}

fn unarmed(trial: &mut Trial) {
    trial.console.armed = Armed::ReadOnly { locked: false };
}

/// Where a sequence begins: fresh, with messages scanned, with a card or a form left open when the
/// hour ran out, or never to be armed.
fn begin(start: u64) -> Trial {
    let mut trial = Trial::new(ConsoleOptions {
        read_only: start == 1,
        context: Context { name: "prod".to_owned(), protected: start == 2, ..Context::default() },
        contexts: vec!["prod".to_owned(), "dev".to_owned()],
        ..ConsoleOptions::default()
    });
    if start >= 3 {
        trial.console.armed = Armed::Until(trial.console.mono.plus_ms(Armed::FOR_MS));
        trial.scanned(4);
        match start {
            // What is selected is on a card; a form is filled in.
            4 => drop(trial.types(" R")),
            5 => drop(trial.types("2t7\n")),
            6 => drop(trial.types("2t8")),
            _ => {}
        }
    }
    trial
}

const STARTS: u64 = 7;

/// Time goes on by what a tick says, and a little with every message.
fn tell(trial: &mut Trial, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Tick { account, .. } => {
            let by = u64::try_from(account.ms_since(NOW)).unwrap_or(0);
            trial.wait_ms(by)
        }
        msg => {
            let mut effects = trial.wait_ms(7);
            effects.extend(trial.tell(msg));
            effects
        }
    }
}

#[test]
fn no_keys_write_while_unarmed() {
    let mut refused = 0;
    for seed in 0..SEQUENCES {
        let start = seed % STARTS;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut trial = begin(start);
        unarmed(&mut trial);
        let left_open = trial.console.overlays.len();
        let length = 10 + rng.next_u32() % LONGEST;
        for step in 0..length {
            for msg in any(&mut rng) {
                let said = format!("seed {seed}, step {step}: {msg:?}");
                let effects = tell(&mut trial, msg);
                assert!(!effects.iter().any(Effect::writes), "{said} did {effects:?}");
                assert!(!trial.console.may_write(), "{said} armed it");
                let asking =
                    trial.console.overlays.iter().skip(left_open).any(|overlay| matches!(overlay, Overlay::Card(_)));
                assert!(!asking || start >= 4, "{said} asked for a change");
            }
        }
        refused +=
            usize::from(trial.console.toasts.iter().any(|toast| toast.text.contains(" writes, and the console")));
    }
    assert!(refused > 1_000, "the sequences reach what would write: {refused}");
}

#[test]
fn armed_nothing_starts_without_an_accepted_card() {
    let (mut started, mut cards) = (0, 0);
    for seed in 0..ARMED_SEQUENCES {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut trial = begin(seed % STARTS);
        if trial.console.armed == (Armed::ReadOnly { locked: true }) {
            continue;
        }
        for step in 0..10 + rng.next_u32() % LONGEST {
            for msg in any(&mut rng) {
                // `W` disarms and the hour runs out; this test is about what happens before.
                trial.console.armed = Armed::Until(trial.console.mono.plus_ms(Armed::FOR_MS));
                let said = format!("seed {seed}, step {step}: {msg:?}");
                let accepts = accepts(&trial, &msg);
                cards += usize::from(matches!(trial.console.overlay(), Some(Overlay::Card(_))));
                let effects = tell(&mut trial, msg);
                let starts = effects.iter().filter(|effect| effect.writes()).count();
                assert!(starts <= usize::from(accepts), "{said} did {effects:?}");
                started += starts;
            }
        }
    }
    assert!(started > 50 && cards > 1_000, "the sequences accept cards: {started} of {cards}");
}

/// True when this message answers the card on top as its level asks: the card has listened for its
/// 400 ms, the key is enter, and what must be typed is.
fn accepts(trial: &Trial, msg: &Msg) -> bool {
    let Some(Overlay::Card(card)) = trial.console.overlay() else { return false };
    // The test lets 7 ms pass before each message.
    let heard = trial.console.mono.plus_ms(7).ms_since(card.shown_at) >= Card::DEAF_MS;
    let typed = match card.planned.level() {
        Level::Button => card.focus == CardFocus::Go,
        Level::Account { account_last4 } => card.account_last4.text().trim() == account_last4,
        Level::Count(count) => card.count.text().replace(',', "").trim() == count.to_string(),
        Level::Irreversible { count, account_last4 } => {
            card.count.text().trim() == count.to_string() && card.account_last4.text().trim() == account_last4
        }
    };
    heard && typed && card.focus != CardFocus::Leave && *msg == Msg::Key(Key::plain(Code::Enter))
}

#[test]
fn what_was_typed_ahead_of_a_card_is_dropped() {
    let mut trial = begin(3);
    trial.types("    R");
    assert!(
        matches!(trial.console.overlay(), Some(Overlay::Card(_) | Overlay::Choice(_))),
        "{:?}",
        trial.console.overlay()
    );
    for msg in ["4", "\n", "\n"] {
        assert!(!trial.types(msg).iter().any(Effect::writes));
    }
}

#[test]
fn what_runs_goes_on_when_the_hour_is_over_and_nothing_new_starts() {
    let mut trial = begin(3);
    trial.types(" R");
    trial.wait_ms(Card::DEAF_MS);
    // One message: the card, or the choice before it, takes enter.
    let mut effects = trial.types("\n");
    if !effects.iter().any(Effect::writes) {
        trial.wait_ms(Card::DEAF_MS);
        effects = trial.types("\n");
    }
    assert!(effects.iter().any(Effect::writes), "{effects:?}; {}", trial.said());
    assert_eq!(trial.console.running().count(), 1);
    let effects = trial.wait_ms(Armed::FOR_MS);
    assert!(!trial.console.may_write() && trial.said().contains("W arms writes"), "{}", trial.said());
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Command(..)) || effect.writes()), "{effects:?}");
    assert_eq!(trial.console.running().count(), 1, "it goes on");
    trial.console.toasts.clear();
    assert!(!trial.types("jR\n").iter().any(Effect::writes));
    assert!(trial.said().contains("redrive writes, and the console is read-only: W arms writes"), "{}", trial.said());
}
