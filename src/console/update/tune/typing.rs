//! Typing new settings: what a key does to a field, and what the fields come to.

use crate::console::key::{Code, Key, Line};
use crate::console::overlay::{Tunable, TuneField, TuneForm};
use crate::model::id::Arn;
use crate::model::mapping::MappingChange;
use crate::operation::setting::{RECORD_AGE_MIN_S, RETRIES_MAX};

/// A character that belongs to the text under the cursor and is no command of the form.
pub(super) fn is_text(form: &TuneForm, key: Key) -> bool {
    let names = form.fields.get(form.focus).is_some_and(|field| field.tunable == Tunable::OnFailure);
    names && key.typed().is_some()
}

pub(super) fn type_in(form: &mut TuneForm, key: Key) {
    let Some(field) = form.fields.get_mut(form.focus) else { return };
    let takes = |c: char| match field.tunable {
        Tunable::OnFailure => !c.is_whitespace(),
        Tunable::Bisect => false,
        _ => c.is_ascii_digit(),
    };
    // Six digits hold every limit Lambda has.
    let most = if field.tunable == Tunable::OnFailure { 256 } else { 6 };
    let typed = key.typed();
    if typed.is_some_and(|c| !takes(c)) || (typed.is_some() && !field.fresh && field.line.text().len() >= most) {
        return;
    }
    // What is not known yet is not changed.
    let unread = form.reserve.as_ref().is_none_or(|reading| reading.reserve.is_err());
    if field.tunable == Tunable::Bisect || (field.tunable == Tunable::Reserve && unread) {
        return;
    }
    // The first thing typed replaces what stands there, as on a selected text.
    if field.fresh && (typed.is_some() || key.code == Code::Backspace) {
        field.line = Line::default();
    }
    if field.line.edit(key) {
        field.fresh = false;
    }
}

pub(super) fn nudge(form: &mut TuneForm, by: i64) {
    let unread = form.reserve.as_ref().is_none_or(|reading| reading.reserve.is_err());
    let names: Vec<String> = form.destinations.iter().map(|(name, _)| name.clone()).collect();
    let Some(field) = form.fields.get_mut(form.focus) else { return };
    let text = field.line.text().trim().to_owned();
    let number = text.parse::<i64>().ok();
    let next = match field.tunable {
        Tunable::Bisect => if text == "on" { "off" } else { "on" }.to_owned(),
        Tunable::OnFailure => beside(&names, &text, by),
        // Below 0 there is none.
        Tunable::Reserve if unread => return,
        Tunable::Reserve => limit(number.map_or(by - 1, |n| n + by), 0, 999_999),
        // Below 0 there is no end.
        Tunable::MaxRetryAttempts => limit(number.map_or(by - 1, |n| n + by), 0, i64::from(RETRIES_MAX)),
        Tunable::MaxRecordAge => {
            let least = i64::from(RECORD_AGE_MIN_S);
            limit(number.map_or(by.signum() * least, |n| n + by * least), least, 999_999)
        }
        _ => (number.unwrap_or(0) + by).clamp(0, 999_999).to_string(),
    };
    field.line = Line::new(next);
    field.fresh = false;
}

/// Empty, which is no limit, below the least.
fn limit(n: i64, least: i64, most: i64) -> String {
    if n < least { String::new() } else { n.min(most).to_string() }
}

/// The name after (or before) this one; none at either end.
fn beside(names: &[String], now: &str, by: i64) -> String {
    let at = names.iter().position(|name| name == now).map_or(0, |at| at as i64 + 1);
    let next = (at + by).rem_euclid(names.len() as i64 + 1);
    usize::try_from(next - 1).ok().and_then(|at| names.get(at)).cloned().unwrap_or_default()
}

/// What the form changes, or which of its texts mean nothing.
pub(super) fn change(form: &TuneForm) -> Result<MappingChange, Vec<String>> {
    let mut change = MappingChange::default();
    let mut problems = Vec::new();
    for field in form.fields.iter().chain(&form.shelf).filter(|field| field.is_changed()) {
        if let Err(problem) = take_in(&mut change, form, field) {
            problems.push(format!("{}: {problem}", field.tunable.label()));
        }
    }
    if problems.is_empty() { Ok(change) } else { Err(problems) }
}

