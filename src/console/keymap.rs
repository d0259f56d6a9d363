//! Which keys reach which command: the table's own, but for those that `[keys]` of config.toml gives
//! a command. A key means one thing on a screen; what would make it mean two is refused.

use std::collections::BTreeMap;

use crate::console::command::{self, Action, COMMANDS, Command};
use crate::console::key::Key;
use crate::console::screen::Place;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// By the command's name: what stands in place of its keys in the table.
    own: BTreeMap<&'static str, Vec<Key>>,
}

impl Keymap {
    /// Gives a command these keys instead of its own.
    ///
    /// # Errors
    /// Why it cannot have them: no such command, no such key, or a key that means something else on
    /// one of its screens.
    pub fn give(&mut self, name: &str, keys: &[String]) -> Result<(), String> {
        let Some(command) = command::by_name(name) else {
            return Err(format!("there is no command {name:?}; README and `?` name them"));
        };
        if command.action == Action::Quit {
            return Err("ctrl-c always quits: quit keeps its key".to_owned());
        }
        if keys.is_empty() {
            return Err(format!("{name} needs at least one key; leave the line out to keep its own"));
        }
        let keys = keys.iter().map(|text| text.parse()).collect::<Result<Vec<Key>, String>>()?;
        let mut with = self.clone();
        with.own.insert(command.name, keys.clone());
        for place in Place::ALL.into_iter().filter(|place| command.is_valid_on(*place, true)) {
            for key in &keys {
                if let Some(other) = with.other(*key, command, place) {
                    return Err(format!("{key} is {other}'s on the screen {}", place.title()));
                }
            }
        }
        *self = with;
        Ok(())
    }

    /// Another command that this key reaches there.
    fn other(&self, key: Key, command: &Command, place: Place) -> Option<&'static str> {
        let others = COMMANDS.iter().filter(|other| other.name != command.name && other.is_valid_on(place, true));
        let mut others = others.filter(|other| self.keys(other).contains(&key));
        others.next().map(|other| other.name)
    }

    /// The first is the one shown.
    pub fn keys<'a>(&'a self, command: &Command) -> &'a [Key] {
        self.own.get(command.name).map_or(command.keys, Vec::as_slice)
    }

    /// As help spells them: `↑ k`.
    pub fn text(&self, command: &Command) -> String {
        self.keys(command).iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The key of the command so called, for a sentence: `s`.
    pub fn shown(&self, name: &str) -> String {
        let first = command::by_name(name).and_then(|command| self.keys(command).first());
        first.map(Key::to_string).unwrap_or_default()
    }

    /// The command a key stands for here.
    pub fn command(&self, key: Key, place: Place, sandbox: bool) -> Option<&'static Command> {
        COMMANDS.iter().find(|command| self.keys(command).contains(&key) && command.is_valid_on(place, sandbox))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, keys: &[&str]) -> Result<Keymap, String> {
        let mut map = Keymap::default();
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        map.give(name, &keys).map(|()| map)
    }

    #[test]
    fn a_command_has_the_keys_it_is_given_and_no_other() {
        let map = given("redrive", &["ctrl-d", "F5"]).expect("free keys");
        let on = |key| map.command(key, Place::Triage, false).map(|command| command.name);
        assert_eq!(on(Key::ctrl('d')), Some("redrive"));
        assert_eq!(on("F5".parse().expect("a key")), Some("redrive"));
        assert_eq!(on(Key::char('R')), None, "its own key is free now");
        assert_eq!(on(Key::char('c')), Some("try"));
        assert_eq!((map.shown("redrive"), map.shown("try")), ("ctrl-d".to_owned(), "c".to_owned()));
    }

    #[test]
    fn keys_can_be_exchanged_one_after_the_other() {
        let mut map = given("scan", &["z"]).expect("free");
        map.give("filter", &["s".to_owned()]).expect("free since scan has another");
        assert_eq!(map.command(Key::char('s'), Place::Triage, false).map(|command| command.name), Some("filter"));
    }

    #[test]
    fn what_cannot_be_is_said() {
        for (name, keys, said) in [
            ("redrvie", &["z"][..], "there is no command \"redrvie\""),
            ("redrive", &[], "needs at least one key"),
            ("redrive", &["c"], "c is try's on the screen Queue"),
            ("redrive", &["ctrl-c"], "ctrl-c is quit's on the screen Map"),
            ("quit", &["z"], "ctrl-c always quits"),
            ("redrive", &["hyper-x"], "\"hyper-x\" is no key"),
        ] {
            let why = given(name, keys).expect_err(name);
            assert!(why.contains(said), "{name} {keys:?}: {why}");
        }
    }

    #[test]
    fn every_key_of_the_table_reads_back_as_it_is_spelt() {
        for key in COMMANDS.iter().flat_map(|command| command.keys) {
            assert_eq!(key.to_string().parse(), Ok(*key));
        }
    }
}
