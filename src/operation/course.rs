//! The course of one operation, the same whatever it does: it begins once the journal has its first
//! line, is told to end at most once, and closes when nothing is held and nothing is out: what is left to
//! be noted and the last line in one write, then the report.

use crate::model::id::MessageId;
use crate::model::service_error::Outcome;
use crate::model::time::Timestamp;
use crate::operation::notes::Notes;
use crate::operation::order::{JournalEntry, MessageState, Order, OrderId, OrderResult};
use crate::operation::outbox::Outbox;
use crate::operation::progress::{Cause, Kind, Phase, Progress, Report};
use crate::operation::{Command, Owner};

/// The writes of the journal a course gives itself; a machine's purpose has a place for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::operation) enum Step {
    Began,
    /// The last write: when it is answered, the operation is over.
    Ended,
}

#[derive(Debug)]
pub(in crate::operation) struct Course {
    pub(in crate::operation) owner: Owner,
    phase: Phase,
    notes: Notes,
    /// The journal does not have its first line, and gets no last one.
    unbegun: bool,
    cancelled: bool,
    left: bool,
    problem: Option<String>,
    cause: Option<Cause>,
    report: Option<Report>,
    told: bool,
}

impl Course {
    /// `first` is on its way into the journal; nothing else may be ordered before it is there.
    pub(in crate::operation) fn open<P: From<Step>>(owner: Owner, first: Vec<JournalEntry>) -> (Course, Outbox<P>) {
        let mut outbox = Outbox::new();
        outbox.give(Order::Record(first), Step::Began.into());
        let course = Course {
            owner,
            phase: Phase::Starting,
            notes: Notes::default(),
            unbegun: false,
            cancelled: false,
            left: false,
            problem: None,
            cause: None,
            report: None,
            told: false,
        };
        (course, outbox)
    }

    /// False when the journal does not have the first line: nothing may be done then.
    #[must_use]
    pub(in crate::operation) fn handle(&mut self, step: Step, result: &OrderResult) -> bool {
        self.told = false;
        match (step, result) {
            (Step::Began, Outcome::Done(_)) => {
                if self.phase == Phase::Starting {
                    self.phase = Phase::Running;
                }
                true
            }
            (Step::Began, _) => {
                self.unbegun = true;
                false
            }
            (Step::Ended, result) => {
                self.report.iter_mut().for_each(|report| report.written(result));
                self.phase = Phase::Finished;
                true
            }
        }
    }

    /// True when the machine has to stop for it: the first to tell it to end is heeded, and only while
    /// it has not come to its end by itself.
    pub(in crate::operation) fn is_told_to_end(&mut self, command: Command) -> bool {
        let ends = matches!(command, Command::Cancel | Command::Leave);
        if !ends || self.cancelled || !self.is_at_work() {
            return false;
        }
        self.cancelled = true;
        self.left = command == Command::Leave;
        self.told = false;
        true
    }

    /// Nothing new is begun from here on.
    pub(in crate::operation) fn end(&mut self) {
        if self.is_at_work() {
            self.phase = Phase::Ending;
        }
        self.told = false;
    }

    /// Whether all that was ordered is answered, and nothing keeps the last line from being written but
    /// what the machine itself still holds.
    pub(in crate::operation) fn may_close<P>(&self, outbox: &Outbox<P>) -> bool {
        self.phase == Phase::Ending && self.report.is_none() && outbox.is_idle()
    }

    /// The last write. One that never began gets none; one that was left where it can be taken up again
    /// stays open in the journal.
    pub(in crate::operation) fn close<P: From<Step>>(
        &mut self,
        now: Timestamp,
        report: Report,
        outbox: &mut Outbox<P>,
    ) {
        let last = (!self.left).then(|| self.owner.ended(now, &report));
        self.report = Some(report);
        if self.unbegun || !self.notes.write(last.into_iter().collect(), Step::Ended.into(), outbox) {
            self.phase = Phase::Finished;
            self.told = false;
        }
    }

    pub(in crate::operation) fn note(&mut self, now: Timestamp, id: &MessageId, state: MessageState) {
        self.notes.add(self.owner.message(now, id.clone(), state));
    }

    /// Into the journal, behind what was noted.
    pub(in crate::operation) fn write<P>(&mut self, entries: Vec<JournalEntry>, purpose: P, outbox: &mut Outbox<P>) {
        self.notes.write(entries, purpose, outbox);
    }

    /// The result of any order: there is something new to tell, and what was noted may be on record.
    pub(in crate::operation) fn heard(&mut self, id: OrderId, result: &OrderResult) {
        self.told = false;
        self.notes.heard(id, result);
    }

    /// What went wrong with the whole of it: the first counts.
    pub(in crate::operation) fn wrong(&mut self, cause: Option<Cause>, problem: impl Into<String>) {
        if self.problem.is_none() {
            self.problem = Some(problem.into());
            self.cause = cause.or(self.cause);
        }
    }

    /// What sort of thing it was, where the words stand elsewhere: the first counts.
    pub(in crate::operation) fn blame(&mut self, cause: Option<Cause>) {
        self.cause = self.cause.or(cause);
    }

    /// There is something new to tell.
    pub(in crate::operation) fn tell(&mut self) {
        self.told = false;
    }

