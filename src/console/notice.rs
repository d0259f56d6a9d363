//! What is said once and goes away.

use crate::console::Console;
use crate::model::finding::Severity;
use crate::model::time::Mono;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub severity: Severity,
    pub text: String,
    pub shown_at: Mono,
}

impl Toast {
    /// Kept at most; the oldest goes first.
    pub const MAX: usize = 5;

    /// How long it stays, in local milliseconds: trouble stays longer.
    pub fn lasts_ms(&self) -> u64 {
        match self.severity {
            Severity::Harm => 15_000,
            Severity::Warning => 8_000,
            Severity::Note | Severity::Good => 5_000,
        }
    }
}

impl Console {
    pub(in crate::console) fn say(&mut self, severity: Severity, text: impl Into<String>) {
        let text = text.into();
        // The same news again refreshes the old line rather than stacking up.
        self.toasts.retain(|toast| toast.text != text);
        self.toasts.push_back(Toast { severity, text, shown_at: self.mono });
        while self.toasts.len() > Toast::MAX {
            self.toasts.pop_front();
        }
    }

    pub(in crate::console) fn expire_toasts(&mut self) {
        let mono = self.mono;
        self.toasts.retain(|toast| mono.ms_since(toast.shown_at) < toast.lasts_ms());
    }
}
