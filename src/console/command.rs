//! The one table of everything a user can do: name, keys, where it is valid, help line, whether it
//! writes. Keys, footer, help, palette and README's key table all come from it; a command that is
//! not here does not exist. It decides nothing: `update` does what an [`Action`] says.

use crate::console::key::{Code, Key};
use crate::console::screen::Place;

/// What a command makes the console do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    NextPane,
    PreviousPane,
    Open,
    Back,
    GoMap,
    GoConsumers,
    GoQueues,
    GoJournal,
    GoPosture,
    GoSandbox,
    Filter,
    Palette,
    Scope,
    Help,
    Tune,
    StopStart,
    Scan,
    Select,
    SelectAll,
    Reveal,
    Redrive,
    Rescue,
    Try,
    Edit,
    Drop,
    Export,
    Note,
    Acknowledge,
    Undo,
    Resume,
    Incident,
    Logs,
    LogFollow,
    LogWindow,
    LogRead,
    Pause,
    Cancel,
    RateUp,
    RateDown,
    Switch,
    Faster,
    Slower,
    Arm,
    Freeze,
    Refresh,
    Mouse,
    Link,
    Copy,
    Context,
    Quit,
}

/// Where a command can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Valid {
    Everywhere,
    On(&'static [Place]),
    /// Everywhere, but only in the sandbox.
    InSandbox,
}

#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Its name in the palette, in remedies and in documents: `stop-start`.
    pub name: &'static str,
    pub action: Action,
    /// The first is the one shown. [`Keymap`](crate::console::keymap::Keymap) knows what config.toml
    /// puts in their place.
    pub keys: &'static [Key],
    pub valid: Valid,
    /// One line of help, without its key.
    pub help: &'static str,
    /// One or two words for the footer; empty keeps it out of there.
    pub footer: &'static str,
    /// It changes something in the account: refused while the console is read-only.
    pub writes: bool,
}

impl Command {
    pub fn is_valid_on(&self, place: Place, sandbox: bool) -> bool {
        match self.valid {
            Valid::Everywhere => true,
            Valid::InSandbox => sandbox,
            Valid::On(places) => places.contains(&place) && (sandbox || place != Place::Sandbox),
        }
    }
}

pub fn by_name(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// What the help of a screen lists: the commands valid there, those of this screen alone first.
pub fn valid_on(place: Place, sandbox: bool) -> Vec<&'static Command> {
    let mut valid: Vec<&Command> = COMMANDS.iter().filter(|command| command.is_valid_on(place, sandbox)).collect();
    valid.sort_by_key(|command| !matches!(command.valid, Valid::On(_)));
    valid
}

/// What the footer of a screen names: screens first, then what helps here.
pub fn footer(place: Place, sandbox: bool) -> Vec<&'static Command> {
    let named = COMMANDS.iter().filter(|command| !command.footer.is_empty() && command.is_valid_on(place, sandbox));
    let mut named: Vec<&Command> = named.collect();
    if place == Place::Triage {
        let first = |command: &&Command| FIRST_ON_TRIAGE.iter().position(|action| *action == command.action);
        named.sort_by_key(|command| first(command).unwrap_or(usize::MAX));
    }
    named
}

/// What hands reach for among dead letters; a narrow footer has room for few.
const FIRST_ON_TRIAGE: &[Action] = &[
    Action::Open,
    Action::Select,
    Action::Try,
    Action::Redrive,
    Action::Rescue,
    Action::Scan,
    Action::SelectAll,
    Action::Export,
    Action::Drop,
];

/// README's key table, in Markdown.
pub fn key_table() -> String {
    let mut table = String::from("| keys | command | where | what it does |\n|---|---|---|---|\n");
    for command in COMMANDS {
        let place = match command.valid {
            Valid::Everywhere => "everywhere".to_owned(),
            Valid::InSandbox => "in the sandbox".to_owned(),
            Valid::On(places) => places.iter().map(|place| place.title()).collect::<Vec<_>>().join(", "),
        };
        let keys: Vec<String> = command.keys.iter().map(|key| format!("`{key}`")).collect();
        let writes = if command.writes { " *(writes)*" } else { "" };
        table.push_str(&format!(
            "| {} | `{}` | {place} | {}{writes} |\n",
            keys.join(" ").replace("`|`", "`\\|`"),
            command.name,
            command.help
        ));
    }
    table
}

