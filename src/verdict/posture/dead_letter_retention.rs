//! A dead-letter queue that keeps no longer than its source: on a standard queue a message's age goes
//! on counting from its first send, so it can arrive among the dead letters an hour before it expires.

use crate::model::finding::{Severity, Subject};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::spoken;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "dead-letter-retention-short",
    many: "dead-letter queues that keep no longer than their source",
    why: "a dead letter's age counts from its first send: kept no longer than in its source, it expires before anybody \
          looks",
    property: "MessageRetentionPeriod of AWS::SQS::Queue (serverless.yml: resources.Resources)",
    check,
};

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let dead = picture.queues.values().map(|observed| &observed.value).filter(|queue| queue.is_dead_letter());
    // FIFO queues count anew from the move.
    dead.filter(|queue| !queue.fifo).map(|queue| (Subject::Queue(queue.name.clone()), judge(picture, queue))).collect()
}

fn judge(picture: &Picture, dead: &Queue) -> Found {
    let sources: Vec<_> = dead.sources.iter().map(|arn| (arn, picture.queue_by_arn(arn))).collect();
    let longest = sources.iter().filter_map(|(_, source)| *source).max_by_key(|source| source.value.retention_s);
    match longest.map(|source| &source.value) {
        Some(source) if dead.retention_s <= source.retention_s => Found::Mend(Mend {
            severity: if dead.retention_s == line::LONGEST_RETENTION_S { Severity::Note } else { Severity::Warning },
            headline: format!("{} keeps no longer than {}", dead.name, source.name),
            evidence: vec![format!("{} kept, {} in {}", kept(dead), kept(source), source.name)],
            fix: if dead.retention_s == line::LONGEST_RETENTION_S {
                // It cannot keep longer; the source can keep shorter.
                vec![line::set_attribute(source, "MessageRetentionPeriod", "345600")]
            } else {
                vec![line::set_attribute(dead, "MessageRetentionPeriod", &line::LONGEST_RETENTION_S.to_string())]
            },
        }),
        _ => match sources.iter().find(|(_, source)| source.is_none()) {
            Some((arn, _)) => Found::NotKnown(format!("its source {} was not read", arn.resource())),
            None => Found::Fine,
        },
    }
}

fn kept(queue: &Queue) -> String {
    spoken(i64::from(queue.retention_s) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, judged, queue, said};

    #[test]
    fn as_long_is_not_longer() {
        let mut picture = account();
        queue(&mut picture, "JobDLQ").retention_s = 345_600;
        let advice = said(&picture, RULE.name);
        assert_eq!(
            (advice[0].severity, advice[0].evidence[0].as_str()),
            (Severity::Warning, "4 d kept, 4 d in JobQueue")
        );
        assert!(advice[0].fix[0].contains("JobDLQ --attributes '{\"MessageRetentionPeriod\":\"1209600\"}'"));
        for name in ["JobQueue", "JobDLQ"] {
            queue(&mut picture, name).retention_s = line::LONGEST_RETENTION_S;
        }
        let advice = said(&picture, RULE.name);
        assert!(advice[0].severity == Severity::Note && advice[0].fix[0].contains("JobQueue"), "{advice:?}");
    }

    #[test]
    fn a_source_that_was_not_read_is_not_fine() {
        let mut picture = account();
        picture.queues.remove(&"JobQueue".into());
        let not_known = judged(&picture, RULE.name).not_known;
        assert_eq!(not_known[0].why, "its source JobQueue was not read");
    }
}
