//! What lies over a screen and takes the keys: help, palette, card, form, question, message. Plain
//! state; `update` moves it, `ui` draws it.

use std::collections::BTreeMap;

use crate::console::editor::{EditView, Editor};
use crate::console::key::Line;
use crate::console::picker::Picker;
use crate::model::finding::Subject;
use crate::model::id::{Arn, FunctionName, MappingId, MessageId, OperationId, QueueName};
use crate::model::mapping::{MappingSettings, SourceKind};
use crate::model::plan::{DropPlan, MoveAllPlan, RedrivePlan, RetunePlan, ScanPlan};
use crate::model::rescue::RescuePlan;
use crate::model::reserve::ReserveReading;
use crate::model::time::Mono;
use crate::model::trial::TrialPlan;
use crate::operation::card::Card as CardText;
use crate::operation::confirm::{Level, Preflight};
use crate::operation::progress::TrialReport;
use crate::operation::resume::ResumePlan;

#[expect(clippy::large_enum_variant, reason = "at most a handful lie over a screen")]
#[derive(Debug, PartialEq)]
pub enum Overlay {
    /// Help of the screen below; scrolled by rows.
    Help {
        scroll: usize,
    },
    Palette(Palette),
    Picker(Picker),
    Card(Card),
    Tune(TuneForm),
    Choice(Choice),
    Prompt(Prompt),
    Message(MessageView),
    /// What a function answered to the message that was tried on it.
    Tried(Tried),
    /// A body being edited.
    Editor(Box<Editor>),
    /// What an edit would change.
    Edited(EditView),
    /// Something runs: leave all the same?
    Leave {
        running: usize,
    },
}

impl Overlay {
    /// The first line shown of a text that can be longer than the screen.
    pub fn scroll_mut(&mut self) -> Option<&mut usize> {
        match self {
            Overlay::Help { scroll } => Some(scroll),
            Overlay::Card(card) => Some(&mut card.scroll),
            Overlay::Message(view) => Some(&mut view.scroll),
            Overlay::Tried(tried) => Some(&mut tried.scroll),
            Overlay::Edited(view) => Some(&mut view.scroll),
            Overlay::Tune(form) => form.assumptions.as_mut(),
            Overlay::Palette(_) | Overlay::Picker(_) | Overlay::Choice(_) => None,
            Overlay::Prompt(_) | Overlay::Editor(_) | Overlay::Leave { .. } => None,
        }
    }
}

/// Commands found by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    pub line: Line,
    /// Names of the commands that match, best first.
    pub found: Vec<&'static str>,
    pub row: usize,
}

/// A plan of any kind on its preflight card.
#[derive(Debug, PartialEq)]
pub enum Planned {
    Scan(Preflight<ScanPlan>),
    Redrive(Preflight<RedrivePlan>),
    /// With the bodies that are sent instead of their own.
    Edited(Preflight<RedrivePlan>, BTreeMap<MessageId, String>),
    MoveAll(Preflight<MoveAllPlan>),
    Retune(Preflight<RetunePlan>),
    Trial(Preflight<TrialPlan>),
    /// With the body that is run instead of its own.
    TryEdited(Preflight<TrialPlan>, String),
    Rescue(Preflight<RescuePlan>),
    Drop(Preflight<DropPlan>),
    /// What was cut off, under the id it has.
    Resume(Preflight<ResumePlan>),
}

impl Planned {
    pub fn card(&self) -> &CardText {
        match self {
            Planned::Scan(preflight) => preflight.card(),
            Planned::Redrive(preflight) | Planned::Edited(preflight, _) => preflight.card(),
            Planned::MoveAll(preflight) => preflight.card(),
            Planned::Retune(preflight) => preflight.card(),
            Planned::Trial(preflight) | Planned::TryEdited(preflight, _) => preflight.card(),
            Planned::Rescue(preflight) => preflight.card(),
            Planned::Drop(preflight) => preflight.card(),
            Planned::Resume(preflight) => preflight.card(),
        }
    }

    pub fn level(&self) -> &Level {
        &self.card().level
    }
}

/// Where the keys go on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardFocus {
    /// The count is being typed.
    Count,
    /// The account's last four digits are.
    Account,
    /// The button that does it.
    Go,
    /// The button that does not.
    Leave,
}

