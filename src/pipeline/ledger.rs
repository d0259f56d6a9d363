//! Which runs there are and how far each is, a few bytes a run. The jobs and events of a run are
//! its *identities*; the ledger knows which of them were made and which came to their end, and the
//! census looks for the others in the containers.

use std::collections::BTreeMap;

use crate::automation::identity::{Identity, Kind, RunId};
use crate::model::time::Timestamp;

/// One run. Its flags stand in the ledger's `marks`: one byte for the request, one for each step.
#[derive(Debug, Clone, Copy)]
struct Row {
    accepted_ms: i64,
    marks_from: u32,
    steps: u16,
    /// What the bucket keeps of its request.
    request: RequestRef,
}

/// Where a run's request is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestRef {
    /// Made from the load's mix, for a recipient.
    Mix { entry: u16, recipient: u32 },
    /// As it was posted.
    Posted,
}

/// A thing that can have happened to an identity. Bits of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mark {
    /// A job: it began to exist.
    Made = 1,
    /// A job: it has done all it had to do.
    Ended = 2,
    /// A job: a cancellation ended it.
    Cancelled = 4,
    /// An event: it is in the table, or in the search index.
    WaitingRecorded = 8,
    FinishedRecorded = 16,
    WaitingIndexed = 32,
    FinishedIndexed = 64,
}

/// The same for the byte of the request.
const REQUEST_RECORDED: u8 = 1;
const REQUEST_INDEXED: u8 = 2;

/// Items of other services are numbered from here on, as runs are from 1.
const FOREIGN: u64 = 1 << 48;
/// Revisions an item has before another item takes its place.
const MAX_REVISIONS: u64 = 1 << 16;

#[derive(Debug)]
pub struct Ledger {
    /// Runs with the numbers 1, 2, 3 …
    rows: Vec<Row>,
    /// Runs that other runs invoked; their numbers are computed.
    children: BTreeMap<u64, Row>,
    marks: Vec<u8>,
    /// Items of other services; their events are written to each in turn.
    foreign_items: u64,
    foreign: u64,
    foreign_indexed: Vec<u64>,
}

impl Ledger {
    /// `foreign_items`: how many items other services write events of.
    pub fn new(foreign_items: u32) -> Self {
        Ledger {
            rows: Vec::new(),
            children: BTreeMap::new(),
            marks: Vec::new(),
            foreign_items: u64::from(foreign_items.max(1)),
            foreign: 0,
            foreign_indexed: Vec::new(),
        }
    }

    /// The number the next accepted run gets.
    pub fn next_run(&self) -> RunId {
        RunId::new(self.rows.len() as u64 + 1)
    }

    /// A run was accepted: its first job exists from now on. False when it was there already.
    pub fn accept(&mut self, run: RunId, at: Timestamp, steps: usize, request: RequestRef) -> bool {
        if self.row(run).is_some() {
            return false;
        }
        let marks_from = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        let steps = u16::try_from(steps).unwrap_or(u16::MAX);
        let row = Row { accepted_ms: at.ms(), marks_from, steps, request };
        self.marks.resize(self.marks.len() + usize::from(steps) + 1, 0);
        if run == self.next_run() {
            self.rows.push(row);
        } else {
            self.children.insert(run.number(), row);
        }
        if steps > 0 {
            self.mark(Identity::job(run, 0), Mark::Made);
        }
        true
    }

    /// The identity of the next event of another service.
    pub fn next_foreign(&mut self) -> Identity {
        let number = self.foreign;
        self.foreign += 1;
        if number.is_multiple_of(64) {
            self.foreign_indexed.push(0);
        }
        let (round, place) = (number / self.foreign_items, number % self.foreign_items);
        let item = place + round / MAX_REVISIONS * self.foreign_items;
        // The remainder is below 2¹⁶.
        Identity::external(RunId::new(FOREIGN + item), (round % MAX_REVISIONS) as u16)
    }

    pub fn request(&self, run: RunId) -> Option<(RequestRef, Timestamp)> {
        self.row(run).map(|row| (row.request, Timestamp::from_ms(row.accepted_ms)))
    }

    pub fn steps(&self, run: RunId) -> Option<u16> {
        self.row(run).map(|row| row.steps)
    }