    /// Whether something happened since it was last asked.
    pub(in crate::operation) fn has_news(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    /// Nothing held, nothing failed. `line` is told until there is a report, which comes along once it is
    /// written.
    pub(in crate::operation) fn progress(&self, kind: Kind, line: impl FnOnce() -> String, done: u64) -> Progress {
        let line = self.report.as_ref().map_or_else(line, Report::line);
        let report = self.report.clone().filter(|_| self.is_finished());
        Progress { report, ..Progress::new(self.owner.operation.clone(), kind, self.phase, line, done) }
    }

    /// Begun, and not told to end.
    pub(in crate::operation) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    pub(in crate::operation) fn is_at_work(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Running)
    }

    /// The journal has the first line, or the machine stopped for want of it; and it is not over.
    pub(in crate::operation) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Ending)
    }

    pub(in crate::operation) fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    pub(in crate::operation) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    pub(in crate::operation) fn problem(&self) -> Option<String> {
        self.problem.clone()
    }

    pub(in crate::operation) fn cause(&self) -> Option<Cause> {
        self.cause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::service_error::ServiceError;
    use crate::operation::order::{Answer, EndState};
    use crate::operation::progress::RescueReport;
    use crate::operation::soak::{START, owner};

    fn open() -> (Course, Outbox<Step>) {
        let owner = owner();
        let first = owner.noted(START, "begun");
        Course::open(owner, vec![first])
    }

    fn report() -> Report {
        Report::Rescue(RescueReport {
            operation: owner().operation,
            state: EndState::Done,
            asked: 0,
            rescued: 0,
            failed: 0,
            gone: 0,
            returned: 0,
            doubtful: Vec::new(),
            records: 0,
            faults: Vec::new(),
            problem: None,
            cause: None,
        })
    }

    /// The lines of the order that is out, answered.
    fn answer(course: &mut Course, outbox: &mut Outbox<Step>) -> Vec<JournalEntry> {
        let Some((id, Order::Record(lines))) = outbox.take() else { panic!("nothing is to be written") };
        let step = outbox.settle(id).expect("it is out");
        assert!(course.handle(step, &Outcome::Done(Answer::Recorded)));
        lines
    }

    #[test]
    fn it_runs_once_the_journal_has_its_first_line_and_not_without() {
        let (mut course, mut outbox) = open();
        assert!(!course.is_running() && !course.is_open());
        assert!(!course.handle(Step::Began, &Outcome::Refused(ServiceError::new("journal", "Full", "full"))));
        assert!(!course.is_running());
        answer(&mut course, &mut outbox);
        assert!(course.is_running());
    }

    #[test]
    fn what_is_noted_and_the_last_line_are_one_write_and_the_report_comes_after_it() {
        let (mut course, mut outbox) = open();
        answer(&mut course, &mut outbox);
        assert!(!course.may_close(&outbox), "it is at work");
        course.end();
        course.note(START, &"m-1".into(), MessageState::Gone);
        assert!(course.may_close(&outbox));
        course.close(START, report(), &mut outbox);
        assert!(!course.may_close(&outbox) && !course.is_finished());
        assert_eq!(course.progress(Kind::Rescue, String::new, 0).report, None);
        let lines = answer(&mut course, &mut outbox);
        assert!(matches!(lines.as_slice(), [JournalEntry::Message { .. }, JournalEntry::Ended { .. }]), "{lines:?}");
        assert!(course.is_finished() && course.has_news() && !course.has_news());
        assert_eq!(course.progress(Kind::Rescue, String::new, 0).report, Some(report()));
    }

    #[test]
    fn an_end_that_is_not_on_record_is_told_as_such_and_nothing_ends_that_never_began() {
        let full = || Outcome::Refused(ServiceError::new("journal", "Full", "disk full"));
        let (mut course, mut outbox) = open();
        answer(&mut course, &mut outbox);
        course.end();
        course.close(START, report(), &mut outbox);
        let (id, _) = outbox.take().expect("the last line");
        let step = outbox.settle(id).expect("it is out");
        assert!(course.handle(step, &full()) && course.is_finished());
        let told = course.progress(Kind::Rescue, String::new, 0);
        let report_told = told.report.expect("it is over");
        assert_eq!((report_told.state(), report_told.cause()), (EndState::Partly, Some(Cause::Journal)));
        assert!(told.line.contains("redrive journal resume"), "{}", told.line);

        let (mut course, mut outbox) = open();
        assert!(outbox.take().is_some() && !course.handle(Step::Began, &full()));
        course.end();
        course.close(START, report(), &mut outbox);
        assert!(course.is_finished() && outbox.take().is_none(), "the journal does not know what would end");
    }

    #[test]
    fn what_is_left_stays_open_and_only_the_first_to_end_it_is_heard() {
        let (mut course, mut outbox) = open();
        answer(&mut course, &mut outbox);
        assert!(!course.is_told_to_end(Command::Pause));
        assert!(course.is_told_to_end(Command::Leave) && !course.is_told_to_end(Command::Cancel));
        course.end();
        course.close(START, report(), &mut outbox);
        assert!(outbox.take().is_none() && course.is_finished(), "nothing says that it ended");
        let (mut course, _) = open();
        course.end();
        assert!(!course.is_told_to_end(Command::Cancel), "it came to its end by itself");
    }

    #[test]
    fn the_first_thing_that_went_wrong_is_told() {
        let (mut course, _) = open();
        course.wrong(None, "one");
        course.wrong(Some(Cause::Refused), "two");
        assert_eq!((course.problem().as_deref(), course.cause()), (Some("one"), None));
        course.blame(Some(Cause::Journal));
        course.blame(Some(Cause::Refused));
        assert_eq!(course.cause(), Some(Cause::Journal));
    }
}
