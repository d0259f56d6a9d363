//! Operations of this session: what was started, how far it is, what came of it; and the retunes
//! still followed after Lambda calls them settled.

use crate::model::id::{FunctionName, MappingId, MessageId, OperationId, QueueName};
use crate::model::plan::{Plan, RetunePlan};
use crate::model::rehearsal::Foreseen;
use crate::model::time::Timestamp;
use crate::operation::progress::{Kind, Phase, Progress};
use crate::verdict::foretold::{Retuned, Standing};

#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    pub id: OperationId,
    pub kind: Kind,
    /// `Redrive 3 messages from JobDLQ`
    pub title: String,
    pub about: About,
    pub started_at: Timestamp,
    /// The newest; `None` until the first came. `found` is always empty here: the snapshot has it.
    pub progress: Option<Progress>,
    /// Present once it is over: what came of it, in one line.
    pub ended: Option<Ended>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub at: Timestamp,
    /// Nothing failed.
    pub well: bool,
    pub line: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum About {
    Scan(QueueName),
    /// Exactly these.
    Redrive {
        queue: QueueName,
        ids: Vec<MessageId>,
    },
    MoveAll(QueueName),
    /// Exactly these.
    Drop {
        queue: QueueName,
        ids: Vec<MessageId>,
    },
    /// Exactly these pointers.
    Rescue {
        queue: QueueName,
        ids: Vec<MessageId>,
    },
    Retune(Box<RetunePlan>),
    Trial {
        queue: QueueName,
        id: MessageId,
    },
    /// A scan that was cut off and is only closed in the journal.
    Closing(QueueName),
}

impl About {
    /// What an operation of the journal is about when it is taken up again.
    pub fn resumed(plan: &Plan) -> Self {
        match plan {
            Plan::Scan(plan) => About::Closing(plan.queue.name()),
            Plan::Redrive(plan) => About::Redrive { queue: plan.from.name(), ids: plan.ids.clone() },
            Plan::MoveAll(plan) => About::MoveAll(plan.from.name()),
            Plan::Rescue(plan) => About::Rescue { queue: plan.from.name(), ids: plan.ids.clone() },
            Plan::Rerun(plan) => About::Closing(plan.bucket.as_str().into()),
            Plan::Drop(plan) => About::Drop { queue: plan.from.name(), ids: plan.ids.clone() },
            Plan::Restore(plan) => About::Closing(plan.messages.first().map_or("".into(), |(_, queue)| queue.name())),
            Plan::Note(plan) => About::Closing(plan.queue.clone()),
            Plan::Trial(plan) => About::Trial { queue: plan.from.name(), id: plan.id.clone() },
            Plan::Retune(plan) => About::Retune(Box::new(plan.clone())),
        }
    }
}

impl Running {
    pub fn is_running(&self) -> bool {
        self.ended.is_none()
    }

    pub fn is_paused(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| progress.phase == Phase::Paused)
    }

    /// Done, and waiting for the time to put it back: it holds nobody up.
    pub fn is_holding(&self) -> bool {
        self.is_running() && self.progress.as_ref().is_some_and(|progress| progress.phase == Phase::Holding)
    }

    /// Holds messages under a lease or has a mover at work (design, two kinds of time).
    pub fn holds_speed(&self) -> bool {
        self.is_running()
            && matches!(
                self.kind,
                Kind::Scan | Kind::Redrive | Kind::MoveAll | Kind::Trial | Kind::Rescue | Kind::Rerun | Kind::Drop
            )
    }

    /// How far it is, or what came of it, in one line.
    pub fn line(&self) -> &str {
        match (&self.ended, &self.progress) {
            (Some(ended), _) => &ended.line,
            (None, Some(progress)) => &progress.line,
            (None, None) => "starting",
        }
    }

    pub fn queue(&self) -> Option<&QueueName> {
        match &self.about {
            About::Scan(queue)
            | About::Redrive { queue, .. }
            | About::MoveAll(queue)
            | About::Trial { queue, .. }
            | About::Drop { queue, .. }
            | About::Rescue { queue, .. }
            | About::Closing(queue) => Some(queue),
            About::Retune(_) => None,
        }
    }

    pub fn mapping(&self) -> Option<&MappingId> {
        match &self.about {
            About::Retune(plan) => Some(&plan.mapping),
            _ => None,
        }
    }
}

/// A retune that was settled and now has to prove itself: `Enabled` is not `effective`
/// (aws-facts §1.3).
#[derive(Debug, Clone, PartialEq)]
pub struct Follow {
    pub mapping: MappingId,
    pub function: FunctionName,
    /// `parallel 1→5`
    pub what: String,
    /// What the function keeps for itself now, where that was changed; `None` inside is nothing.
    pub reserve: Option<Option<u32>>,
    /// When the settings were settled.
    pub settled_at: Timestamp,
    pub state: Effectiveness,
    /// What was foretold of it, where it was rehearsed.
    pub foreseen: Option<Foreseen>,
    pub standing: Standing,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Effectiveness {
    /// Enabled; the metrics of periods begun since do not say anything yet.
    Awaited,
    /// `effective: age falling since 03:14Z`
    Seen(String),
    /// No effect within [`Follow::PATIENCE_MS`]; said once, and no longer followed.
    NotSeen,
}

impl Follow {
    /// How long the metrics are watched for an effect before the console says that there is none.
    pub const PATIENCE_MS: i64 = 30 * 60 * 1000;
    /// How long it is compared with before, and with its forecast.
    pub const GUARDED_MS: i64 = 3 * 3_600 * 1000;

    pub fn line(&self) -> String {
        match self.standing.words(self.foreseen.as_ref()) {
            Some(words) => format!("{}; {words}", self.effect()),
            None => self.effect(),
        }
    }

    /// For the rules that compare it.
    pub fn retuned(&self) -> Retuned<'_> {
        Retuned {
            mapping: &self.mapping,
            function: &self.function,
            what: &self.what,
            settled_at: self.settled_at,
            foreseen: self.foreseen.as_ref(),
        }
    }

    fn effect(&self) -> String {
        match &self.state {
            Effectiveness::Awaited => {
                format!("{}: settled {}, waiting for metrics to confirm it", self.what, self.settled_at.clock())
            }
            Effectiveness::Seen(line) => format!("{}: {line}", self.what),
            Effectiveness::NotSeen => format!("{}: no effect seen in the metrics within 30 m", self.what),
        }
    }
}