#[derive(Debug, PartialEq)]
pub struct Card {
    pub planned: Planned,
    pub focus: CardFocus,
    pub count: Line,
    pub account_last4: Line,
    /// Why the last answer was not taken.
    pub wrong: Option<String>,
    /// Keys before `shown_at` + [`Card::DEAF_MS`] are dropped.
    pub shown_at: Mono,
    /// First line shown, when the card is longer than the screen.
    pub scroll: usize,
    /// The form it came from: `esc` goes back there.
    pub form: Option<TuneForm>,
}

impl Card {
    /// Keys typed ahead must not answer a card nobody has seen (ux.md).
    pub const DEAF_MS: u64 = 400;

    /// False while keys are still ignored.
    pub fn listens(&self, mono: Mono) -> bool {
        mono.ms_since(self.shown_at) >= Self::DEAF_MS
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tunable {
    BatchSize,
    Window,
    ParallelizationFactor,
    MaxConcurrency,
    MaxRetryAttempts,
    MaxRecordAge,
    Bisect,
    OnFailure,
    /// The function's, and not the mapping's.
    Reserve,
}

impl Tunable {
    /// What becomes of records that fail, and what the function keeps for itself: the form's other page.
    pub fn more_of(kind: SourceKind) -> &'static [Tunable] {
        if kind.is_stream() {
            &[Tunable::MaxRetryAttempts, Tunable::MaxRecordAge, Tunable::Bisect, Tunable::OnFailure, Tunable::Reserve]
        } else {
            &[Tunable::Reserve]
        }
    }

    /// Which settings this kind of source has, the one that helps most first.
    pub fn of(kind: SourceKind) -> &'static [Tunable] {
        match kind {
            SourceKind::DynamoDb | SourceKind::Kinesis => {
                &[Tunable::ParallelizationFactor, Tunable::BatchSize, Tunable::Window]
            }
            SourceKind::Sqs => &[Tunable::MaxConcurrency, Tunable::BatchSize, Tunable::Window],
            SourceKind::SqsFifo => &[Tunable::MaxConcurrency, Tunable::BatchSize],
            SourceKind::Other => &[Tunable::BatchSize, Tunable::Window],
        }
    }

