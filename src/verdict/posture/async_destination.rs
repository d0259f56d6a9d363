//! A function that is invoked asynchronously and has nowhere to put an event it gave up: after two
//! retries the event is gone.

use crate::model::finding::{Severity, Subject};
use crate::model::function::AsyncSettings;
use crate::model::id::{Arn, FunctionName};
use crate::model::picture::Picture;
use crate::verdict::posture::questions::invoked_asynchronously;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "async-without-destination",
    many: "functions that drop events they give up",
    why: "an event that fails three times is dropped: no dead letter, no trace but a metric",
    property: "DestinationConfig.OnFailure of AWS::Lambda::EventInvokeConfig (serverless.yml: \
               functions.<name>.destinations.onFailure)",
    check,
};

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let invoked = invoked_asynchronously(picture);
    invoked.into_iter().map(|(name, arn)| (Subject::Function(name.clone()), judge(picture, &name, &arn))).collect()
}

fn judge(picture: &Picture, name: &FunctionName, arn: &Arn) -> Found {
    let function = picture.functions.get(name).map(|function| &function.value);
    if function.is_some_and(|function| function.dead_letter.is_some()) {
        return Found::Fine;
    }
    let settings = match picture.function_settings.get(name).map(|settings| settings.value.asynchronous.known()) {
        Some(Ok(settings)) => settings,
        Some(Err(why)) => return Found::NotKnown(format!("its on-failure destination: {why}")),
        None => return Found::NotKnown("its on-failure destination: not asked yet".to_owned()),
    };
    match settings {
        AsyncSettings { on_failure: Some(_), .. } => Found::Fine,
        _ if function.is_none() => Found::NotKnown("its DeadLetterConfig was not read".to_owned()),
        AsyncSettings { configured, .. } => {
            let keeper = format!("{name}-failures");
            // `put` replaces retries and age too, so it is only for where there is nothing to replace.
            let verb =
                if *configured { "update-function-event-invoke-config" } else { "put-function-event-invoke-config" };
            let to = line::destination(&line::queue_arn(&keeper, arn));
            Found::Mend(Mend {
                severity: Severity::Warning,
                headline: format!("{name} drops events it gives up"),
                evidence: vec![
                    "no DeadLetterConfig, no on-failure destination of asynchronous invokes".to_owned(),
                    format!("the role of {name} needs sqs:SendMessage on the destination"),
                ],
                fix: vec![line::create_keeper(&keeper, arn, false), line::function(verb, name, &to, arn)],
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::function::Reading;
    use crate::verdict::posture::examples::{account, judged, said, settings};

    #[test]
    fn either_way_out_is_fine_and_none_is_not() {
        let mut picture = account();
        settings(&mut picture, "RequestWorker").asynchronous = Reading::Known(AsyncSettings::default());
        assert!(said(&picture, RULE.name)[0].fix[1].starts_with("aws lambda put-function-event-invoke-config"));
        settings(&mut picture, "RequestWorker").asynchronous =
            Reading::Known(AsyncSettings { configured: true, on_failure: None });
        assert!(said(&picture, RULE.name)[0].fix[1].starts_with("aws lambda update-function-event-invoke-config"));
        let function = picture.functions.get_mut(&"RequestWorker".into()).expect("it is there");
        function.value.dead_letter = Some("arn:aws:sqs:eu-west-1:123456789012:Dead".into());
        assert_eq!(said(&picture, RULE.name), []);
    }

    #[test]
    fn not_asked_or_refused_is_not_fine() {
        let mut picture = account();
        settings(&mut picture, "RequestWorker").asynchronous = Reading::Refused("AccessDenied".to_owned());
        let why = |picture: &Picture| judged(picture, RULE.name).not_known[0].why.clone();
        assert_eq!(why(&picture), "its on-failure destination: AccessDenied");
        picture.function_settings.clear();
        assert_eq!(why(&picture), "its on-failure destination: not asked yet");
    }
}
