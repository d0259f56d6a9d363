//! A visibility timeout below six times the function's time-out, plus the batch window: a slow or
//! throttled run's messages come back while it still works on them.

use crate::model::finding::{Severity, Subject};
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "visibility-short",
    many: "queues with a visibility timeout below 6 × the function's time-out",
    why: "messages come back while a slow or throttled run still has them: work is done twice, and receives are used up",
    property: "VisibilityTimeout of AWS::SQS::Queue (serverless.yml: resources.Resources)",
    check,
};

/// AWS's advice (aws-facts §1.8).
const TIMES: u32 = 6;
/// `VisibilityTimeout` at most.
const LONGEST_S: u32 = 43_200;

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let mappings = picture.mappings.values().map(|observed| &observed.value);
    let reads = mappings.filter(|mapping| mapping.kind().is_queue());
    reads.map(|mapping| (Subject::Queue(mapping.source.resource().into()), judge(picture, mapping))).collect()
}

fn judge(picture: &Picture, mapping: &Mapping) -> Found {
    let Some(queue) = picture.queue_by_arn(&mapping.source).map(|queue| &queue.value) else {
        return Found::NotKnown("the queue's attributes were not read".to_owned());
    };
    let timeout_s = picture.functions.get(&mapping.function).and_then(|function| function.value.timeout_s);
    let Some(timeout_s) = timeout_s else {
        return Found::NotKnown(format!("the time-out of {} was not read", mapping.function));
    };
    let window_s = mapping.settings.window_s.unwrap_or(0);
    let wanted_s = (timeout_s.saturating_mul(TIMES) + window_s).min(LONGEST_S);
    if queue.visibility_s >= wanted_s {
        return Found::Fine;
    }
    let window = if window_s > 0 { format!(" + batch window {window_s} s") } else { String::new() };
    // A run that takes its whole time-out outlives the lease of its messages: certain, not likely.
    let certain = queue.visibility_s < timeout_s + window_s;
    Found::Mend(Mend {
        severity: if certain { Severity::Warning } else { Severity::Note },
        headline: format!("{}: visibility timeout {} s, {wanted_s} s is safe", queue.name, queue.visibility_s),
        evidence: vec![format!("6 × time-out {timeout_s} s of {}{window} = {wanted_s} s", mapping.function)],
        fix: vec![line::set_attribute(queue, "VisibilityTimeout", &wanted_s.to_string())],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, job_mapping, judged, queue, said};

    #[test]
    fn six_times_the_time_out_and_the_window() {
        let mut picture = account();
        queue(&mut picture, "JobQueue").visibility_s = 59;
        let advice = said(&picture, RULE.name);
        assert_eq!(
            (advice[0].severity, advice[0].subject.clone()),
            (Severity::Note, Subject::Queue("JobQueue".into()))
        );
        assert!(advice[0].fix[0].contains("'{\"VisibilityTimeout\":\"60\"}'"), "{:?}", advice[0].fix);
        job_mapping(&mut picture).settings.window_s = Some(30);
        queue(&mut picture, "JobQueue").visibility_s = 39;
        let advice = said(&picture, RULE.name);
        assert_eq!(advice[0].evidence, ["6 × time-out 10 s of JobWorker + batch window 30 s = 90 s"]);
        assert_eq!(advice[0].severity, Severity::Warning, "39 s is below time-out and window");
    }

    #[test]
    fn a_time_out_that_was_not_read_is_not_fine() {
        let mut picture = account();
        picture.functions.clear();
        assert_eq!(judged(&picture, RULE.name).not_known[0].why, "the time-out of JobWorker was not read");
    }
}
