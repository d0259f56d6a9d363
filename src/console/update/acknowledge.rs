//! `a`: puts a finding aside until it gets worse, with a note, and takes it back. The journal keeps it
//! for the next start and for every other console of the account.

use crate::console::Asked;
use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::key::Line;
use crate::console::overlay::{Overlay, Prompt, Purpose};
use crate::console::rows::finding_key;
use crate::console::screen::Screen;
use crate::model::acknowledgement::{Acknowledged, Acknowledgement, FindingKey};
use crate::model::finding::Severity;
use crate::verdict;

/// What the cursor is on: what it is called, the keys it stands for, and whether all of them are
/// acknowledged. A line of the posture stands for everything under it.
fn here(console: &Console) -> Option<(String, Vec<FindingKey>, bool)> {
    if *console.screen() == Screen::Posture {
        let advice = console.current_advice()?;
        return Some((advice.headline.clone(), vec![advice.key()], console.advice_acknowledgement(advice).is_some()));
    }
    let finding = console.current_finding()?;
    let known = console.acknowledgement(finding).is_some();
    let keys = if verdict::posture::is_posture(&finding.rule) {
        let members = console.posture_members(&finding.rule);
        let open = members.filter(|advice| known || console.advice_acknowledgement(advice).is_none());
        open.map(|advice| advice.key()).collect()
    } else {
        vec![finding_key(finding)]
    };
    Some((finding.headline.clone(), keys, known))
}

pub(super) fn toggle(console: &mut Console) -> Vec<Effect> {
    let Some((headline, keys, known)) = here(console) else {
        console.say(Severity::Note, "nothing to acknowledge");
        return Vec::new();
    };
    if known {
        keys.iter().for_each(|key| drop(console.acknowledged.remove(key)));
        console.judge();
        console.say(Severity::Note, "no longer acknowledged");
        return save(console, keys, None);
    }
    console.overlays.push(Overlay::Prompt(Prompt {
        title: format!("Acknowledge: {headline}"),
        hint: "a note for whoever looks next; enter without one is fine. It comes back when it gets worse".to_owned(),
        line: Line::default(),
        purpose: Purpose::Acknowledge { keys },
        wrong: None,
    }));
    Vec::new()
}

/// The prompt was answered. What went away meanwhile is left out.
pub(super) fn put(console: &mut Console, keys: &[FindingKey], note: &str) -> Vec<Effect> {
    let severity = |key: &FindingKey| {
        let finding = console.findings.iter().find(|finding| finding_key(finding) == *key);
        let advice = || console.posture.advice.iter().find(|advice| advice.key() == *key);
        finding.map(|finding| finding.severity).or_else(|| advice().map(|advice| advice.severity))
    };
    let by = console.picture.identity.as_ref().map_or(String::new(), |identity| identity.value.arn.clone());
    let found: Vec<_> = keys.iter().filter_map(|key| Some((key.clone(), severity(key)?))).collect();
    let mut effects = Vec::new();
    // One severity an effect: the members of one line may differ.
    for severity in [Severity::Harm, Severity::Warning, Severity::Note, Severity::Good] {
        let keys: Vec<_> = found.iter().filter(|(_, of)| *of == severity).map(|(key, _)| key.clone()).collect();
        if keys.is_empty() {
            continue;
        }
        let acknowledgement = Acknowledgement { severity, at: console.now, note: note.to_owned(), by: by.clone() };
        console.acknowledged.extend(keys.iter().map(|key| (key.clone(), acknowledgement.clone())));
        effects.extend(save(console, keys, Some(acknowledgement)));
    }
    console.judge();
    effects
}

fn save(console: &mut Console, keys: Vec<FindingKey>, acknowledgement: Option<Acknowledgement>) -> Vec<Effect> {
    console.acknowledging += 1;
    vec![Effect::Acknowledge { keys, acknowledgement }]
}

/// What got worse is back for good, and for everybody.
pub(super) fn forget_worsened(console: &mut Console) -> Vec<Effect> {
    let keys = std::mem::take(&mut console.worsened);
    if keys.is_empty() { Vec::new() } else { save(console, keys, None) }
}

pub(super) fn arrived(console: &mut Console, saved: bool, result: Result<Acknowledged, String>) -> Vec<Effect> {
    if saved {
        console.acknowledging = console.acknowledging.saturating_sub(1);
    } else {
        console.schedule.acknowledged.answered(result.is_ok());
    }
    match result {
        Ok(acknowledged) => {
            console.troubles.remove(&Asked::Acknowledged);
            // An older answer must not undo what was just pressed.
            if console.acknowledging == 0 && console.frozen_at.is_none() {
                console.acknowledged = acknowledged;
                console.judge();
            }
        }
        Err(why) => {
            let line = format!("acknowledgements are not kept: {why}");
            console.troubles.insert(Asked::Acknowledged, line);
        }
    }
    Vec::new()
}