const fn c(c: char) -> Key {
    Key::char(c)
}

const fn k(code: Code) -> Key {
    Key::plain(code)
}

const fn everywhere(name: &'static str, action: Action, keys: &'static [Key], help: &'static str) -> Command {
    Command { name, action, keys, valid: Valid::Everywhere, help, footer: "", writes: false }
}

impl Command {
    const fn on(self, places: &'static [Place]) -> Self {
        Command { valid: Valid::On(places), ..self }
    }

    const fn footed(self, footer: &'static str) -> Self {
        Command { footer, ..self }
    }

    const fn writing(self) -> Self {
        Command { writes: true, ..self }
    }
}

const TUNABLE: &[Place] = &[Place::Map, Place::Consumers, Place::ConsumerDetail];
const QUEUED: &[Place] = &[Place::Map, Place::Queues, Place::Triage];
const TRIAGE: &[Place] = &[Place::Triage];
const LISTS: &[Place] = &[Place::Consumers, Place::Queues, Place::Triage, Place::Logs, Place::Journal, Place::Posture];
const LOGGED: &[Place] = &[Place::Map, Place::Consumers, Place::ConsumerDetail, Place::Queues, Place::Triage];
const LOGS: &[Place] = &[Place::Logs];

/// In the order the footer shows them. The first valid entry that has a key takes it.
pub const COMMANDS: &[Command] = &[
    everywhere("map", Action::GoMap, &[c('1')], "what is wrong, and the pipeline drawn").footed("map"),
    everywhere("consumers", Action::GoConsumers, &[c('2')], "every event source mapping").footed("consumers"),
    everywhere("queues", Action::GoQueues, &[c('3')], "every queue and its dead letters").footed("queues"),
    everywhere("journal", Action::GoJournal, &[c('4')], "every operation, and what came of it").footed("journal"),
    Command {
        valid: Valid::InSandbox,
        ..everywhere("sandbox", Action::GoSandbox, &[c('5')], "load, faults and speed of the sandbox").footed("sandbox")
    },
    everywhere("switch", Action::Switch, &[c(' '), k(Code::Enter)], "switch this fault or load on or off")
        .on(&[Place::Sandbox])
        .footed("on/off"),
    everywhere("faster", Action::Faster, &[c('+'), c('=')], "run the sandbox faster")
        .on(&[Place::Sandbox])
        .footed("faster"),
    everywhere("slower", Action::Slower, &[c('-')], "run the sandbox slower").on(&[Place::Sandbox]).footed("slower"),
    everywhere("open", Action::Open, &[k(Code::Enter)], "open what the cursor is on; on an unscanned queue, scan it")
        .footed("open"),
    everywhere("back", Action::Back, &[k(Code::Esc), c('q')], "back; on the map, q quits"),
    everywhere("logs", Action::Logs, &[c('l')], "what the log of the function says, gathered by kind")
        .on(LOGGED)
        .footed("logs"),
    everywhere("follow", Action::LogFollow, &[c('F')], "follow the log, or stop following").on(LOGS).footed("follow"),
    everywhere("window", Action::LogWindow, &[c('+')], "a longer window: 15 m, 1 h, 3 h").on(LOGS).footed("longer"),
    everywhere("read", Action::LogRead, &[c('r')], "read the log anew").on(LOGS).footed("read anew"),
    // What each setting would do may be asked of a read-only console: its card may not.
    everywhere("tune", Action::Tune, &[c('t')], "what each setting would do; change the consumer's")
        .on(TUNABLE)
        .footed("tune"),
    everywhere("stop-start", Action::StopStart, &[c('S')], "stop the consumer, or start it again")
        .on(TUNABLE)
        .footed("stop/start")
        .writing(),
    everywhere("undo", Action::Undo, &[c('u')], "put back the settings saved before the last change")
        .on(&[Place::Map, Place::Consumers, Place::ConsumerDetail, Place::Journal])
        .footed("undo")
        .writing(),
    everywhere("resume", Action::Resume, &[c('r')], "finish the operation under the cursor, which was cut off")
        .on(&[Place::Journal])
        .footed("resume")
        .writing(),
    everywhere("incident", Action::Incident, &[c('E')], "write findings, changes and operations to a file")
        .on(&[Place::Journal])
        .footed("export"),
    everywhere("scan", Action::Scan, &[c('s')], "scan: copy messages under a short lease, then give them back")
        .on(QUEUED)
        .footed("scan")
        .writing(),
    everywhere("select", Action::Select, &[c(' ')], "select or unselect this message").on(TRIAGE).footed("select"),
    everywhere("select-all", Action::SelectAll, &[c('*')], "select all that match, or none").on(TRIAGE).footed("all"),
    everywhere(
        "reveal",
        Action::Reveal,
        &[c('v')],
        "show the redacted, in this view; export, redrive and drop stay whole",
    )
    .on(&[Place::Triage, Place::Logs])
    .footed("reveal"),
    everywhere("try", Action::Try, &[c('c')], "try this message on its function, and look at the answer")
        .on(TRIAGE)
        .footed("try")
        .writing(),
    everywhere("redrive", Action::Redrive, &[c('R')], "send dead letters back to the queue they came from")
        .on(QUEUED)
        .footed("redrive")
        .writing(),
    everywhere("rescue", Action::Rescue, &[c('r')], "fetch the records a stream's mapping gave up, and run them")
        .on(TRIAGE)
        .footed("rescue")
        .writing(),
    everywhere("edit", Action::Edit, &[c('e')], "send it back with another body; those selected, by a jq program")
        .on(TRIAGE)
        .footed("edit")
        .writing(),
    everywhere("export", Action::Export, &[c('x')], "write messages to a file, byte for byte")
        .on(TRIAGE)
        .footed("export"),
    everywhere("drop", Action::Drop, &[c('D')], "delete messages, each after its copy is in the journal")
        .on(TRIAGE)
        .footed("drop")
        .writing(),
    everywhere("note", Action::Note, &[c('n')], "a note on this kind of failure, for whoever looks next").on(TRIAGE),
    everywhere("acknowledge", Action::Acknowledge, &[c('a')], "acknowledge this finding until it gets worse")
        .on(&[Place::Map, Place::Posture])
        .footed("ack"),
    everywhere("filter", Action::Filter, &[c('/')], "show only what matches").on(LISTS).footed("filter"),
    everywhere("pause", Action::Pause, &[c('p')], "pause or resume the redrive that runs"),
    everywhere("cancel", Action::Cancel, &[c('X')], "cancel the operation that runs"),
    everywhere("rate-up", Action::RateUp, &[c('>')], "let the redrive that runs send faster").writing(),
    everywhere("rate-down", Action::RateDown, &[c('<')], "let the redrive that runs send slower"),
    everywhere("posture", Action::GoPosture, &[c('P')], "what to mend while it is calm, and how"),
    everywhere("palette", Action::Palette, &[c(':')], "find a command by name").footed("command"),
    everywhere("scope", Action::Scope, &[c('w')], "choose what to watch: a name prefix, or everything"),
    everywhere("help", Action::Help, &[c('?'), k(Code::F(1))], "help of this screen").footed("help"),
    everywhere("arm", Action::Arm, &[c('W')], "arm writes for 60 minutes, or disarm them"),
    everywhere("context", Action::Context, &[Key::ctrl('x')], "go to another context of config.toml"),
    everywhere("freeze", Action::Freeze, &[c('f')], "freeze the picture and the polling"),
    everywhere("refresh", Action::Refresh, &[Key::ctrl('r')], "ask for everything anew"),
    everywhere("mouse", Action::Mouse, &[c('m')], "mouse capture on or off"),
    everywhere("link", Action::Link, &[c('o')], "copy a deep link to the AWS console's page of this"),
    everywhere("copy", Action::Copy, &[c('Y')], "copy a five-line status; on a card or in the posture, its aws lines"),
    everywhere("up", Action::Up, &[k(Code::Up), c('k')], "up"),
    everywhere("down", Action::Down, &[k(Code::Down), c('j')], "down"),
    everywhere("left", Action::Left, &[k(Code::Left), c('h')], "to the pane on the left"),
    everywhere("right", Action::Right, &[k(Code::Right)], "to the pane on the right"),
    everywhere("page-up", Action::PageUp, &[Key::ctrl('b'), k(Code::PageUp)], "a page up"),
    everywhere("page-down", Action::PageDown, &[Key::ctrl('f'), k(Code::PageDown)], "a page down"),
    everywhere("top", Action::Top, &[k(Code::Home), c('g')], "to the first"),
    everywhere("bottom", Action::Bottom, &[k(Code::End), c('G')], "to the last"),
    everywhere("next-pane", Action::NextPane, &[k(Code::Tab)], "next pane"),
    everywhere("previous-pane", Action::PreviousPane, &[k(Code::BackTab)], "previous pane"),
    everywhere("quit", Action::Quit, &[Key::ctrl('c')], "quit; asks only while something runs"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::console::keymap::Keymap;

    fn by_key(key: Key, place: Place, sandbox: bool) -> Option<&'static Command> {
        Keymap::default().command(key, place, sandbox)
    }

    #[test]
    fn every_command_has_a_name_of_its_own_a_key_that_reaches_it_and_help() {
        let names: BTreeSet<&str> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        for command in COMMANDS {
            assert!(!command.help.is_empty() && command.help.len() <= 70, "{}", command.name);
            assert!(!command.keys.is_empty(), "{} has no key", command.name);
            let reachable = Place::ALL.iter().any(|place| {
                command
                    .keys
                    .iter()
                    .any(|key| by_key(*key, *place, true).is_some_and(|found| found.name == command.name))
            });
            assert!(reachable, "{}: every key of it is taken by an earlier command everywhere", command.name);
            assert!(by_name(command.name).is_some());
        }
    }

    #[test]
    fn within_one_screen_a_key_means_one_thing_but_where_the_table_says_first_wins() {
        for place in Place::ALL {
            let mut seen = BTreeSet::new();
            for command in valid_on(place, true) {
                for key in command.keys {
                    let switch = place == Place::Sandbox && command.name == "open";
                    assert!(seen.insert(*key) || switch, "{key} twice on {place:?}: {}", command.name);
                }
            }
        }
    }

    #[test]
    fn the_sandbox_is_not_offered_on_an_account() {
        assert!(by_key(c('5'), Place::Map, false).is_none());
        assert!(footer(Place::Map, false).iter().all(|command| command.name != "sandbox"));
        assert!(by_key(c('5'), Place::Map, true).is_some());
    }

    /// After a change of the table: the test prints what belongs there.
    #[test]
    fn the_readme_has_this_table_and_no_other() {
        let readme = include_str!("../../README.md");
        let table = key_table();
        assert!(readme.contains(&table), "README.md, under Keys, should read:\n{table}");
    }

    /// The walk through the sandbox presses each command's key once.
    #[test]
    fn the_readme_has_a_worked_example_of_every_key() {
        let readme = include_str!("../../README.md");
        let walk = readme.split("Each once, in `redrive sandbox`").nth(1).expect("the walk");
        let walk = walk.split("A command's keys can be others").next().expect("its end");
        let rows: Vec<&str> = walk.lines().filter_map(|row| row.strip_prefix("| ")?.split(" | ").next()).collect();
        let pressed: Vec<&str> = rows.iter().flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
        let unpressed = COMMANDS.iter().filter(|command| {
            let keys: Vec<String> = command.keys.iter().map(ToString::to_string).collect();
            !keys.iter().any(|key| pressed.contains(&key.as_str()))
        });
        let names: Vec<&str> = unpressed.map(|command| command.name).collect();
        assert!(names.is_empty(), "README.md's walk through the sandbox does not press the keys of: {names:?}");
        for key in pressed {
            let is_a_key = COMMANDS.iter().any(|command| command.keys.iter().any(|known| known.to_string() == key));
            assert!(is_a_key, "README.md's walk presses {key}, which is no key");
        }
    }

    #[test]
    fn the_key_table_names_every_command() {
        let table = key_table();
        assert_eq!(table.lines().count(), COMMANDS.len() + 2);
        assert!(table.contains("| `t` | `tune` |"), "{table}");
    }
}