    /// Every run, those given out in order first.
    pub fn all_runs(&self) -> impl Iterator<Item = RunId> {
        let given = (1..=self.rows.len() as u64).map(RunId::new);
        given.chain(self.children.keys().copied().map(RunId::new))
    }

    /// The runs from this number on, in the order of their numbers.
    pub fn runs_from(&self, run: RunId) -> impl Iterator<Item = RunId> {
        let given = (run.number().max(1)..=self.rows.len() as u64).map(RunId::new);
        given.chain(self.children.range(run.number()..).map(|(number, _)| RunId::new(*number)))
    }

    /// Sets a mark; false when it was set already or there is no such identity.
    pub fn mark(&mut self, identity: Identity, mark: Mark) -> bool {
        let Some(index) = self.index(identity) else { return false };
        let byte = &mut self.marks[index];
        let new = *byte & mark as u8 == 0;
        *byte |= mark as u8;
        new
    }

    pub fn has(&self, identity: Identity, mark: Mark) -> bool {
        self.index(identity).is_some_and(|index| self.marks[index] & mark as u8 != 0)
    }

    /// True when the event was in the table at some time.
    pub fn is_recorded(&self, event: Identity) -> bool {
        match event.kind {
            Kind::Requested => self.request_mark(event.run) & REQUEST_RECORDED != 0,
            Kind::Waiting => self.has(event, Mark::WaitingRecorded),
            Kind::Finished | Kind::Job => self.has(event, Mark::FinishedRecorded),
            Kind::External => self.foreign_number(event) < self.foreign,
        }
    }

    /// Notes that an event is in the table; false when it was noted before, or is nobody's.
    pub fn record(&mut self, event: Identity) -> bool {
        match event.kind {
            Kind::Requested => self.set_request_mark(event.run, REQUEST_RECORDED),
            Kind::Waiting => self.mark(event, Mark::WaitingRecorded),
            Kind::Finished | Kind::Job => self.mark(event, Mark::FinishedRecorded),
            // These are recorded as they are numbered.
            Kind::External => self.foreign_number(event) + 1 == self.foreign,
        }
    }

    pub fn is_indexed(&self, event: Identity) -> bool {
        match event.kind {
            Kind::Requested => self.request_mark(event.run) & REQUEST_INDEXED != 0,
            Kind::Waiting => self.has(event, Mark::WaitingIndexed),
            Kind::Finished | Kind::Job => self.has(event, Mark::FinishedIndexed),
            Kind::External => {
                let number = self.foreign_number(event);
                self.foreign_indexed.get((number / 64) as usize).is_some_and(|word| word >> (number % 64) & 1 == 1)
            }
        }
    }

    /// Notes that an event is in the search index; false when it was noted before, or is nobody's.
    pub fn index_event(&mut self, event: Identity) -> bool {
        match event.kind {
            Kind::Requested => self.set_request_mark(event.run, REQUEST_INDEXED),
            Kind::Waiting => self.mark(event, Mark::WaitingIndexed),
            Kind::Finished | Kind::Job => self.mark(event, Mark::FinishedIndexed),
            Kind::External => {
                let number = self.foreign_number(event);
                let Some(word) = self.foreign_indexed.get_mut((number / 64) as usize) else { return false };
                let new = *word >> (number % 64) & 1 == 0;
                *word |= 1 << (number % 64);
                new
            }
        }
    }

