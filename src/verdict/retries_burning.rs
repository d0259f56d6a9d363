//! A queue whose messages are received again and again: far more receives than deletions. Each costs a
//! run and a receive, and the last of them makes a dead letter. SQS does not say which messages they are.

use crate::model::finding::{Finding, Severity, Subject};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::{Timestamp, spoken};
use crate::verdict::bound::Bound;
use crate::verdict::dead_letters_arriving::takes_dead_letters;
use crate::verdict::is_running;
use crate::verdict::wanted::{deleted, received};
use crate::verdict::window::total;
use crate::verdict::wording::{count, exact, rate, remedy};

/// Minutes looked back over.
const MINUTES: i64 = 10;
/// Receives for each message that was done, from which on most of the work is repetition.
const TIMES: f64 = 2.0;
/// Fewer receives too many than this are a handful of messages.
const FEWEST: f64 = 20.0;

/// How soon it speaks.
pub const BOUND: Bound = Bound::TREND;

pub fn check(picture: &Picture, now: Timestamp, queue: &Queue) -> Option<Finding> {
    if takes_dead_letters(picture, queue) {
        return None;
    }
    let consumer = picture.readers_of(&queue.arn).next().filter(|mapping| is_running(mapping))?;
    let taken = total(picture, now, &received(&queue.name), MINUTES)?.sum;
    let done = total(picture, now, &deleted(&queue.name), MINUTES).map_or(0.0, |total| total.sum);
    // What is in flight was received and may still be done.
    let again = taken - done - exact(queue.counts.in_flight);
    if again < FEWEST || taken < done * TIMES {
        return None;
    }
    let mut evidence = vec![
        format!(
            "{} received and {} deleted in {MINUTES} m: {} receives for each that was done",
            count(taken),
            count(done),
            rate(taken / done.max(1.0))
        ),
        format!("what is not done comes back after {}", spoken(i64::from(queue.visibility_s) * 1000)),
    ];
    evidence.push(match &queue.redrive {
        Some(policy) => {
            format!("after {} receives it goes to {}", policy.max_receive_count, policy.dead_letter_arn.resource())
        }
        None => "no dead-letter queue: it comes back until it expires".to_owned(),
    });
    evidence.push("NumberOfMessagesReceived and …Deleted, without the newest three minutes".to_owned());
    Some(Finding {
        rule: "retries-burning".to_owned(),
        severity: Severity::Warning,
        subject: Subject::Queue(queue.name.clone()),
        headline: format!("{}: most receives are retries", queue.name),
        since: None,
        evidence,
        remedies: vec![remedy("logs", format!("logs of {}", consumer.function))],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::examples::{self, now, put};

    fn with(received_a_minute: f64, deleted_a_minute: f64) -> Option<Finding> {
        let mut picture = examples::queue();
        let name = "JobQueue".into();
        put(&mut picture, &received(&name), |_| received_a_minute);
        put(&mut picture, &deleted(&name), |_| deleted_a_minute);
        let queue = picture.queues[&name].value.clone();
        check(&picture, now(), &queue)
    }

    #[test]
    fn receives_far_above_deletions_are_retries() {
        let finding = with(100.0, 20.0).expect("burning");
        assert_eq!(finding.headline, "JobQueue: most receives are retries");
        assert_eq!(finding.evidence[0], "1,000 received and 200 deleted in 10 m: 5.0 receives for each that was done");
        assert_eq!(with(100.0, 80.0), None, "one in five fails once");
        assert_eq!(with(2.0, 0.5), None, "a handful");
        assert!(with(100.0, 0.0).is_some(), "nothing succeeds");
    }
}
