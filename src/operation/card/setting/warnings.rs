//! What a new setting may cost, in a sentence each: said on the card, of what changes and of what it does
//! together with what stays.

use crate::model::mapping::MappingSettings;
use crate::model::plan::RetunePlan;
use crate::model::time::spoken;

pub(super) fn of(plan: &RetunePlan) -> Vec<String> {
    let (change, before) = (&plan.change, &plan.before);
    let after = change.applied_to(before);
    let mut lines = Vec::new();
    if change.max_retry_attempts.is_some() || change.max_record_age_s.is_some() || change.on_failure.is_some() {
        lines.extend(end_of_retries(&after));
    }
    if change.max_retry_attempts.is_some_and(|attempts| attempts == 0) {
        lines.push("no retry at all: one time-out or refusal downstream gives a whole batch up".to_owned());
    }
    if let Some(age) = change.max_record_age_s.filter(|age| *age > 0) {
        let what = if after.on_failure.is_some() { "go to the destination" } else { "are dropped" };
        let old = spoken(i64::from(age) * 1000);
        lines.push(format!("records older than {old} {what} unread, also where the consumer is only late"));
    }
    match change.bisect {
        Some(true) if after.report_batch_item_failures => lines.push(
            "with partial batch responses a batch is cut at the record reported; only a run that fails whole is halved"
                .to_owned(),
        ),
        Some(true) => lines
            .push("each half is run again, also records that were done: the handler must stand repetition".to_owned()),
        Some(false) => lines.push("a batch that fails is repeated whole, with every record that was done".to_owned()),
        None => {}
    }
    match &change.on_failure {
        Some(Some(arn)) => lines.extend(destination(arn.service())),
        Some(None) if before.on_failure.is_some() => {
            lines.push("nothing keeps a pointer to what is given up: it cannot be found again".to_owned());
        }
        _ => {}
    }
    lines
}

/// When a record that always fails lets the others go, and what becomes of it.
fn end_of_retries(after: &MappingSettings) -> Option<String> {
    let retries = after.max_retry_attempts.filter(|attempts| *attempts >= 0);
    let age = after.max_record_age_s.filter(|age| *age > 0);
    let ends = match (retries, age) {
        (None, None) => {
            return Some(
                "retries without end: one record that always fails holds its lane until it expires".to_owned(),
            );
        }
        (Some(attempts), None) => format!("after {attempts} retries"),
        (None, Some(age)) => format!("at an age of {}", spoken(i64::from(age) * 1000)),
        (Some(attempts), Some(age)) => {
            format!("after {attempts} retries or at an age of {}", spoken(i64::from(age) * 1000))
        }
    };
    after.on_failure.is_none().then(|| format!("{ends} a batch is dropped for good: there is no destination"))
}

fn destination(service: &str) -> [String; 2] {
    let needs = match service {
        "sns" => "sns:Publish",
        "s3" => "s3:PutObject and s3:ListBucket",
        "kafka" => "kafka-cluster:WriteData",
        _ => "sqs:SendMessage",
    };
    let keeps = if service == "s3" {
        "it gets the batch itself, with its records"
    } else {
        "it gets pointers, not records: `redrive dlq rescue` reads them from the stream while it keeps them"
    };
    [
        format!("the function's role needs {needs} on it: not checked, and without it what is given up is dropped"),
        keeps.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::MappingChange;

    fn warned(change: MappingChange, before: MappingSettings) -> String {
        let plan = RetunePlan {
            mapping: "u".into(),
            before,
            enabled_before: true,
            change,
            reason: None,
            revert_after_s: None,
            reserve: None,
        };
        of(&plan).join("; ")
    }

    fn patient() -> MappingSettings {
        MappingSettings {
            max_retry_attempts: Some(5),
            bisect: Some(true),
            on_failure: Some("arn:aws:sqs:r:1:F".into()),
            ..MappingSettings::default()
        }
    }

    #[test]
    fn each_setting_says_what_it_may_cost() {
        let retries = |n| MappingChange { max_retry_attempts: Some(n), ..MappingChange::default() };
        assert!(warned(retries(-1), patient()).starts_with("retries without end: one record that always fails holds"));
        assert_eq!(warned(retries(3), patient()), "", "it ends, and there is a destination");
        let bare = MappingSettings { on_failure: None, ..patient() };
        assert!(warned(retries(3), bare.clone()).starts_with("after 3 retries a batch is dropped for good"));
        assert!(warned(retries(0), patient()).contains("no retry at all"));
        let age = MappingChange { max_record_age_s: Some(600), ..MappingChange::default() };
        assert!(warned(age.clone(), bare).contains("records older than 10 m are dropped unread"));
        assert!(warned(age, patient()).contains("records older than 10 m go to the destination unread"));
        let bisect = |on| MappingChange { bisect: Some(on), ..MappingChange::default() };
        assert!(warned(bisect(true), patient()).contains("must stand repetition"));
        let partial = MappingSettings { report_batch_item_failures: true, ..patient() };
        assert!(warned(bisect(true), partial).contains("cut at the record reported"));
        assert!(warned(bisect(false), patient()).contains("repeated whole"));
        let to =
            |arn: Option<&str>| MappingChange { on_failure: Some(arn.map(Into::into)), ..MappingChange::default() };
        assert!(warned(to(Some("arn:aws:s3:::b")), patient()).contains("s3:PutObject and s3:ListBucket"));
        assert!(warned(to(Some("arn:aws:sqs:r:1:G")), patient()).contains("sqs:SendMessage on it: not checked"));
        let gone = warned(to(None), patient());
        assert!(
            gone.contains("after 5 retries a batch is dropped") && gone.contains("cannot be found again"),
            "{gone}"
        );
    }
}
