//! `dlq rescue`: what its flags mean together.

use crate::config::flags::rescue::RescueFlags;
use crate::config::validate::consent;
use crate::config::{Action, Rescue, Stop};

pub(super) fn rescue(flags: RescueFlags) -> Result<Action, Stop> {
    if flags.max == 0 {
        return Err(Stop::fault("--max 0 looks at nothing"));
    }
    if let Some(file) = flags.save.as_ref().filter(|file| file.exists()) {
        return Err(Stop::fault(format!("--save {}: there is such a file; choose a new one", file.display())));
    }
    let mut ids = flags.id;
    ids.sort();
    ids.dedup();
    Ok(Action::Rescue(Rescue {
        queue: flags.queue,
        ids,
        save: flags.save,
        replay: flags.replay,
        max: flags.max,
        output: flags.output.output,
        consent: consent(&flags.consent),
        reason: flags.reason,
    }))
}
