//! What changed before something went wrong: a line of evidence, not a verdict. Whether it is the
//! cause is for a person to say.

use std::collections::BTreeSet;

use crate::model::change::{Change, ChangeSubject};
use crate::model::finding::{Finding, Severity, Subject};
use crate::model::id::{Arn, FunctionName, MappingId, QueueName};
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::model::time::Timestamp;

/// A change so many seconds after the first sign still counts: minutes are as fine as metrics are.
const SLACK_S: i64 = 120;
/// One deploy changes several things within so many milliseconds.
const TOGETHER_MS: i64 = 5 * 60 * 1000;
/// Changes a line tells of; the newest before the finding.
const TOLD: usize = 2;
/// Names a change is told with.
const NAMED: usize = 4;

/// Adds `changed: deploy 00:31Z (JobWorker, LogWorker)` to what is wrong.
pub(super) fn tell(picture: &Picture, now: Timestamp, findings: &mut [Finding]) {
    if picture.changes.is_empty() {
        return;
    }
    for finding in findings.iter_mut().filter(|finding| finding.severity <= Severity::Warning) {
        finding.evidence.extend(line(picture, now, finding));
    }
}

fn line(picture: &Picture, now: Timestamp, finding: &Finding) -> Option<String> {
    let near = Neighbours::of(picture, &finding.subject)?;
    let until = finding.since.unwrap_or(now).plus_s(SLACK_S);
    let before = |change: &&Change| change.at <= until && until.ms_since(change.at) <= Change::NEWS_MS;
    let mut told: Vec<&Change> = Vec::new();
    for change in picture.changes.iter().rev().filter(before).filter(|change| near.has(&change.subject)) {
        if told.len() < TOLD && !told.iter().any(|other| is_one(other, change)) {
            told.push(change);
        }
    }
    // Oldest first, as they happened.
    let told: Vec<String> = told.into_iter().rev().map(|change| spoken(picture, change)).collect();
    (!told.is_empty()).then(|| format!("changed: {}", told.join(", ")))
}

/// The same thing done to several at about the same time.
fn is_one(a: &Change, b: &Change) -> bool {
    a.what == b.what && a.at.ms_since(b.at).abs() <= TOGETHER_MS
}

/// `deploy 00:31Z (JobWorker, LogWorker)`
fn spoken(picture: &Picture, change: &Change) -> String {
    let together = picture.changes.iter().filter(|other| is_one(other, change));
    let names: BTreeSet<String> = together.map(|other| name(picture, &other.subject)).collect();
    let mut told: Vec<String> = names.iter().take(NAMED).cloned().collect();
    if names.len() > NAMED {
        told.push(format!("{} more", names.len() - NAMED));
    }
    format!("{} {} ({})", change.what, change.at.clock(), told.join(", "))
}

fn name(picture: &Picture, subject: &ChangeSubject) -> String {
    match subject {
        ChangeSubject::Mapping(id) => match picture.mappings.get(id) {
            Some(mapping) => format!("mapping of {}", mapping.value.function),
            None => id.to_string(),
        },
        ChangeSubject::Function(name) => name.to_string(),
        ChangeSubject::Queue(name) => name.to_string(),
        ChangeSubject::Stack(name) => format!("stack {name}"),
    }
}

/// Whose changes may have to do with a finding.
#[derive(Default)]
struct Neighbours {
    functions: BTreeSet<FunctionName>,
    mappings: BTreeSet<MappingId>,
    queues: BTreeSet<QueueName>,
}

impl Neighbours {
    fn of(picture: &Picture, subject: &Subject) -> Option<Self> {
        let mut near = Neighbours::default();
        let all = || picture.mappings.values().map(|observed| &observed.value);
        match subject {
            Subject::Mapping(id) => near.add(picture, &picture.mappings.get(id)?.value),
            Subject::Function(name) => {
                near.functions.insert(name.clone());
                all().filter(|mapping| mapping.function == *name).for_each(|mapping| near.add(picture, mapping));
            }
            Subject::Queue(name) => {
                near.queues.insert(name.clone());
                let queue = &picture.queues.get(name)?.value;
                all().filter(|mapping| touches(mapping, queue)).for_each(|mapping| near.add(picture, mapping));
            }
            Subject::Account => return None,
        }
        Some(near)
    }

    fn add(&mut self, picture: &Picture, mapping: &Mapping) {
        self.mappings.insert(mapping.id.clone());
        self.functions.insert(mapping.function.clone());
        if let Some(queue) = picture.queue_by_arn(&mapping.source) {
            self.queues.insert(queue.value.name.clone());
        }
    }

