//! What every writing command does: print the preflight card, stop unless `--yes`, and only then
//! have a confirmed plan.

use crate::command::failure::Failure;
use crate::command::look::Look;
use crate::command::{Here, say};
use crate::config;
use crate::operation::card::Facts;
use crate::operation::confirm::{Confirmed, Consent, Level, Planned, Preflight};
use crate::report;

/// What goes onto the card beside the plan.
pub fn facts(look: &Look, here: &Here, subject: &str) -> Facts {
    let identity = look.picture.identity.as_ref().map(|identity| identity.value.clone()).unwrap_or_default();
    Facts {
        account: identity.account,
        alias: identity.alias,
        region: look.account.region().to_owned(),
        profile: here.place.profile.clone(),
        endpoint_url: here.place.endpoint_url.clone(),
        subject: subject.to_owned(),
        protected: here.place.context.protected,
        locked: locked(here),
        ..Facts::default()
    }
}

/// A context that is read-only stays so, and one that is protected is named by whoever writes in it.
fn locked(here: &Here) -> Option<String> {
    let context = &here.place.context;
    let name = &context.name;
    let named = || here.place.settings.iter().any(|s| s.name == "context" && matches!(s.from, config::Source::Flag(_)));
    if context.read_only {
        Some(format!("the context {name} is read-only: nothing was changed"))
    } else if context.protected && !named() {
        Some(format!("the context {name} is protected: a command that changes something names it, --context {name}"))
    } else {
        None
    }
}

/// Shows the card. `Ok(None)` after a dry run.
///
/// # Errors
/// Without `--yes`: refused by a safety rule.
pub fn confirm<T: Planned>(plan: T, facts: &Facts, consent: config::Consent) -> Result<Option<Confirmed<T>>, Failure> {
    let preflight = Preflight::new(plan, facts);
    say(&report::card::text(preflight.card()));
    match consent {
        config::Consent::Yes => {
            if let Some(why) = &facts.locked {
                return Err(Failure::Refused(why.clone()));
            }
        }
        config::Consent::DryRun => {
            say("redrive: dry run, nothing was changed");
            return Ok(None);
        }
        config::Consent::Missing => {
            let why = "nothing was changed; --yes does it, --dry-run only shows this card";
            return Err(Failure::Refused(why.to_owned()));
        }
    }
    // Whoever writes `--yes` names the queue or mapping in the same line, and has the count on the
    // card's own dry run; the flag stands for typing it.
    let consent = match preflight.level() {
        Level::Button => Consent::Enter,
        Level::Account { account_last4 } => Consent::Account(account_last4.clone()),
        Level::Count(count) => Consent::Count(count.to_string()),
        Level::Irreversible { count, account_last4 } => {
            Consent::CountAndAccount { count: count.to_string(), account_last4: account_last4.clone() }
        }
    };
    match preflight.accept(&consent) {
        Ok(confirmed) => Ok(Some(confirmed)),
        Err((_, why)) => Err(Failure::Refused(why.to_string())),
    }
}