fn take_in(change: &mut MappingChange, form: &TuneForm, field: &TuneField) -> Result<(), String> {
    let text = field.line.text().trim();
    let number = || text.parse::<u32>().map_err(|_| "a whole number is needed".to_owned());
    // Nothing there is no limit.
    let or_none = || match text {
        "" => Ok(-1),
        _ => text.parse::<i32>().map_err(|_| "a whole number is needed, or nothing for no limit".to_owned()),
    };
    match field.tunable {
        Tunable::BatchSize => change.batch_size = Some(number()?),
        Tunable::Window => change.window_s = Some(number()?),
        Tunable::ParallelizationFactor => change.parallelization_factor = Some(number()?),
        Tunable::MaxConcurrency if text.is_empty() => change.max_concurrency = Some(None),
        Tunable::MaxConcurrency => change.max_concurrency = Some(Some(number()?)),
        Tunable::MaxRetryAttempts => change.max_retry_attempts = Some(or_none()?),
        Tunable::MaxRecordAge => change.max_record_age_s = Some(or_none()?),
        Tunable::Bisect => change.bisect = Some(text == "on"),
        Tunable::OnFailure => change.on_failure = Some(destination(form, text)?),
        // No change of the mapping's: see `tune::reserve`.
        Tunable::Reserve => {}
    }
    Ok(())
}

fn destination(form: &TuneForm, text: &str) -> Result<Option<Arn>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with("arn:") {
        return Ok(Some(Arn::from(text)));
    }
    let known = form.destinations.iter().find(|(name, _)| name == text).map(|(_, arn)| arn.clone());
    known.map(Some).ok_or_else(|| format!("no queue {text:?} is known here; write the ARN of a queue, topic or bucket"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::{MappingSettings, SourceKind};

    const FAILURES: &str = "arn:aws:sqs:r:1:LogFailures";

    fn form() -> TuneForm {
        let before = MappingSettings {
            max_retry_attempts: Some(-1),
            max_record_age_s: Some(600),
            bisect: Some(false),
            ..MappingSettings::default()
        };
        let field = |tunable: &Tunable| {
            let was = tunable.value(&before);
            TuneField { tunable: *tunable, line: Line::new(was.clone().unwrap_or_default()), was, fresh: true }
        };
        TuneForm {
            mapping: "u".into(),
            name: "LogWorker".to_owned(),
            kind: SourceKind::DynamoDb,
            fields: Tunable::more_of(SourceKind::DynamoDb).iter().map(field).collect(),
            shelf: Tunable::of(SourceKind::DynamoDb).iter().map(field).collect(),
            destinations: vec![("LogFailures".to_owned(), FAILURES.into()), ("Other".to_owned(), "arn:o".into())],
            before,
            enabled: true,
            reserve: None,
            focus: 0,
            revert_after_s: None,
            assumptions: None,
            problems: Vec::new(),
        }
    }

    fn typed(form: &mut TuneForm, text: &str) {
        text.chars().for_each(|c| type_in(form, Key::char(c)));
    }

    #[test]
    fn no_limit_is_an_empty_field_and_each_kind_of_field_takes_its_own_keys() {
        let mut form = form();
        assert_eq!(change(&form), Ok(MappingChange::default()), "nothing was typed");
        typed(&mut form, "x5");
        form.focus = 1;
        nudge(&mut form, -1);
        nudge(&mut form, -10);
        form.focus = 2;
        nudge(&mut form, 1);
        form.focus = 3;
        nudge(&mut form, 1);
        let expected = MappingChange {
            max_retry_attempts: Some(5),
            max_record_age_s: Some(-1),
            bisect: Some(true),
            on_failure: Some(Some(FAILURES.into())),
            ..MappingChange::default()
        };
        assert_eq!(change(&form), Ok(expected.clone()));
        form.turn();
        assert_eq!(change(&form), Ok(expected), "what was typed on the other page stays");
    }

    #[test]
    fn a_destination_is_a_known_queue_or_an_arn() {
        let mut form = form();
        form.focus = 3;
        assert!(is_text(&form, Key::char('r')), "letters are the name's here");
        typed(&mut form, "Nowhere");
        assert!(change(&form).expect_err("unknown")[0].contains("no queue \"Nowhere\" is known here"));
        form.fields[3].fresh = true;
        typed(&mut form, "arn:aws:s3:::bucket");
        assert_eq!(change(&form).map(|change| change.on_failure), Ok(Some(Some("arn:aws:s3:::bucket".into()))));
    }
}
