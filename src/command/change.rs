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
        ..Facts::default()
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
        config::Consent::Yes => {}
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