    /// Counts of everything, from the marks.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { events: self.foreign, ..Totals::default() };
        totals.indexed += self.foreign_indexed.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        for row in self.rows.iter().chain(self.children.values()) {
            let from = row.marks_from as usize;
            let Some((request, steps)) =
                self.marks.get(from..from + usize::from(row.steps) + 1).and_then(<[u8]>::split_first)
            else {
                continue;
            };
            totals.events += u64::from(request & REQUEST_RECORDED);
            totals.indexed += u64::from(request & REQUEST_INDEXED != 0);
            for step in steps {
                let has = |mark: Mark| u64::from(step & mark as u8 != 0);
                totals.made += has(Mark::Made);
                // A job that ended and was cancelled by another copy of it counts as ended.
                totals.ended += has(Mark::Ended);
                totals.cancelled += has(Mark::Cancelled) & (1 - has(Mark::Ended));
                totals.events += has(Mark::WaitingRecorded) + has(Mark::FinishedRecorded);
                totals.indexed += has(Mark::WaitingIndexed) + has(Mark::FinishedIndexed);
            }
        }
        totals
    }

    /// Jobs that were made and neither ended nor were cancelled.
    pub fn open_jobs(&self) -> impl Iterator<Item = Identity> {
        self.all_runs().flat_map(|run| {
            let steps = self.steps(run).unwrap_or(0);
            (0..steps).map(move |step| Identity::job(run, step)).filter(|job| self.is_open(*job))
        })
    }

    pub fn is_open(&self, job: Identity) -> bool {
        let closed = Mark::Ended as u8 | Mark::Cancelled as u8;
        self.index(job).is_some_and(|index| {
            let byte = self.marks[index];
            byte & Mark::Made as u8 != 0 && byte & closed == 0
        })
    }

    /// The number of another service's event, in the order they were made.
    fn foreign_number(&self, event: Identity) -> u64 {
        let item = event.run.number().saturating_sub(FOREIGN);
        let (place, life) = (item % self.foreign_items, item / self.foreign_items);
        (life * MAX_REVISIONS + u64::from(event.step)) * self.foreign_items + place
    }

    fn row(&self, run: RunId) -> Option<&Row> {
        let given = run.number().checked_sub(1).and_then(|index| usize::try_from(index).ok());
        given.and_then(|index| self.rows.get(index)).or_else(|| self.children.get(&run.number()))
    }

    fn index(&self, identity: Identity) -> Option<usize> {
        let row = self.row(identity.run)?;
        (identity.step < row.steps).then(|| row.marks_from as usize + 1 + usize::from(identity.step))
    }

    fn request_mark(&self, run: RunId) -> u8 {
        self.row(run).map_or(0, |row| self.marks[row.marks_from as usize])
    }

    fn set_request_mark(&mut self, run: RunId, bit: u8) -> bool {
        let Some(index) = self.row(run).map(|row| row.marks_from as usize) else { return false };
        let new = self.marks[index] & bit == 0;
        self.marks[index] |= bit;
        new
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Jobs.
    pub made: u64,
    pub ended: u64,
    pub cancelled: u64,
    pub events: u64,
    pub indexed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_s(1_767_225_600);

    #[test]
    fn a_run_is_accepted_once_and_its_marks_are_counted() {
        let mut ledger = Ledger::new(7);
        let run = ledger.next_run();
        assert!(ledger.accept(run, AT, 2, RequestRef::Posted));
        assert!(!ledger.accept(run, AT, 2, RequestRef::Posted));
        let child = run.child(1);
        assert!(ledger.accept(child, AT, 1, RequestRef::Posted));
        assert!(ledger.record(Identity::requested(run)) && !ledger.record(Identity::requested(run)));
        assert!(ledger.record(Identity::finished(run, 0)));
        assert!(ledger.index_event(Identity::finished(run, 0)));
        assert!(ledger.mark(Identity::job(run, 0), Mark::Ended));
        assert!(ledger.mark(Identity::job(run, 1), Mark::Made));
        assert_eq!(ledger.totals(), Totals { made: 3, ended: 1, cancelled: 0, events: 2, indexed: 1 });
        let open: Vec<Identity> = ledger.open_jobs().collect();
        assert_eq!(open, [Identity::job(run, 1), Identity::job(child, 0)]);
        assert!(!ledger.mark(Identity::job(run, 2), Mark::Made), "there is no third step");
        assert!(!ledger.record(Identity::requested(RunId::new(99))));
    }

    #[test]
    fn events_of_others_are_numbered_and_indexed_once() {
        let mut ledger = Ledger::new(7);
        let events: Vec<Identity> = (0..100).map(|_| ledger.next_foreign()).collect();
        assert!(ledger.is_recorded(events[99]) && !ledger.is_indexed(events[99]));
        assert!(ledger.index_event(events[99]) && !ledger.index_event(events[99]));
        let totals = ledger.totals();
        assert_eq!((totals.events, totals.indexed), (100, 1));
    }
}
