//! A maxReceiveCount below five: throttles and a minute's outage spend receives too, and healthy
//! messages die of them.

use crate::model::finding::{Severity, Subject};
use crate::model::picture::Picture;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "receive-count-low",
    many: "queues with a maxReceiveCount below 5",
    why: "throttles and a short outage use receives up too: healthy messages become dead letters",
    property: "RedrivePolicy.maxReceiveCount of AWS::SQS::Queue (serverless.yml: resources.Resources)",
    check,
};

/// AWS's advice for queues that Lambda reads (aws-facts §1.8).
const LEAST: u32 = 5;

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let mut found = Vec::new();
    for queue in picture.queues.values().map(|observed| &observed.value) {
        let Some(policy) = &queue.redrive else { continue };
        let subject = Subject::Queue(queue.name.clone());
        if policy.max_receive_count >= LEAST {
            found.push((subject, Found::Fine));
            continue;
        }
        let times = if policy.max_receive_count == 1 { "one receive" } else { "few receives" };
        found.push((
            subject,
            Found::Mend(Mend {
                severity: Severity::Note,
                headline: format!("{} gives a message {times}", queue.name),
                evidence: vec![format!("maxReceiveCount {}, {LEAST} or more is safe", policy.max_receive_count)],
                fix: vec![line::set_redrive(queue, &policy.dead_letter_arn, LEAST)],
            }),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, queue, said};

    #[test]
    fn four_receives_are_few() {
        let mut picture = account();
        for count in [1, 4] {
            queue(&mut picture, "JobQueue").redrive.as_mut().expect("a policy").max_receive_count = count;
            let advice = said(&picture, RULE.name);
            assert!(advice[0].evidence[0].starts_with(&format!("maxReceiveCount {count},")));
            assert!(advice[0].fix[0].contains(r#"maxReceiveCount\":\"5\""#), "{:?}", advice[0].fix);
        }
    }
}
