//! A stream mapping that retries for ever and has no destination: one bad record holds its shard
//! until it expires, and then it is lost.

use crate::model::finding::{Severity, Subject};
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "retries-unlimited",
    many: "stream consumers that retry without end and have no on-failure destination",
    why: "one record that fails always holds its shard until the stream drops it, a day later, with all behind it",
    property: "MaximumRetryAttempts and DestinationConfig.OnFailure of AWS::Lambda::EventSourceMapping (serverless.yml: \
               functions.<name>.events[].stream maximumRetryAttempts, destinations.onFailure)",
    check,
};

/// Lambda's way to say "until the record expires".
const FOREVER: i32 = -1;

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let mappings = picture.mappings.values().map(|observed| &observed.value);
    let streams = mappings.filter(|mapping| mapping.kind().is_stream());
    streams.map(|mapping| (Subject::Mapping(mapping.id.clone()), judge(mapping))).collect()
}

fn judge(mapping: &Mapping) -> Found {
    let settings = &mapping.settings;
    let ends = |limit: Option<i32>| limit.is_some_and(|limit| limit != FOREVER);
    if settings.on_failure.is_some() || ends(settings.max_retry_attempts) || ends(settings.max_record_age_s) {
        return Found::Fine;
    }
    if settings.max_retry_attempts.is_none() {
        return Found::NotKnown("Lambda did not answer MaximumRetryAttempts".to_owned());
    }
    let keeper = format!("{}-failures", mapping.function);
    let arn = line::queue_arn(&keeper, &mapping.function_arn);
    let words = format!("--maximum-retry-attempts 5 {}", line::destination(&arn));
    Found::Mend(Mend {
        severity: Severity::Warning,
        headline: format!("{} retries a bad record without end", mapping.function),
        evidence: vec![
            "MaximumRetryAttempts -1, MaximumRecordAgeInSeconds -1, no on-failure destination".to_owned(),
            format!("the role of {} needs sqs:SendMessage on the destination", mapping.function),
        ],
        fix: vec![line::create_keeper(&keeper, &mapping.function_arn, false), line::update_mapping(mapping, &words)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, judged, log_mapping, said};

    #[test]
    fn an_end_of_any_kind_is_fine_and_none_is_not() {
        let mut picture = account();
        let settings = &mut log_mapping(&mut picture).settings;
        (settings.max_retry_attempts, settings.max_record_age_s, settings.on_failure) = (Some(-1), Some(-1), None);
        let advice = said(&picture, RULE.name);
        assert_eq!(
            advice[0].fix[1],
            "aws lambda update-event-source-mapping --uuid m-log --maximum-retry-attempts 5 --destination-config \
             '{\"OnFailure\":{\"Destination\":\"arn:aws:sqs:eu-west-1:123456789012:LogWorker-failures\"}}' \
             --region eu-west-1"
        );
        log_mapping(&mut picture).settings.max_record_age_s = Some(3600);
        assert_eq!(said(&picture, RULE.name), []);
        let settings = &mut log_mapping(&mut picture).settings;
        (settings.max_record_age_s, settings.max_retry_attempts) = (None, None);
        assert_eq!(judged(&picture, RULE.name).not_known.len(), 1);
    }
}
