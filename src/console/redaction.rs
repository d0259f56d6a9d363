//! Bodies as this context lets them be shown. Revealing is for the screen that is open and ends when it
//! is left; it changes nothing of what is exported, moved or deleted.

use crate::console::Console;
use crate::model::redaction::{NOTHING, Redaction};

impl Console {
    /// What bodies go through before they are drawn.
    pub fn redaction(&self) -> &Redaction {
        if self.revealed.is_some() { &NOTHING } else { &self.options.context.redact }
    }

    /// What the journal's own texts go through: nothing reveals those here.
    pub fn redaction_of_kept(&self) -> &Redaction {
        &self.options.redact_kept
    }

    /// What to say beside a body; `None` where the context redacts nothing.
    pub fn redaction_note(&self) -> Option<String> {
        self.options.context.redact.is_on().then_some(match self.revealed {
            Some(_) => format!("revealed, {} hides", self.key_of("reveal")),
            None => format!("redacted, {} reveals", self.key_of("reveal")),
        })
    }
}
