//! `tune`: change an event source mapping's settings, or stop or start it.

use crate::command::change::{confirm, facts};
use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::operate::operate;
use crate::command::{Here, print};
use crate::config::{Consent, Tune, exit};
use crate::model::mapping::{Mapping, MappingChange, MappingState};
use crate::model::plan::RetunePlan;
use crate::model::reserve::ReserveChange;
use crate::operation::setting::validate_change;
use crate::operation::{Undertaking, reserve, waiting};
use crate::shell;

pub async fn run(here: &Here, asked: Tune) -> Result<u8, Failure> {
    let look = look(here).await?;
    let mapping = match find(&look, &asked.target) {
        // What the function keeps is the same for all that feed it.
        Err(_) if asked.change.is_empty() => first_of(&look, &asked.target)?,
        found => found?,
    };
    let mapping = &mapping.clone();
    // What waits decides what these may cost; of other changes no metric says more.
    let look = if ages(&asked.change) { look.with_metrics_of(mapping).await } else { look };
    let faults = validate_change(mapping, &asked.change);
    if !faults.is_empty() {
        let lines: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
        return Err(Failure::Usage(format!("{}: Lambda would refuse this: {}", mapping.function, lines.join("; "))));
    }
    let reserve = match asked.reserve {
        Some(to) => reserved(&look, mapping, to).await?,
        None => None,
    };
    // An update that changes nothing is an update all the same: the mapping would stop reading for a while.
    // While it is Updating nobody knows what it will have.
    let enabled_before = is_enabled(mapping);
    let change = match mapping.state.is_settled() {
        true => asked.change.beside(&mapping.settings, enabled_before),
        false => asked.change,
    };
    if change.is_empty() && reserve.is_none() {
        print(&format!("{} is so already; nothing was changed\n", mapping.function))?;
        return Ok(exit::FINE);
    }
    let (reserve, about) = reserve.unzip();
    let plan = RetunePlan {
        mapping: mapping.id.clone(),
        before: mapping.settings.clone(),
        enabled_before,
        change,
        reason: asked.reason,
        revert_after_s: asked.revert_after_s,
        reserve,
    };
    let mut about = about.unwrap_or_default();
    about.extend(waiting::effects(&look.picture, look.now, &plan));
    retune(here, &look, mapping, plan, about, asked.consent).await
}

/// The change is dangerous by how old what waits is.
fn ages(change: &MappingChange) -> bool {
    change.enabled == Some(false) || change.max_record_age_s.is_some_and(|s| s > 0)
}

/// The change of the function's reserve and what it does to others; `None` when it is so already.
///
/// # Errors
/// The reserve could not be read, or Lambda would refuse the new one.
pub async fn reserved(
    look: &Look,
    mapping: &Mapping,
    to: Option<u32>,
) -> Result<Option<(ReserveChange, Vec<String>)>, Failure> {
    let reading = shell::reserve::read(&look.account, mapping).await;
    let before = reading.reserve.clone().map_err(|why| {
        Failure::Unreachable(format!("the reserved concurrency of {} could not be read: {why}", mapping.function))
    })?;
    if to == before {
        return Ok(None);
    }
    let change = ReserveChange { function: mapping.function.clone(), before, to };
    if let Some(why) = reserve::fault(&change, reading.limits) {
        return Err(Failure::Usage(format!("{}: Lambda would refuse this: {why}", mapping.function)));
    }
    let about = reserve::effects(&look.picture, &change, &reading, look.now);
    Ok(Some((change, about)))
}

/// Shows the card, and with consent changes the mapping and follows it until it is settled.
pub async fn retune(
    here: &Here,
    look: &Look,
    mapping: &Mapping,
    plan: RetunePlan,
    about: Vec<String>,
    consent: Consent,
) -> Result<u8, Failure> {
    let mut facts = facts(look, here, mapping.function.as_str());
    facts.about = about;
    facts.checked.push(format!("State is {}", mapping.state));
    let Some(confirmed) = confirm(plan, &facts, consent)? else { return Ok(exit::FINE) };
    let finished = operate(here, look, Undertaking::Retune(confirmed)).await?;
    print(&(finished.report.line() + "\n"))?;
    Ok(finished.code())
}

/// By UUID, or by the name of a function that has only one mapping.
pub fn find<'a>(look: &'a Look, name: &str) -> Result<&'a Mapping, Failure> {
    let all = || look.picture.mappings.values().map(|mapping| &mapping.value);
    let found: Vec<&Mapping> =
        all().filter(|mapping| mapping.id.as_str() == name || mapping.function.as_str() == name).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let known: Vec<String> = all().map(|mapping| mapping.function.to_string()).collect();
            let known = if known.is_empty() { "none was found".to_owned() } else { known.join(", ") };
            Err(Failure::Usage(format!("no event source mapping {name:?}; there are: {known}")))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|mapping| mapping.id.as_str()).collect();
            Err(Failure::Usage(format!("{name} has several mappings; name one: {}", ids.join(", "))))
        }
    }
}

/// Any mapping of the function.
fn first_of<'a>(look: &'a Look, name: &str) -> Result<&'a Mapping, Failure> {
    let mut all = look.picture.mappings.values().map(|mapping| &mapping.value);
    all.find(|mapping| mapping.function.as_str() == name).map_or_else(|| find(look, name), Ok)
}

pub fn is_enabled(mapping: &Mapping) -> bool {
    !matches!(mapping.state, MappingState::Disabled | MappingState::Disabling)
}
