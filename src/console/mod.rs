//! The console as a state machine: [`update`](update::update) takes a message and answers with
//! effects. No I/O, no drawing, no clock: what time it is comes by `Msg::Tick`. `ui` reads this
//! state and changes nothing; the shell performs the effects.

pub mod armed;
pub mod command;
pub mod cost;
pub mod deaths;
pub mod editor;
pub mod effect;
pub mod key;
pub mod keymap;
pub mod link;
pub mod logs;
pub mod msg;
pub mod notice;
pub mod overlay;
pub mod picker;
pub mod posture;
pub mod redaction;
pub mod rehearsal;
pub mod rows;
pub mod running;
pub mod schedule;
pub mod screen;
pub mod snapshot;
pub mod status;
mod stretch;
mod tiers;
pub mod update;
mod verdicts;

pub use update::update;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::console::armed::Armed;
use crate::console::cost::CostMeter;
use crate::console::deaths::Deaths;
use crate::console::key::Line;
use crate::console::keymap::Keymap;
use crate::console::logs::LogView;
use crate::console::notice::Toast;
use crate::console::overlay::Overlay;
use crate::console::picker::Names;
use crate::console::rehearsal::Rehearsing;
use crate::console::rows::JournalRow;
use crate::console::running::{Follow, Running};
use crate::console::schedule::Schedule;
use crate::console::screen::{Cursor, Place, Screen};
use crate::console::snapshot::Snapshot;
use crate::model::acknowledgement::{Acknowledged, Acknowledgement};
use crate::model::bench::Bench;
use crate::model::context::Context;
use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::{FunctionName, MappingId, OperationId, QueueName};
use crate::model::picture::Picture;
use crate::model::plan::RetunePlan;
use crate::model::posture::Posture;
use crate::model::redaction::Redaction;
use crate::model::scope::Scope;
use crate::model::time::{Mono, Timestamp};
use crate::model::usage::Budget;
use crate::verdict;

/// How the console starts; nothing here changes afterwards.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsoleOptions {
    /// The embedded pipeline: always armed, and the sandbox's screen is there.
    pub sandbox: bool,
    /// `--write`: ask for the account's digits as soon as the account is known.
    pub write: bool,
    /// `--read-only`: cannot be lifted. Wins over `write`.
    pub read_only: bool,
    /// Makes the ids of this session's operations its own: host and process, say.
    pub session: String,
    /// For the equivalent `aws` lines.
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// What the context chosen asks for.
    pub context: Context,
    /// What any context redacts, this one included: for what the journal kept, which does not say in
    /// which of them it was seen.
    pub redact_kept: Redaction,
    /// Names of the contexts there are, to switch to.
    pub contexts: Vec<String>,
    /// Open at this object when it turns up: an ARN or a name.
    pub open: Option<String>,
    /// What to watch; without it everything, or with `pick` what somebody chooses.
    pub scope: Option<Scope>,
    /// On an account larger than one screen: ask what to watch.
    pub pick: bool,
    /// What watching may cost.
    pub budget: Budget,
    /// Keys that config.toml gives to commands.
    pub keymap: Keymap,
    /// Local time's distance from UTC in seconds, for the second clock; `None` shows UTC alone.
    pub utc_offset_s: Option<i32>,
}

/// A kind of question to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    Identity,
    Names,
    Topology,
    Functions,
    Mappings,
    Queues,
    Metrics,
    MoveTask,
    Alarms,
    Stacks,
    Journal,
    Acknowledged,
    /// Of single functions, for the posture.
    Concurrency,
    Asynchronous,
    Recursion,
}

/// Where the cursors of the screens stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cursors {
    /// On the map: a rule and its subject.
    pub findings: Cursor<(String, Subject)>,
    pub consumers: Cursor<MappingId>,
    pub queues: Cursor<QueueName>,
    /// A posture rule and its subject.
    pub posture: Cursor<(String, Subject)>,
    pub journal: Cursor<OperationId>,
    /// Switches by name.
    pub sandbox: Cursor<String>,
}

