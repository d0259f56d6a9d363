//! A new reserve on the card: the calls and lines that would do it, and what its value means by itself.

use crate::model::reserve::ReserveChange;
use crate::operation::card::{Card, Facts};

pub(super) fn commands(card: &mut Card, change: &ReserveChange, facts: &Facts) {
    let name = change.function.as_str();
    let (call, verb) = match change.to {
        Some(_) => ("PutFunctionConcurrency", "put-function-concurrency"),
        None => ("DeleteFunctionConcurrency", "delete-function-concurrency"),
    };
    card.calls.push(format!("lambda:{call} {name}"));
    let mut words = vec!["lambda".to_owned(), verb.to_owned(), "--function-name".to_owned(), name.to_owned()];
    if let Some(to) = change.to {
        words.extend(["--reserved-concurrent-executions".to_owned(), to.to_string()]);
    }
    card.cli.push(facts.aws(&words.iter().map(String::as_str).collect::<Vec<_>>()));
}

pub(super) fn warnings(change: &ReserveChange) -> Vec<String> {
    let name = &change.function;
    match change.to {
        Some(0) => vec![
            format!("0 stops {name} for everybody: no mapping and no other caller can run it until that is changed"),
            "meanwhile stream records age, messages come back received once more, and asynchronous events are \
             dropped after six hours or sooner"
                .to_owned(),
        ],
        Some(to) => vec![format!(
            "it caps all that runs {name}, every mapping and every other caller together: what is beyond {to} is \
             throttled"
        )],
        None => vec![format!("nothing is kept for {name} then: other functions can take all there is, and it theirs")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mapping::{MappingChange, MappingSettings};
    use crate::model::plan::RetunePlan;
    use crate::operation::card::setting::retune;
    use crate::operation::card::tests::facts;

    fn card(before: Option<u32>, to: Option<u32>, change: MappingChange) -> Card {
        let plan = RetunePlan {
            mapping: "u-1".into(),
            before: MappingSettings::default(),
            enabled_before: true,
            change,
            reason: None,
            revert_after_s: None,
            reserve: Some(ReserveChange { function: "LogWorker".into(), before, to }),
        };
        retune(&plan, &facts())
    }

    #[test]
    fn a_reserve_is_one_call_of_its_own_and_says_what_it_does() {
        let alone = card(None, Some(20), MappingChange::default());
        assert_eq!(alone.calls, ["lambda:PutFunctionConcurrency LogWorker"]);
        assert_eq!(
            alone.cli,
            ["aws lambda put-function-concurrency --function-name LogWorker --reserved-concurrent-executions 20 \
              --region eu-west-1"]
        );
        assert_eq!(alone.scope[0], "reserved concurrency none→20");
        assert!(alone.scope[1].contains("what is beyond 20 is throttled"), "{:?}", alone.scope);
        assert!(!alone.scope.iter().any(|line| line.contains("Updating")), "the mapping is left alone");
        let gone = card(Some(20), None, MappingChange::default());
        assert_eq!(gone.calls, ["lambda:DeleteFunctionConcurrency LogWorker"]);
        assert!(gone.scope[1].contains("nothing is kept for LogWorker then"));
        let stopped = card(Some(20), Some(0), MappingChange::default());
        assert!(stopped.scope[1].starts_with("0 stops LogWorker for everybody"));
    }

    #[test]
    fn beside_a_setting_of_the_mapping_both_calls_are_shown_in_their_order() {
        let both = card(None, Some(20), MappingChange { batch_size: Some(50), ..MappingChange::default() });
        assert_eq!(both.calls, ["lambda:PutFunctionConcurrency LogWorker", "lambda:UpdateEventSourceMapping u-1"]);
        assert_eq!(both.cli.len(), 2);
        assert_eq!(both.scope[..2], ["batch –→50", "reserved concurrency none→20"]);
    }
}
