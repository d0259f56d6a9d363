//! Batches of more than one without ReportBatchItemFailures: one failure repeats what went well.

use crate::model::finding::{Severity, Subject};
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "batch-failures-unreported",
    many: "consumers that cannot report single failures of a batch",
    why: "one failure repeats its whole batch: what went well is done again, and on a queue dies with it",
    property: "FunctionResponseTypes of AWS::Lambda::EventSourceMapping (serverless.yml: \
               functions.<name>.events[].sqs|stream.functionResponseType)",
    check,
};

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let mappings = picture.mappings.values().map(|observed| &observed.value);
    let known = mappings.filter(|mapping| mapping.kind().is_stream() || mapping.kind().is_queue());
    known.map(|mapping| (Subject::Mapping(mapping.id.clone()), judge(mapping))).collect()
}

fn judge(mapping: &Mapping) -> Found {
    match (mapping.settings.report_batch_item_failures, mapping.settings.batch_size) {
        (true, _) | (_, Some(0 | 1)) => Found::Fine,
        (false, None) => Found::NotKnown("Lambda did not answer BatchSize".to_owned()),
        (false, Some(batch)) => Found::Mend(Mend {
            severity: Severity::Note,
            headline: format!("{} fails whole batches", mapping.function),
            evidence: vec![
                format!("BatchSize {batch}, FunctionResponseTypes without ReportBatchItemFailures"),
                "the handler must answer batchItemFailures first: set alone, it calls every batch done".to_owned(),
            ],
            fix: vec![line::update_mapping(mapping, "--function-response-types ReportBatchItemFailures")],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::{account, job_mapping, said};

    #[test]
    fn a_batch_of_one_is_its_own_report() {
        let mut picture = account();
        job_mapping(&mut picture).settings.report_batch_item_failures = false;
        let advice = said(&picture, RULE.name);
        assert_eq!(advice[0].headline, "JobWorker fails whole batches");
        assert!(advice[0].fix[0].contains("--uuid m-job --function-response-types ReportBatchItemFailures"));
        job_mapping(&mut picture).settings.batch_size = Some(1);
        assert_eq!(said(&picture, RULE.name), []);
    }
}
