//! A stream mapping that does not halve a failing batch: one bad record fails, and delays, all that
//! came with it.

use crate::model::finding::{Severity, Subject};
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "bisect-off",
    many: "stream consumers that do not halve a failing batch",
    why: "one bad record fails its whole batch, try after try, instead of being found by halving",
    property: "BisectBatchOnFunctionError of AWS::Lambda::EventSourceMapping (serverless.yml: \
               functions.<name>.events[].stream.bisectBatchOnFunctionError)",
    check,
};

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let mappings = picture.mappings.values().map(|observed| &observed.value);
    let streams = mappings.filter(|mapping| mapping.kind().is_stream());
    streams.map(|mapping| (Subject::Mapping(mapping.id.clone()), judge(mapping))).collect()
}

fn judge(mapping: &Mapping) -> Found {
    match (mapping.settings.batch_size, mapping.settings.bisect) {
        (Some(0 | 1), _) | (_, Some(true)) => Found::Fine,
        (Some(batch), Some(false)) => Found::Mend(Mend {
            severity: Severity::Note,
            headline: format!("{} does not halve a failing batch", mapping.function),
            evidence: vec![format!("BatchSize {batch}, BisectBatchOnFunctionError off")],
            fix: vec![line::update_mapping(mapping, "--bisect-batch-on-function-error")],
        }),
        (None, _) => Found::NotKnown("Lambda did not answer BatchSize".to_owned()),
        (_, None) => Found::NotKnown("Lambda did not answer BisectBatchOnFunctionError".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, judged, log_mapping, said};

    #[test]
    fn a_batch_of_one_needs_no_halving() {
        let mut picture = account();
        log_mapping(&mut picture).settings.bisect = Some(false);
        assert!(said(&picture, RULE.name)[0].fix[0].contains("--uuid m-log --bisect-batch-on-function-error"));
        log_mapping(&mut picture).settings.batch_size = Some(1);
        assert_eq!(said(&picture, RULE.name), []);
        log_mapping(&mut picture).settings.batch_size = None;
        assert_eq!(judged(&picture, RULE.name).not_known.len(), 1);
    }
}
