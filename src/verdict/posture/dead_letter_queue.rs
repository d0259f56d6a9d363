//! A queue without a dead-letter queue: a message that cannot be handled is received until it expires.

use crate::model::finding::{Severity, Subject};
use crate::model::id::Arn;
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "no-dead-letter-queue",
    many: "queues without a dead-letter queue",
    why: "a message that cannot be handled is tried until it expires, and is then gone without a trace",
    property: "RedrivePolicy of AWS::SQS::Queue (serverless.yml: resources.Resources)",
    check,
};

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let keeps = |queue: &Queue| queue.is_dead_letter() || is_destination(picture, &queue.arn);
    let queues = picture.queues.values().map(|observed| &observed.value).filter(|queue| !keeps(queue));
    queues.map(|queue| (Subject::Queue(queue.name.clone()), judge(picture, queue))).collect()
}

/// What failed for good is put there: it ends there by intent.
pub(super) fn is_destination(picture: &Picture, arn: &Arn) -> bool {
    let of_mapping = picture.mappings.values().any(|mapping| mapping.value.settings.on_failure.as_ref() == Some(arn));
    let of_function = || picture.functions.values().any(|function| function.value.dead_letter.as_ref() == Some(arn));
    let of_invoke = || {
        let mut settings = picture.function_settings.values();
        settings.any(|one| one.value.asynchronous.known().is_ok_and(|known| known.on_failure.as_ref() == Some(arn)))
    };
    of_mapping || of_function() || of_invoke()
}

fn judge(picture: &Picture, queue: &Queue) -> Found {
    if queue.redrive.is_some() {
        return Found::Fine;
    }
    let reader = picture.readers_of(&queue.arn).next();
    let base = queue.name.as_str().strip_suffix(".fifo").unwrap_or(queue.name.as_str());
    let keeper = if queue.fifo { format!("{base}-dlq.fifo") } else { format!("{base}-dlq") };
    Found::Mend(Mend {
        // Without a reader of Lambda's nothing is known to fail on it.
        severity: if reader.is_some() { Severity::Warning } else { Severity::Note },
        headline: format!("{} has no dead-letter queue", queue.name),
        evidence: vec![match reader {
            Some(mapping) => format!("read by {}; RedrivePolicy is not set", mapping.function),
            None => "RedrivePolicy is not set; no event source mapping reads it".to_owned(),
        }],
        fix: vec![
            line::create_keeper(&keeper, &queue.arn, queue.fifo),
            line::set_redrive(queue, &line::queue_arn(&keeper, &queue.arn), 5),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, put_queue, queue, said};

    #[test]
    fn one_that_is_read_warns_and_one_that_is_not_is_a_note() {
        let mut picture = account();
        queue(&mut picture, "JobQueue").redrive = None;
        queue(&mut picture, "JobDLQ").sources.clear();
        let warned = said(&picture, RULE.name);
        assert_eq!(warned.len(), 2, "JobDLQ is nobody's dead-letter queue then: {warned:?}");
        let job = warned.iter().find(|advice| advice.headline.starts_with("JobQueue")).expect("it is told");
        assert_eq!(job.severity, Severity::Warning);
        assert_eq!(
            job.fix[1],
            "aws sqs set-queue-attributes --queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/JobQueue \
             --attributes '{\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\
             \\\"arn:aws:sqs:eu-west-1:123456789012:JobQueue-dlq\\\",\\\"maxReceiveCount\\\":\\\"5\\\"}\"}' \
             --region eu-west-1"
        );
        let mut picture = account();
        put_queue(&mut picture, "Orphan", None);
        assert_eq!(said(&picture, RULE.name)[0].severity, Severity::Note);
    }
}
