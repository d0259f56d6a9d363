//! Arming writes, and the one question every write asks first.

use crate::console::Console;
use crate::console::armed::Armed;
use crate::console::key::Line;
use crate::console::overlay::{Overlay, Prompt, Purpose};
use crate::model::finding::Severity;

/// `W`: asks for the digits, or disarms.
pub(super) fn toggle(console: &mut Console) {
    match console.armed {
        Armed::Always => console.say(Severity::Note, "the sandbox is always armed: nothing real can be harmed"),
        Armed::ReadOnly { locked: true } => {
            let line = locked(console);
            console.say(Severity::Warning, format!("{line}: nothing in here lifts that"));
        }
        Armed::Until(_) => {
            console.armed = Armed::ReadOnly { locked: false };
            console.say(Severity::Note, "read-only again");
        }
        Armed::ReadOnly { locked: false } => ask(console),
    }
}

/// `--write`: as soon as the account is known.
pub(super) fn asked_on_the_command_line(console: &mut Console) {
    if std::mem::take(&mut console.arm_wanted) {
        ask(console);
    }
}

fn ask(console: &mut Console) {
    let context = &console.options.context;
    let hint = if context.protected {
        format!("{name} is protected: type the name of the context, {name}", name = context.name)
    } else {
        "type the last four digits of the account".to_owned()
    };
    if last4(console).is_none() {
        console.say(Severity::Warning, "the account is not known yet: writes cannot be armed");
        return;
    }
    console.overlays.push(Overlay::Prompt(Prompt {
        title: "Arm writes for 60 minutes".to_owned(),
        hint,
        line: Line::default(),
        purpose: Purpose::Arm,
        wrong: None,
    }));
}

/// # Errors
/// What was typed is not the account's.
pub(super) fn answer(console: &mut Console, typed: &str) -> Result<(), String> {
    let context = &console.options.context;
    let right = match last4(console) {
        None => false,
        Some(_) if context.protected => context.name == typed.trim(),
        Some(digits) => digits == typed.trim(),
    };
    if right {
        console.armed = Armed::Until(console.mono.plus_ms(Armed::FOR_MS));
        console.say(Severity::Warning, "writes are armed for 60 minutes; W disarms them");
        Ok(())
    } else {
        Err(if context.protected {
            format!("{typed:?} is not the name of this context, {}", context.name)
        } else {
            format!("{typed:?} are not the last four digits of this account")
        })
    }
}

pub(super) fn ran_out(console: &mut Console) {
    console.say(
        Severity::Note,
        format!("the 60 minutes are over: read-only again; {} arms writes", console.key_of("arm")),
    );
}

/// True when writing is allowed; else says how it would be.
pub(super) fn allows(console: &mut Console, what: &str) -> bool {
    if console.may_write() {
        if console.from_cache {
            console
                .say(Severity::Warning, format!("{what} waits: what is shown is from cache, not the account's word"));
        }
        return !console.from_cache;
    }
    let line = match console.armed {
        Armed::ReadOnly { locked: true } => format!("{what} writes, and {}", locked(console)),
        _ => {
            format!("{what} writes, and the console is read-only: {} arms writes for 60 minutes", console.key_of("arm"))
        }
    };
    console.say(Severity::Warning, line);
    false
}

fn locked(console: &Console) -> String {
    if console.options.context.read_only {
        return format!("the context {} is read-only", console.options.context.name);
    }
    "the console was started with --read-only".to_owned()
}

fn last4(console: &Console) -> Option<String> {
    let account = &console.picture.identity.as_ref()?.value.account;
    let start = account.len().checked_sub(4)?;
    account.get(start..).map(str::to_owned)
}
