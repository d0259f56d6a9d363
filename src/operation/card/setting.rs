//! The card of a change of a consumer's settings: what changes, the line that would do it, and what each
//! new setting may cost.

mod reserve;
mod warnings;

use crate::model::id::Arn;
use crate::model::mapping::{MappingChange, MappingSettings};
use crate::model::plan::RetunePlan;
use crate::operation::card::{Card, Facts};
use crate::operation::confirm::Planned;

pub fn retune(plan: &RetunePlan, facts: &Facts) -> Card {
    let verb = match plan.change.enabled {
        Some(true) => "Start",
        Some(false) => "Stop",
        None => "Tune",
    };
    let mut card = facts.card(format!("{verb} {}", facts.subject), plan.level(facts), verb);
    if let Some(change) = &plan.reserve {
        reserve::commands(&mut card, change, facts);
    }
    if !plan.change.is_empty() {
        card.calls.push(format!("lambda:UpdateEventSourceMapping {}", plan.mapping));
        card.cli.push(update_line(plan, facts));
    }
    card.scope = plan_lines(plan);
    if plan.change.enabled == Some(false) {
        card.scope.push("nothing is consumed while it is stopped; what waits grows older".to_owned());
    }
    card.scope.extend(warnings::of(plan));
    card.scope.extend(plan.reserve.iter().flat_map(reserve::warnings));
    if let Some(s) = plan.revert_after_s {
        let after = crate::model::time::spoken(i64::from(s) * 1000);
        card.scope.push(format!(
            "put back after {after} by this process, and only while it runs; opened again later, it asks first"
        ));
    }
    if !plan.change.is_empty() {
        card.scope.push("the mapping is Updating for a while, minutes on a stream, and may pause meanwhile".to_owned());
    }
    card.checked
        .push("settings are read again before the call; if somebody changed them, nothing is written".to_owned());
    // Lambda has no ETag, and a call no condition.
    card.unchecked.push(
        "whether somebody changes them between that look and the call: Lambda cannot be asked to compare".to_owned(),
    );
    card.unchecked.push("whether the next deploy puts the old settings back".to_owned());
    card
}

/// What a plan changes: of the mapping, and of what its function keeps.
pub fn plan_lines(plan: &RetunePlan) -> Vec<String> {
    let mut lines = change_lines(&plan.before, plan.enabled_before, &plan.change);
    lines.extend(plan.reserve.as_ref().filter(|change| change.to != change.before).map(|change| change.line()));
    lines
}

/// `parallel 1→5`, one a changed setting.
pub fn change_lines(before: &MappingSettings, enabled_before: bool, change: &MappingChange) -> Vec<String> {
    let number = |value: Option<u32>| value.map_or("–".to_owned(), |n| n.to_string());
    let mut lines = Vec::new();
    for (name, from, to) in [
        ("batch", before.batch_size, change.batch_size),
        ("parallel", before.parallelization_factor, change.parallelization_factor),
    ] {
        if to.is_some() && to != from {
            lines.push(format!("{name} {}→{}", number(from), number(to)));
        }
    }
    if change.window_s.is_some() && change.window_s != before.window_s {
        lines.push(format!("window {} s→{} s", number(before.window_s), number(change.window_s)));
    }
    if let Some(limit) = change.max_concurrency
        && limit != before.max_concurrency
    {
        let limit_text = |value: Option<u32>| value.map_or("no limit".to_owned(), |n| n.to_string());
        lines.push(format!("max concurrency {}→{}", limit_text(before.max_concurrency), limit_text(limit)));
    }
    lines.extend(failure_lines(before, change));
    match change.enabled {
        Some(true) if !enabled_before => lines.push("stopped→started".to_owned()),
        Some(false) if enabled_before => lines.push("started→stopped".to_owned()),
        _ => {}
    }
    lines
}

/// What changes in what becomes of records that fail.
fn failure_lines(before: &MappingSettings, change: &MappingChange) -> Vec<String> {
    let mut lines = Vec::new();
    let mut differs = |name: &str, from: String, to: Option<String>| {
        if let Some(to) = to.filter(|to| *to != from) {
            lines.push(format!("{name} {from}→{to}"));
        }
    };
    let number = |n: i32| if n < 0 { "no end".to_owned() } else { n.to_string() };
    let age = |s: i32| if s < 0 { "no limit".to_owned() } else { crate::model::time::spoken(i64::from(s) * 1000) };
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    let missing = || "–".to_owned();
    differs("retries", before.max_retry_attempts.map_or_else(missing, number), change.max_retry_attempts.map(number));
    differs("record age", before.max_record_age_s.map_or_else(missing, age), change.max_record_age_s.map(age));
    differs("bisect", before.bisect.map_or_else(missing, switch), change.bisect.map(switch));
    let place = |arn: Option<&Arn>| arn.map_or("none".to_owned(), |arn| arn.resource().to_owned());
    let to = change.on_failure.as_ref().map(|arn| place(arn.as_ref()));
    differs("on failure", place(before.on_failure.as_ref()), to);
    lines
}

