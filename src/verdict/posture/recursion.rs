//! `RecursiveLoop=Terminate`, which is the default, on a function that feeds its own queue: Lambda
//! refuses the seventeenth run of a chain, and its message goes to the dead-letter queue.

use crate::model::finding::{Severity, Subject};
use crate::model::id::{Arn, FunctionName};
use crate::model::picture::Picture;
use crate::verdict::posture::questions::feeding_themselves;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "recursion-terminate",
    many: "functions that feed their own queue under RecursiveLoop=Terminate",
    why: "Lambda takes a chain of more than 16 runs for a loop and refuses it: long jobs end among the dead letters",
    property: "RecursiveLoop of AWS::Lambda::Function (serverless.yml: resources.extensions.<Name>LambdaFunction.Properties)",
    check,
};

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let own = feeding_themselves(picture);
    own.into_iter()
        .map(|(name, arn, queue)| (Subject::Function(name.clone()), judge(picture, &name, &arn, &queue)))
        .collect()
}

fn judge(picture: &Picture, name: &FunctionName, arn: &Arn, queue: &Arn) -> Found {
    let settings = picture.function_settings.get(name);
    match settings.map_or(Err("not asked yet"), |settings| settings.value.recursion_allowed.known()) {
        Ok(true) => Found::Fine,
        Ok(false) => Found::Mend(Mend {
            severity: Severity::Warning,
            headline: format!("{name} feeds its own queue, and Lambda stops loops"),
            evidence: vec![
                format!("RecursiveLoop Terminate; it reads {0} and its environment names {0}", queue.resource()),
                "allow it only where the chain ends by itself".to_owned(),
            ],
            fix: vec![line::function("put-function-recursion-config", name, "--recursive-loop Allow", arn)],
        }),
        Err(why) => Found::NotKnown(format!("its RecursiveLoop: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::function::Reading;
    use crate::verdict::posture::examples::{account, judged, said, settings};

    #[test]
    fn terminate_on_a_function_that_feeds_itself() {
        let mut picture = account();
        settings(&mut picture, "JobWorker").recursion_allowed = Reading::Known(false);
        assert_eq!(
            said(&picture, RULE.name)[0].fix,
            ["aws lambda put-function-recursion-config --function-name JobWorker --recursive-loop Allow \
              --region eu-west-1"]
        );
        settings(&mut picture, "JobWorker").recursion_allowed = Reading::NotAsked;
        assert_eq!(judged(&picture, RULE.name).not_known[0].why, "its RecursiveLoop: not asked yet");
    }
}
