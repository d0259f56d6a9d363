//! `dlq try`: nothing that parses is wrong, but blanks.

use crate::config::flags::try_one::TryFlags;
use crate::config::validate::consent;
use crate::config::{Action, Stop, Try};

pub(super) fn try_one(flags: TryFlags) -> Result<Action, Stop> {
    if flags.id.as_deref().is_some_and(|id| id.trim().is_empty()) {
        return Err(Stop::fault("--id is empty: give a message id, or leave it out to try the first that is found"));
    }
    if flags.edit.as_deref().is_some_and(|program| program.trim().is_empty()) {
        return Err(Stop::fault("--edit: a jq program is needed, as '.body.to = \"a@b.c\"'"));
    }
    Ok(Action::Try(Try {
        queue: flags.queue,
        id: flags.id.map(|id| id.trim().to_owned()),
        function: flags.function,
        edit: flags.edit,
        reveal: flags.reveal,
        output: flags.output.output,
        consent: consent(&flags.consent),
        reason: flags.reason,
    }))
}