    /// The API's name.
    pub fn label(self) -> &'static str {
        match self {
            Tunable::BatchSize => "BatchSize",
            Tunable::Window => "MaximumBatchingWindowInSeconds",
            Tunable::ParallelizationFactor => "ParallelizationFactor",
            Tunable::MaxConcurrency => "MaximumConcurrency",
            Tunable::MaxRetryAttempts => "MaximumRetryAttempts",
            Tunable::MaxRecordAge => "MaximumRecordAgeInSeconds",
            Tunable::Bisect => "BisectBatchOnFunctionError",
            Tunable::OnFailure => "OnFailure destination",
            Tunable::Reserve => "Reserved concurrency",
        }
    }

    /// What it means and what it may be, in a few words (aws-facts §1.1).
    pub fn hint(self) -> &'static str {
        match self {
            Tunable::BatchSize => "records a batch at most",
            Tunable::Window => "seconds to wait for a fuller batch, 0–300",
            Tunable::ParallelizationFactor => "batches at once per shard, 1–10",
            Tunable::MaxConcurrency => "runs at once, 2–1,000; empty is no limit",
            Tunable::MaxRetryAttempts => "retries of a batch that fails; empty is no end",
            Tunable::MaxRecordAge => "seconds, 60–604,800; older is given up; empty is no limit",
            Tunable::Bisect => "+ and −: halve a batch whose run fails",
            Tunable::OnFailure => "← → a queue, or an ARN; empty is none",
            Tunable::Reserve => "of the function; 0 stops it, empty is none",
        }
    }

    /// As it stands in its field; `None` is not set, or without limit.
    pub fn value(self, settings: &MappingSettings) -> Option<String> {
        let text = |n: Option<u32>| n.map(|n| n.to_string());
        let limit = |n: Option<i32>| n.filter(|n| *n >= 0).map(|n| n.to_string());
        match self {
            Tunable::BatchSize => text(settings.batch_size),
            Tunable::Window => text(settings.window_s),
            Tunable::ParallelizationFactor => text(settings.parallelization_factor),
            Tunable::MaxConcurrency => text(settings.max_concurrency),
            Tunable::MaxRetryAttempts => limit(settings.max_retry_attempts),
            Tunable::MaxRecordAge => limit(settings.max_record_age_s),
            Tunable::Bisect => settings.bisect.map(|on| if on { "on" } else { "off" }.to_owned()),
            Tunable::OnFailure => settings.on_failure.as_ref().map(|arn| arn.resource().to_owned()),
            // No setting of the mapping: it is read for the form.
            Tunable::Reserve => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TuneField {
    pub tunable: Tunable,
    pub line: Line,
    /// The value in force; `None` is not set.
    pub was: Option<String>,
    /// Nothing typed yet: the first character replaces the value.
    pub fresh: bool,
}

impl TuneField {
    pub fn is_changed(&self) -> bool {
        self.line.text().trim() != self.was.as_deref().unwrap_or_default()
    }
}

/// New settings being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TuneForm {
    pub mapping: MappingId,
    /// The function's name, for the title.
    pub name: String,
    pub kind: SourceKind,
    pub before: MappingSettings,
    pub enabled: bool,
    pub fields: Vec<TuneField>,
    /// The other page's.
    pub shelf: Vec<TuneField>,
    /// Queues that may be destinations, by name.
    pub destinations: Vec<(String, Arn)>,
    /// What the function keeps for itself; `None` until it was read.
    pub reserve: Option<ReserveReading>,
    /// A field, or after the last one a candidate of the rehearsal.
    pub focus: usize,
    /// Put what is in force now back after so long, by this process.
    pub revert_after_s: Option<u32>,
    /// What the rehearsal rests on is shown in place of its candidates, from this line on.
    pub assumptions: Option<usize>,
    /// Why these settings would be refused; empty when they would not.
    pub problems: Vec<String>,
}

impl TuneForm {
    /// To the other page, where there is one; what was typed stays.
    pub fn turn(&mut self) {
        if !self.shelf.is_empty() {
            std::mem::swap(&mut self.fields, &mut self.shelf);
            self.focus = 0;
        }
    }

    /// The candidate the cursor is on.
    pub fn candidate(&self) -> Option<usize> {
        self.focus.checked_sub(self.fields.len())
    }
}

/// A question with a few distinct answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub title: String,
    pub options: Vec<ChoiceOption>,
    pub row: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceOption {
    pub label: String,
    pub detail: String,
    pub pick: Pick,
    /// Why it cannot be chosen.
    pub off: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Pick {
    /// Redrive exactly these.
    Redrive {
        queue: QueueName,
        ids: Vec<MessageId>,
    },
    /// Redrive these too, old as they are.
    RedriveStale {
        queue: QueueName,
        ids: Vec<MessageId>,
    },
    Drop {
        queue: QueueName,
        ids: Vec<MessageId>,
    },
    /// Fetch and run what these pointers name.
    Rescue {
        queue: QueueName,
        ids: Vec<MessageId>,
    },
    Export {
        queue: QueueName,
        ids: Vec<MessageId>,
    },
    /// A move task: everything in the queue, shown or not, and what still arrives.
    MoveAll {
        queue: QueueName,
    },
    /// Try this message on this function.
    Try {
        queue: QueueName,
        id: MessageId,
        function: FunctionName,
    },
    /// Tune or stop one of several consumers.
    Tune(MappingId),
    StopStart(MappingId),
    /// Another context.
    Context(String),
    /// Cancel what runs.
    Cancel(OperationId),
    /// A change that was to be put back while nobody ran: it stays, or it is put back by its card.
    Keep(OperationId),
    PutBack(OperationId),
    /// Close the question.
    Nothing,
    /// Copy this link.
    Link(String),
}

/// One line asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    pub title: String,
    pub hint: String,
    pub line: Line,
    pub purpose: Purpose,
    pub wrong: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// The last four digits of the account.
    Arm,
    /// A note beside the acknowledgement of this finding.
    Acknowledge { keys: Vec<(String, Subject)> },
    /// What the next person should know of this kind.
    Note { queue: QueueName, kind: String },
    /// The jq program that makes other bodies of these.
    Edit { queue: QueueName, ids: Vec<MessageId> },
    /// The file these go to.
    Export { queue: QueueName, ids: Vec<MessageId> },
}

/// The result of a trial, to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub report: TrialReport,
    /// First line shown.
    pub scroll: usize,
}

/// One message at full size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    pub queue: QueueName,
    pub id: MessageId,
    /// First line shown.
    pub scroll: usize,
}
