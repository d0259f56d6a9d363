//! Dead letters that nobody is told of: no alarm that pages looks at the queue, or only at a metric
//! that does not count what a redrive policy moves.

use crate::model::alarm::{Alarm, Alarms};
use crate::model::finding::{Severity, Subject};
use crate::model::picture::Picture;
use crate::model::queue::Queue;
use crate::verdict::posture::{Found, Mend, Rule, dead_letter_queue, line};

pub(super) const RULE: Rule = Rule {
    name: "dead-letters-unwatched",
    many: "dead-letter queues without an alarm that tells somebody",
    why: "work that failed waits where nobody looks, until it expires",
    property: "AWS::CloudWatch::Alarm on ApproximateNumberOfMessagesVisible (serverless.yml: resources.Resources)",
    check,
};

/// What rises when a message is moved here by a redrive policy. `NumberOfMessagesSent` does not
/// (aws-facts §2.4).
const TELLING: [&str; 2] = ["ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"];

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let keeps = |queue: &&Queue| queue.is_dead_letter() || dead_letter_queue::is_destination(picture, &queue.arn);
    let queues = picture.queues.values().map(|observed| &observed.value).filter(keeps);
    queues.map(|queue| (Subject::Queue(queue.name.clone()), judge(picture, queue))).collect()
}

fn judge(picture: &Picture, queue: &Queue) -> Found {
    let Some(alarms) = picture.alarms.as_ref().map(|alarms| &alarms.value) else {
        return Found::NotKnown("alarms were not read".to_owned());
    };
    let about: Vec<(&Alarm, bool)> = alarms.values().filter_map(|alarm| Some((alarm, tells(alarm, queue)?))).collect();
    if about.iter().any(|(alarm, tells)| *tells && pages(alarm, alarms)) {
        return Found::Fine;
    }
    if alarms.values().any(|alarm| alarm.metric().is_some_and(|metric| metric.metrics.is_empty()) && alarm.pages()) {
        return Found::NotKnown(
            "an alarm searches for its metrics: whether it finds this queue's is not read".to_owned(),
        );
    }
    let evidence = match about.first() {
        Some((alarm, false)) => format!("{} looks at what a redrive policy does not count", alarm.name),
        Some((alarm, true)) => format!("{} tells nobody", alarm.name),
        None => "no alarm on its ready messages or on the age of its oldest".to_owned(),
    };
    let (topic, hint) = match topic(alarms) {
        Some(topic) => (topic, None),
        None => ("ARN-OF-A-TOPIC", Some("no alarm here tells anybody: put your topic into the line".to_owned())),
    };
    Found::Mend(Mend {
        severity: Severity::Warning,
        headline: format!("nobody is told of dead letters in {}", queue.name),
        evidence: std::iter::once(evidence).chain(hint).collect(),
        fix: vec![line::put_alarm(queue, topic)],
    })
}

/// Whether an alarm about this queue sees dead letters arrive; `None` where it is about another.
fn tells(alarm: &Alarm, queue: &Queue) -> Option<bool> {
    let mut about =
        alarm.metric()?.metrics.iter().filter(|metric| {
            metric.namespace == "AWS/SQS" && metric.dimension("QueueName") == Some(queue.name.as_str())
        });
    let first = about.next()?;
    let telling = |name: &str| TELLING.contains(&name);
    Some(telling(&first.name) || about.any(|metric| telling(&metric.name)))
}

/// By itself, or by a composite alarm that names it.
fn pages(alarm: &Alarm, alarms: &Alarms) -> bool {
    let mut parents = alarms.values().filter(|parent| parent.pages());
    alarm.pages() || parents.any(|parent| parent.children().contains(&alarm.name))
}

/// What the account's alarms tell most often.
fn topic(alarms: &Alarms) -> Option<&str> {
    let told = || alarms.values().filter(|alarm| alarm.pages()).flat_map(|alarm| &alarm.actions);
    told().max_by_key(|action| told().filter(|other| other == action).count()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, judged, said};

    fn of<'a>(picture: &'a mut Picture, name: &str) -> &'a mut Alarm {
        let alarms = picture.alarms.as_mut().expect("they are read");
        alarms.value.get_mut(&name.into()).expect("the example has it")
    }

    fn metric(picture: &mut Picture, name: &str) {
        use crate::model::alarm::AlarmKind;
        if let AlarmKind::Metric(metric) = &mut of(picture, "dead-letters").kind {
            name.clone_into(&mut metric.metrics[0].name);
        }
    }

    #[test]
    fn an_alarm_must_see_dead_letters_and_tell_somebody() {
        let mut picture = account();
        assert_eq!(said(&picture, RULE.name), []);
        metric(&mut picture, "NumberOfMessagesSent");
        assert!(said(&picture, RULE.name)[0].evidence[0].ends_with("does not count"));
        metric(&mut picture, "ApproximateAgeOfOldestMessage");
        of(&mut picture, "dead-letters").actions.clear();
        let advice = said(&picture, RULE.name);
        assert_eq!(advice[0].evidence[0], "dead-letters tells nobody");
        assert!(advice[0].fix[0].ends_with("--alarm-actions ARN-OF-A-TOPIC --region eu-west-1"), "{:?}", advice[0].fix);
    }

    #[test]
    fn alarms_that_were_not_read_are_not_known() {
        let mut picture = account();
        picture.alarms = None;
        assert_eq!(judged(&picture, RULE.name).not_known[0].why, "alarms were not read");
    }
}