#[derive(Debug)]
pub struct Console {
    pub options: ConsoleOptions,
    /// Local time of the last tick.
    pub mono: Mono,
    /// The account's time of the last tick.
    pub now: Timestamp,
    /// Cells of the terminal.
    pub columns: u16,
    pub rows: u16,
    /// Never empty; the last one is open.
    pub screens: Vec<Screen>,
    pub cursors: Cursors,
    /// The filter's text by screen; on triage the snapshot has its own.
    pub filters: BTreeMap<Place, Line>,
    /// The filter line has the keys.
    pub filtering: bool,
    /// The last one has the keys.
    pub overlays: Vec<Overlay>,
    /// Oldest first.
    pub toasts: VecDeque<Toast>,
    pub armed: Armed,
    /// The account's time at which picture and polling were frozen.
    pub frozen_at: Option<Timestamp>,
    pub mouse: bool,
    pub picture: Picture,
    /// What is watched; `None` until somebody has said so.
    pub scope: Option<Scope>,
    /// What there is to choose from.
    pub names: Option<Names>,
    /// The picker opens when the names have come.
    picker_wanted: bool,
    /// The picture's topology comes from the last session's file.
    pub from_cache: bool,
    /// What discovery could not read, one line each.
    pub missing: Vec<String>,
    /// Worst first, acknowledged ones last.
    pub findings: Vec<Finding>,
    /// What to mend while it is calm; its rules stand among the findings, a line each.
    pub posture: Posture,
    pub posture_detail: posture::Detail,
    /// Shared with every console of this account by way of the journal.
    pub acknowledged: Acknowledged,
    /// Acknowledgements on their way to the journal: until they are there, what it says is older.
    pub acknowledging: u32,
    /// Acknowledged findings that got worse, to be forgotten by the journal too.
    worsened: Vec<(String, Subject)>,
    /// Operations of this session, oldest first.
    pub operations: Vec<Running>,
    /// Retunes watched until the metrics confirm them, or not; oldest first.
    pub follows: Vec<Follow>,
    /// What was rehearsed in this session, the newest of each consumer.
    pub rehearsals: BTreeMap<MappingId, Rehearsing>,
    /// How many rehearsals were asked for.
    rehearsed: u64,
    /// What was in force before the last change of each mapping: what `u` puts back.
    pub saved: BTreeMap<MappingId, RetunePlan>,
    /// What the scans of this session copied.
    pub snapshots: BTreeMap<QueueName, Snapshot>,
    /// The logs looked at in this session.
    pub logs: BTreeMap<FunctionName, LogView>,
    /// What was said while a scanned queue's letters died.
    pub deaths: BTreeMap<QueueName, Deaths>,
    /// Newest first; `Err` says why the journal cannot be read.
    pub journal: Result<Vec<JournalRow>, String>,
    /// Retunes of dead processes that somebody was asked about.
    pub asked_about: BTreeSet<OperationId>,
    /// Since when there is one to ask about.
    overdue_since: Option<Mono>,
    /// Move tasks whose cancelling was asked for.
    pub asked_to_cancel: BTreeSet<OperationId>,
    /// The screen on which bodies are shown whole although the context redacts them; forgotten as soon
    /// as it is left.
    pub revealed: Option<Screen>,
    /// Only in the sandbox.
    pub bench: Option<Bench>,
    pub cost: CostMeter,
    /// Answers of an older generation are dropped.
    pub generation: u64,
    pub schedule: Schedule,
    /// The account's clock is so far ahead of this machine's, in milliseconds, where that is worth
    /// saying.
    pub skew_ms: Option<i64>,
    /// Why nothing can be asked until somebody logs in; identity alone is tried again meanwhile.
    pub locked_out: Option<String>,
    /// Actions of IAM that are not allowed here; `None`: the discovery was refused, else the kind of
    /// question that was.
    pub denied: BTreeMap<String, Option<Asked>>,
    /// What could not be read lately, and why; an entry goes when the next answer comes.
    pub troubles: BTreeMap<Asked, String>,
    /// When the findings were judged.
    judged_at: Option<Mono>,
    /// The sandbox was asked to hold its speed.
    speed_held: bool,
    /// What to open when it turns up.
    open_wanted: Option<String>,
    /// `--write` still has to ask for the account's digits.
    arm_wanted: bool,
    /// Numbers this session's operations.
    next_operation: u64,
    /// The console has asked to leave.
    pub leaving: bool,
}

