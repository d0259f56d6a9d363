//! What a trial tells: how far it is, and what came of it.

use crate::model::redaction::Redaction;
use crate::model::trial::Verdict;
use crate::operation::order::EndState;
use crate::operation::progress::{Kind, Progress, TrialReport};
use crate::operation::trial::answer::BATCH_ITEM_FAILURES;
use crate::operation::trial::{CANCELLED, Stage, Trial};

impl Trial {
    pub(super) fn report(&self) -> TrialReport {
        let verdict = self.verdict.clone().unwrap_or(Verdict::NotRun("cancelled".to_owned()));
        let (doubtful, deleted) = (self.doubtful, self.deleted && !self.doubtful);
        let state = match (&verdict, deleted) {
            (Verdict::Succeeded, true) => EndState::Done,
            (Verdict::NotRun(why), _) if why == CANCELLED => EndState::Cancelled,
            (Verdict::Succeeded, false) | (Verdict::Failed(_) | Verdict::MayHaveRun(_), _) => EndState::Partly,
            (Verdict::NotRun(_), _) => EndState::Failed,
        };
        let invoked = self.invoked.as_ref();
        TrialReport {
            operation: self.course.owner.operation.clone(),
            state,
            queue: self.plan.from.name(),
            id: self.plan.id.clone(),
            function: self.plan.function.clone(),
            verdict,
            deleted,
            doubtful,
            answer: invoked.map(|invoked| kept(&invoked.payload)),
            log_tail: invoked.and_then(|invoked| invoked.log_tail.clone()),
            took_ms: self.took_ms,
            cause: self.course.cause(),
            problem: self.course.problem().or(self.returns.left_hidden(self.now)).or(self.sweep.left_hidden(self.now)),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let done = u64::from(self.deleted);
        Progress {
            failed: u64::from(matches!(self.verdict, Some(Verdict::Failed(_)))),
            left: Some(1 - done),
            unsure: 0,
            held: (self.sweep.held() + self.returns.held()) as u64 + u64::from(self.found.is_some()),
            held_until: self.found.as_ref().map(|found| found.until).max(self.sweep.held_until()),
            ..self.course.progress(Kind::Trial, || self.line(), done)
        }
    }

    fn line(&self) -> String {
        let (id, function) = (self.plan.id.short(), &self.plan.function);
        match self.stage {
            Stage::Looking => format!("looking for {id} in {}", self.plan.from.name()),
            Stage::Leasing | Stage::Noting => format!("holding {id}"),
            Stage::Invoking => format!("{function} runs with {id}"),
            Stage::Deleting => format!("{function} is done with {id}: deleting it"),
            Stage::Checking => {
                format!("{function} came through with {id}; one more look whether it is deleted")
            }
            Stage::Closing => "giving back what is held".to_owned(),
        }
    }
}

/// What the journal says of a trial, as it may be shown: a function's own words became part of it.
pub fn summary_shown(summary: &str, redaction: &Redaction) -> String {
    let failed = summary.split_once(": ").filter(|(head, _)| redaction.is_on() && head.contains(FAILED));
    let Some((head, rest)) = failed else { return summary.to_owned() };
    let (why, stays) = rest.rfind(STAYS).map_or((rest, ""), |at| rest.split_at(at));
    format!("{head}: {}{stays}", why_shown(why, redaction))
}

/// Why a function failed, as it may be shown: of an answer only that there was one, and the name of the error.
pub fn why_shown(why: &str, redaction: &Redaction) -> String {
    if why.starts_with(BATCH_ITEM_FAILURES) { why.to_owned() } else { redaction.line(why).into_owned() }
}

/// How [`TrialReport::line`] tells that a function failed, and how it ends.
const FAILED: &str = " failed";
const STAYS: &str = "; it stays in ";

impl TrialReport {
    /// As it may be shown where a context redacts: the answer and the log, and what of them became the
    /// reason.
    pub fn shown(&self, redaction: &Redaction) -> TrialReport {
        if !redaction.is_on() {
            return self.clone();
        }
        let line = |text: &String| redaction.line(text).into_owned();
        let lines = |text: &String| text.split('\n').map(|text| redaction.line(text)).collect::<Vec<_>>().join("\n");
        let verdict = match &self.verdict {
            Verdict::Failed(why) => Verdict::Failed(why_shown(why, redaction)),
            other => other.clone(),
        };
        let (answer, log_tail) = (self.answer.as_ref().map(line), self.log_tail.as_ref().map(lines));
        TrialReport { verdict, answer, log_tail, ..self.clone() }
    }
}

/// The start of an answer; JSON output and the screen need no megabytes.
fn kept(payload: &str) -> String {
    payload.get(..payload.floor_char_boundary(ANSWER_BYTES)).unwrap_or_default().to_owned()
}

const ANSWER_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn report(why: &str, answer: &str, log_tail: &str) -> TrialReport {
        TrialReport {
            cause: None,
            operation: "op-1".into(),
            state: EndState::Partly,
            queue: "JobDLQ".into(),
            id: "m-1".into(),
            function: "JobWorker".into(),
            verdict: Verdict::Failed(why.to_owned()),
            deleted: false,
            doubtful: false,
            answer: Some(answer.to_owned()),
            log_tail: Some(log_tail.to_owned()),
            took_ms: None,
            problem: None,
        }
    }

    #[test]
    fn what_a_function_said_of_a_message_is_redacted_as_its_log_is() {
        let answer = r#"{"errorType":"Refused","event":{"profile":{"email":"a@b.c"}}}"#;
        let log = "START RequestId: 1 Version: $LATEST\n[ERROR] Refused: a@b.c\nEND RequestId: 1";
        let whole = report("Refused: a@b.c", answer, log);
        let redaction = Redaction::new(["profile.email"]).expect("a path");
        let shown = whole.shown(&redaction);
        let told = format!("{} {shown:?}", shown.line());
        assert!(!told.contains("a@b.c") && told.contains("Refused: ***") && told.contains("START RequestId"), "{told}");
        assert_eq!(summary_shown(&whole.line(), &redaction), shown.line(), "the journal's summary too");
        let nothing = &crate::model::redaction::NOTHING;
        assert_eq!((summary_shown(&whole.line(), nothing), whole.shown(nothing)), (whole.line(), whole.clone()));
        let named = format!("{BATCH_ITEM_FAILURES} (batchItemFailures); its log says more");
        assert_eq!(report(&named, "", "").shown(&redaction).verdict, Verdict::Failed(named));
    }
}