fn update_line(plan: &RetunePlan, facts: &Facts) -> String {
    let mut words = vec!["lambda".to_owned(), "update-event-source-mapping".to_owned()];
    words.extend(["--uuid".to_owned(), plan.mapping.to_string()]);
    let mut flag = |name: &str, value: Option<u32>| {
        if let Some(value) = value {
            words.extend([name.to_owned(), value.to_string()]);
        }
    };
    flag("--batch-size", plan.change.batch_size);
    flag("--maximum-batching-window-in-seconds", plan.change.window_s);
    flag("--parallelization-factor", plan.change.parallelization_factor);
    if let Some(limit) = plan.change.max_concurrency {
        let config = limit.map_or("{}".to_owned(), |n| format!("MaximumConcurrency={n}"));
        words.extend(["--scaling-config".to_owned(), config]);
    }
    for (name, value) in [
        ("--maximum-retry-attempts", plan.change.max_retry_attempts),
        ("--maximum-record-age-in-seconds", plan.change.max_record_age_s),
    ] {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value.to_string()]));
    }
    match plan.change.bisect {
        Some(true) => words.push("--bisect-batch-on-function-error".to_owned()),
        Some(false) => words.push("--no-bisect-batch-on-function-error".to_owned()),
        None => {}
    }
    if let Some(destination) = &plan.change.on_failure {
        let arn = destination.as_ref().map_or("", Arn::as_str);
        words.extend(["--destination-config".to_owned(), format!("OnFailure={{Destination={arn}}}")]);
    }
    match plan.change.enabled {
        Some(true) => words.push("--enabled".to_owned()),
        Some(false) => words.push("--no-enabled".to_owned()),
        None => {}
    }
    facts.aws(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::card::tests::facts;
    use crate::operation::confirm::Level;

    #[test]
    fn a_retune_card_shows_the_line_that_would_do_it() {
        let plan = RetunePlan {
            mapping: "u-1".into(),
            before: MappingSettings {
                batch_size: Some(10),
                parallelization_factor: Some(1),
                ..MappingSettings::default()
            },
            enabled_before: true,
            change: MappingChange {
                parallelization_factor: Some(5),
                batch_size: Some(10),
                max_concurrency: Some(None),
                ..MappingChange::default()
            },
            reason: None,
            revert_after_s: None,
            reserve: None,
        };
        let card = retune(&plan, &facts());
        assert_eq!(
            card.cli,
            ["aws lambda update-event-source-mapping --uuid u-1 --batch-size 10 --parallelization-factor 5 \
              --scaling-config '{}' --region eu-west-1"]
        );
        assert_eq!(card.scope[0], "parallel 1→5", "a setting that stays as it is, is no change");
        assert_eq!(card.account, "1234-5678-9012 (prod-eu)");
        assert_eq!((card.unchecked[0].as_str(), card.level), ("permissions: not checked", Level::Button));
    }

    #[test]
    fn what_becomes_of_failures_is_a_line_a_setting_and_one_command() {
        let plan = RetunePlan {
            mapping: "u-1".into(),
            before: MappingSettings {
                max_retry_attempts: Some(-1),
                max_record_age_s: Some(-1),
                bisect: Some(false),
                ..MappingSettings::default()
            },
            enabled_before: true,
            change: MappingChange {
                max_retry_attempts: Some(5),
                max_record_age_s: Some(3_600),
                bisect: Some(true),
                on_failure: Some(Some("arn:aws:sqs:eu-west-1:123456789012:LogFailures".into())),
                ..MappingChange::default()
            },
            reason: None,
            revert_after_s: None,
            reserve: None,
        };
        let card = retune(&plan, &facts());
        let changes = ["retries no end→5", "record age no limit→1 h", "bisect off→on", "on failure none→LogFailures"];
        assert_eq!(card.scope[..4], changes);
        assert_eq!(
            card.cli,
            ["aws lambda update-event-source-mapping --uuid u-1 --maximum-retry-attempts 5 \
              --maximum-record-age-in-seconds 3600 --bisect-batch-on-function-error --destination-config \
              'OnFailure={Destination=arn:aws:sqs:eu-west-1:123456789012:LogFailures}' --region eu-west-1"]
        );
        let back = plan.reverse();
        assert_eq!(back.applied_to(&plan.change.applied_to(&plan.before)), plan.before, "u puts all of it back");
    }
}
