//! An end that is not on record. Whatever came of an operation, it is not done while the journal does not
//! have its last line: there it counts as cut off, and can be taken up again.

use crate::model::id::OperationId;
use crate::model::service_error::Outcome;
use crate::operation::order::{EndState, OrderResult};
use crate::operation::progress::{Cause, Report};

impl Report {
    /// What came of writing the last line: where it was not written, the report says so.
    pub(in crate::operation) fn written(&mut self, result: &OrderResult) {
        let (operation, state, problem, cause) = match self {
            Report::Scan(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
            Report::Redrive(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
            Report::MoveAll(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
            Report::Retune(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
            Report::Trial(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
            Report::Rescue(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
            Report::Rerun(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
            Report::Drop(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
            Report::Restore(report) => (&report.operation, &mut report.state, &mut report.problem, &mut report.cause),
        };
        unwritten(operation, result, (state, problem, cause));
    }
}

/// The same of an end that is no report yet.
pub(in crate::operation) fn unwritten(
    operation: &OperationId,
    result: &OrderResult,
    (state, problem, cause): (&mut EndState, &mut Option<String>, &mut Option<Cause>),
) {
    let why = match result {
        Outcome::Done(_) => return,
        Outcome::Refused(error) => error.to_string(),
        Outcome::Unknown(seen) => seen.clone(),
    };
    let said = format!(
        "its end could not be written into the journal ({why}), where it counts as cut off: \
         redrive journal resume {operation}"
    );
    if let Some(first) = problem {
        first.push_str(&format!("; {said}"));
    } else {
        *problem = Some(said);
        cause.get_or_insert(Cause::Journal);
    }
    if *state == EndState::Done {
        *state = EndState::Partly;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::service_error::ServiceError;
    use crate::operation::order::Answer;

    #[test]
    fn an_end_that_is_not_on_record_is_not_done_and_says_how_it_is_taken_up() {
        let full = || Outcome::Refused(ServiceError::new("journal", "Full", "disk full"));
        let told = |state, problem: Option<&str>, result: OrderResult| {
            let (mut state, mut problem, mut cause) = (state, problem.map(str::to_owned), None);
            unwritten(&"op-1".into(), &result, (&mut state, &mut problem, &mut cause));
            (state, problem.unwrap_or_default(), cause)
        };
        let (state, problem, cause) = told(EndState::Done, None, full());
        assert_eq!((state, cause), (EndState::Partly, Some(Cause::Journal)));
        assert!(problem.contains("disk full") && problem.ends_with("redrive journal resume op-1"), "{problem}");
        let (state, problem, cause) = told(EndState::Failed, Some("denied"), full());
        assert_eq!((state, cause), (EndState::Failed, None), "what came first decides");
        assert!(problem.starts_with("denied; its end could not"), "{problem}");
        let done = Outcome::Done(Answer::Recorded);
        assert_eq!(told(EndState::Done, None, done), (EndState::Done, String::new(), None));
    }
}
