//! Checks of the commands that look into a dead-letter queue.

use crate::config::flags::letter::{DropFlags, ExportFlags, PickFlags, RestoreFlags, ShowFlags};
use crate::config::letter::{Backup, Letters, Pick, Restore};
use crate::config::validate::consent;
use crate::config::{Action, Stop};

pub(in crate::config) fn show(flags: ShowFlags) -> Result<Action, Stop> {
    Ok(Action::ShowLetters { letters: letters(flags.pick)?, reveal: flags.reveal, output: flags.output.output })
}

pub(in crate::config) fn export(flags: ExportFlags) -> Result<Action, Stop> {
    let to = (flags.to.as_os_str() != "-").then_some(flags.to);
    Ok(Action::Export { letters: letters(flags.pick)?, to })
}

/// A drop without a word about which messages would be a purge.
pub(in crate::config) fn drop(flags: DropFlags) -> Result<Action, Stop> {
    let letters = letters(flags.pick)?;
    if letters.pick.expression.is_none() && letters.pick.ids.is_empty() {
        return Err(Stop::fault("say which messages: --where EXPR or --id ID; everything is --where 'age>=0s'"));
    }
    Ok(Action::Drop { letters, reason: flags.reason, output: flags.output.output })
}

pub(in crate::config) fn restore(flags: RestoreFlags) -> Result<Action, Stop> {
    let from = match (flags.file, flags.operation) {
        (Some(file), _) => Backup::File(file),
        (None, Some(id)) => Backup::Operation { id, again: flags.again },
        (None, None) => return Err(Stop::fault("say where the copies are: --file FILE or --operation OPERATION")),
    };
    Ok(Action::Restore(Restore {
        queue: flags.queue,
        from,
        pick: pick(flags.expression, flags.id, flags.limit)?,
        to_origin: flags.to_origin,
        reason: flags.reason,
        consent: consent(&flags.consent),
        output: flags.output.output,
    }))
}

fn letters(flags: PickFlags) -> Result<Letters, Stop> {
    if flags.max == 0 {
        return Err(Stop::fault("--max 0 looks at nothing"));
    }
    Ok(Letters {
        queue: flags.queue,
        pick: pick(flags.expression, flags.id, flags.limit)?,
        max: flags.max,
        consent: consent(&flags.consent),
    })
}

pub(in crate::config) fn pick(
    expression: Option<String>,
    mut ids: Vec<String>,
    limit: Option<usize>,
) -> Result<Pick, Stop> {
    if limit == Some(0) {
        return Err(Stop::fault("--limit 0 takes nothing"));
    }
    ids.sort();
    ids.dedup();
    Ok(Pick { expression: expression.filter(|text| !text.trim().is_empty()), ids, limit })
}