impl Console {
    pub fn new(options: ConsoleOptions) -> Self {
        let armed = match (options.sandbox, options.read_only || options.context.read_only) {
            (_, true) => Armed::ReadOnly { locked: true },
            (true, false) => Armed::Always,
            (false, false) => Armed::ReadOnly { locked: false },
        };
        let picture = Picture { objectives: options.context.objectives.clone(), ..Picture::default() };
        Console {
            open_wanted: options.open.clone(),
            scope: options.scope.clone().or_else(|| (!options.pick).then_some(Scope::Everything)),
            names: None,
            picker_wanted: false,
            arm_wanted: options.write && armed == Armed::ReadOnly { locked: false },
            options,
            mono: Mono::ZERO,
            now: Timestamp::ZERO,
            columns: 80,
            rows: 24,
            screens: vec![Screen::Map],
            cursors: Cursors::default(),
            filters: BTreeMap::new(),
            filtering: false,
            overlays: Vec::new(),
            toasts: VecDeque::new(),
            armed,
            frozen_at: None,
            mouse: false,
            picture,
            from_cache: false,
            missing: Vec::new(),
            findings: Vec::new(),
            posture: Posture::default(),
            posture_detail: posture::Detail::default(),
            acknowledged: Acknowledged::new(),
            acknowledging: 0,
            worsened: Vec::new(),
            operations: Vec::new(),
            follows: Vec::new(),
            rehearsals: BTreeMap::new(),
            rehearsed: 0,
            saved: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            logs: BTreeMap::new(),
            deaths: BTreeMap::new(),
            journal: Ok(Vec::new()),
            asked_about: BTreeSet::new(),
            overdue_since: None,
            asked_to_cancel: BTreeSet::new(),
            revealed: None,
            bench: None,
            cost: CostMeter::default(),
            generation: 0,
            schedule: Schedule::default(),
            skew_ms: None,
            locked_out: None,
            denied: BTreeMap::new(),
            troubles: BTreeMap::new(),
            judged_at: None,
            speed_held: false,
            next_operation: 1,
            leaving: false,
        }
    }

    pub fn screen(&self) -> &Screen {
        self.screens.last().unwrap_or(&Screen::Map)
    }

    pub fn place(&self) -> Place {
        self.screen().place()
    }

    pub fn overlay(&self) -> Option<&Overlay> {
        self.overlays.last()
    }

    /// Where the text of the overlay on top was drawn from: who scrolls beyond its end stays at its end.
    pub fn begins_with(&mut self, first: Option<usize>) {
        if let (Some(scroll), Some(first)) = (self.overlays.last_mut().and_then(Overlay::scroll_mut), first) {
            *scroll = first.min(*scroll);
        }
    }

    /// The key of a command, for a sentence: `s`.
    pub fn key_of(&self, command: &str) -> String {
        self.options.keymap.shown(command)
    }

    pub fn may_write(&self) -> bool {
        self.armed.may_write(self.mono)
    }

    /// The filter's text on the open screen.
    pub fn filter(&self) -> &str {
        match self.screen() {
            Screen::Triage(queue) => self.snapshots.get(queue).map_or("", Snapshot::filter),
            screen => self.filters.get(&screen.place()).map_or("", Line::text),
        }
    }

    pub fn snapshot(&self) -> Option<&Snapshot> {
        match self.screen() {
            Screen::Triage(queue) => self.snapshots.get(queue),
            _ => None,
        }
    }

    pub fn running(&self) -> impl DoubleEndedIterator<Item = &Running> {
        self.operations.iter().filter(|operation| operation.is_running())
    }

    /// What is known about a finding somebody acknowledged; `None` when nobody did, or it got worse.
    pub fn acknowledgement(&self, finding: &Finding) -> Option<&Acknowledgement> {
        if verdict::posture::is_posture(&finding.rule) {
            return self.group_acknowledgement(&finding.rule);
        }
        self.acknowledgement_of(&rows::finding_key(finding), finding.severity)
    }

    pub fn acknowledgement_of(&self, key: &(String, Subject), severity: Severity) -> Option<&Acknowledgement> {
        self.acknowledged.get(key).filter(|found| severity >= found.severity)
    }

    fn operation_id(&mut self) -> OperationId {
        let number = self.next_operation;
        self.next_operation += 1;
        match self.options.session.as_str() {
            "" => format!("op-{number}").into(),
            session => format!("{session}-{number}").into(),
        }
    }
}