    fn has(&self, subject: &ChangeSubject) -> bool {
        match subject {
            ChangeSubject::Mapping(id) => self.mappings.contains(id),
            ChangeSubject::Function(name) => self.functions.contains(name),
            ChangeSubject::Queue(name) => self.queues.contains(name),
            // What it changed is told by name, and the stack beside it.
            ChangeSubject::Stack(_) => false,
        }
    }
}

/// The mapping reads the queue, or one whose dead letters go there, or fails to it.
fn touches(mapping: &Mapping, queue: &Queue) -> bool {
    let is_source = |arn: &Arn| queue.arn == *arn || queue.sources.contains(arn);
    is_source(&mapping.source) || mapping.settings.on_failure.as_ref() == Some(&queue.arn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Stat;
    use crate::model::stack::Stack;
    use crate::verdict::examples::{self, FUNCTION, lambda, now};
    use crate::verdict::judge;

    fn change(minute: i64, subject: ChangeSubject, what: &str) -> Change {
        Change { at: Timestamp::from_s(minute * 60), subject, what: what.to_owned() }
    }

    fn deploy(minute: i64, name: &str) -> Change {
        change(minute, ChangeSubject::Function(name.into()), "deploy")
    }

    /// LogWorker falls behind from minute 21 on.
    fn told(changes: Vec<Change>) -> Option<String> {
        let mut picture = examples::stream();
        for stat in [Stat::Maximum, Stat::Minimum] {
            lambda(&mut picture, FUNCTION, "IteratorAge", stat, |m| 500.0 + (m - 20.0).max(0.0) * 24_000.0);
        }
        picture.changes = changes;
        let findings = judge(&picture, now());
        assert_eq!(findings[0].since, Some(Timestamp::from_s(21 * 60)));
        findings[0].evidence.iter().find(|line| line.starts_with("changed")).cloned()
    }

    #[test]
    fn a_deploy_before_the_trouble_is_told_with_all_it_deployed() {
        let said = told(vec![deploy(18, "JobWorker"), deploy(18, FUNCTION), deploy(19, "JobWorker")]);
        assert_eq!(said.as_deref(), Some("changed: deploy 00:18Z (JobWorker, LogWorker)"));
    }

    #[test]
    fn the_stack_that_did_it_is_named_and_others_are_not() {
        let stack = |name: &str, minute: i64| Stack {
            name: name.to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
            created_at: None,
            updated_at: Some(Timestamp::from_s(minute * 60)),
        };
        let mut changes = vec![deploy(18, FUNCTION)];
        for stack in [stack("courier", 16), stack("website", 40), stack("old", 2)] {
            changes.extend(Change::of_stack(&stack, &changes, now()));
        }
        changes.sort_by_key(|change| change.at);
        assert_eq!(told(changes).as_deref(), Some("changed: deploy 00:18Z (LogWorker, stack courier)"));
    }

    #[test]
    fn what_changed_after_it_began_or_elsewhere_is_no_evidence() {
        assert_eq!(told(vec![deploy(40, FUNCTION)]), None, "somebody mends it");
        assert_eq!(told(vec![deploy(18, "JobWorker")]), None, "it has nothing to do with the stream");
        assert_eq!(told(vec![deploy(-25 * 60, FUNCTION)]), None, "older than a day");
        assert!(told(vec![deploy(22, FUNCTION)]).is_some(), "as fine as minutes are");
    }

    #[test]
    fn the_two_newest_are_told_in_their_order() {
        let mapping = ChangeSubject::Mapping("b8a3c5a0-0000-4000-8000-000000000001".into());
        let said = told(vec![
            change(1, mapping.clone(), "window 0 s→1 s"),
            change(5, mapping, "batch 10→100"),
            deploy(18, FUNCTION),
        ]);
        assert_eq!(
            said.as_deref(),
            Some("changed: batch 10→100 00:05Z (mapping of LogWorker), deploy 00:18Z (LogWorker)")
        );
    }

    #[test]
    fn a_dead_letter_queue_is_told_what_changed_at_its_consumer() {
        let mut picture = examples::queue();
        examples::put_queue(&mut picture, "JobDLQ", &["JobQueue"], |ago| 100 - u64::try_from(ago / 10).expect("small"));
        picture.changes =
            vec![deploy(50, "JobWorker"), change(52, ChangeSubject::Queue("JobQueue".into()), "visibility 60→5 s")];
        let findings = judge(&picture, now());
        let said = findings[0].evidence.last().map(String::as_str);
        assert_eq!(said, Some("changed: deploy 00:50Z (JobWorker), visibility 60→5 s 00:52Z (JobQueue)"));
    }
}
