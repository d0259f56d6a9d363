//! `redrive context …`: what was asked, with what can be judged without asking anybody.

use crate::config::file::{Section, check_name, unknown_context};
use crate::config::flags::PlaceFlags;
use crate::config::flags::context::{ContextCommand, InitFlags};
use crate::config::{Action, ContextAction, ContextFile, Stop};
use crate::model::context::{Colour, Context};

pub(super) fn validate(command: ContextCommand, flags: &PlaceFlags, file: &ContextFile) -> Result<Action, Stop> {
    Ok(Action::Context(match command {
        ContextCommand::List(flags) => ContextAction::List(flags.output),
        ContextCommand::Use { name } => {
            if !file.contexts.contains_key(&name) {
                let known: Vec<&str> = file.contexts.keys().map(String::as_str).collect();
                let said = unknown_context(&name, &known);
                return Err(Stop::fault(format!("{said} ({})", file.path.display())));
            }
            ContextAction::Use(name)
        }
        ContextCommand::Show { output, .. } => ContextAction::Show(output.output),
        ContextCommand::Init(asked) => init(asked, flags)?,
    }))
}

fn init(asked: InitFlags, flags: &PlaceFlags) -> Result<ContextAction, Stop> {
    let colour = match &asked.colour {
        None => None,
        Some(name) => {
            let found = Colour::ALL.iter().find(|(known, _)| known == name).map(|(_, colour)| *colour);
            let known = Colour::ALL.map(|(name, _)| name).join(", ");
            Some(found.ok_or_else(|| Stop::fault(format!("--colour {name:?} is none of {known}")))?)
        }
    };
    if let Some(name) = &asked.name {
        check_name(name).map_err(Stop::fault)?;
    }
    let context = Context { colour, protected: asked.protected, read_only: asked.never_write, ..Context::default() };
    let section = Section {
        profile: flags.profile.clone(),
        region: flags.region.clone(),
        endpoint_url: flags.endpoint_url.clone(),
        role: asked.role,
        prefix: flags.prefix.clone(),
        stack: flags.stack.clone(),
        context,
    };
    Ok(ContextAction::Init { name: asked.name, section: Box::new(section) })
}
