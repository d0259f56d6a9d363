//! Whether anything may be written. Read-only is where a console on an account starts; it is lifted
//! for an hour by somebody who types the last four digits of the account.

use crate::model::time::Mono;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Armed {
    /// `locked`: asked for on the command line; nothing in the console lifts it.
    ReadOnly { locked: bool },
    /// Local time, so that an hour is an hour however fast the account's time runs.
    Until(Mono),
    /// The sandbox: there is nothing real to harm.
    Always,
}

impl Armed {
    /// How long writes stay armed (ux.md, "Nothing is written by accident").
    pub const FOR_MS: u64 = 60 * 60 * 1000;

    pub fn may_write(self, mono: Mono) -> bool {
        match self {
            Armed::ReadOnly { .. } => false,
            Armed::Until(until) => mono < until,
            Armed::Always => true,
        }
    }

    /// Milliseconds left, for the header; `None` when nothing runs out.
    pub fn left_ms(self, mono: Mono) -> Option<u64> {
        match self {
            Armed::Until(until) => Some(until.ms_since(mono)),
            Armed::ReadOnly { .. } | Armed::Always => None,
        }
    }

    /// Read-only again once its time is over.
    #[must_use]
    pub fn at(self, mono: Mono) -> Self {
        if matches!(self, Armed::Until(until) if mono >= until) { Armed::ReadOnly { locked: false } } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_end_when_their_hour_is_over() {
        let armed = Armed::Until(Mono::from_ms(Armed::FOR_MS));
        assert!(armed.may_write(Mono::from_ms(Armed::FOR_MS - 1)));
        assert!(!armed.may_write(Mono::from_ms(Armed::FOR_MS)));
        assert_eq!(armed.at(Mono::from_ms(Armed::FOR_MS)), Armed::ReadOnly { locked: false });
        assert_eq!(Armed::Always.at(Mono::from_ms(u64::MAX)), Armed::Always);
    }
}
