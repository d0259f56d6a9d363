//! How a scenario must end: figures of its summary within bounds.

use crate::pipeline::summary::Summary;
use crate::scenario::file::ExpectFile;
use crate::scenario::value::Bounds;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The history of the judged run, when it is not the scenario's.
    pub history_s: Option<u32>,
    /// Seconds from the start, history included, after which it is judged.
    pub run_s: u64,
    figures: Vec<(Figure, u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Requests,
    JobsStarted,
    JobsFinished,
    JobsDead,
    JobsRedriven,
    Events,
    RecordsIndexed,
    IteratorAgeMax,
    DeadAtEnd,
    BacklogAtEnd,
    Lost,
}

impl Expect {
    pub(super) fn of(file: &ExpectFile) -> Expect {
        let all: [(Figure, Option<Bounds>); 11] = [
            (Figure::Requests, file.requests),
            (Figure::JobsStarted, file.jobs_started),
            (Figure::JobsFinished, file.jobs_finished),
            (Figure::JobsDead, file.jobs_dead),
            (Figure::JobsRedriven, file.jobs_redriven),
            (Figure::Events, file.events),
            (Figure::RecordsIndexed, file.records_indexed),
            (Figure::IteratorAgeMax, file.iterator_age_max_s),
            (Figure::DeadAtEnd, file.dead_at_end),
            (Figure::BacklogAtEnd, file.backlog_at_end),
            (Figure::Lost, file.lost),
        ];
        let figures = all.into_iter().filter_map(|(figure, bounds)| bounds.map(|b| (figure, b.low, b.high)));
        Expect { history_s: file.history_s, run_s: file.run_s, figures: figures.collect() }
    }

    /// Every figure out of bounds, each as a line; none when all is as expected.
    pub fn missed(&self, summary: &Summary) -> Vec<String> {
        let miss = |(figure, low, high): &(Figure, u64, u64)| {
            let is = figure.of(summary);
            let wanted = if low == high { low.to_string() } else { format!("{low} to {high}") };
            (!(*low..=*high).contains(&is)).then(|| format!("{}: {is}, expected {wanted}", figure.name()))
        };
        self.figures.iter().filter_map(miss).collect()
    }
}

impl Figure {
    fn name(self) -> &'static str {
        match self {
            Figure::Requests => "requests",
            Figure::JobsStarted => "jobs_started",
            Figure::JobsFinished => "jobs_finished",
            Figure::JobsDead => "jobs_dead",
            Figure::JobsRedriven => "jobs_redriven",
            Figure::Events => "events",
            Figure::RecordsIndexed => "records_indexed",
            Figure::IteratorAgeMax => "iterator_age_max_s",
            Figure::DeadAtEnd => "dead_at_end",
            Figure::BacklogAtEnd => "backlog_at_end",
            Figure::Lost => "lost",
        }
    }

    fn of(self, summary: &Summary) -> u64 {
        let census = &summary.census;
        match self {
            Figure::Requests => summary.requests,
            Figure::JobsStarted => summary.jobs_started,
            Figure::JobsFinished => summary.jobs_finished,
            Figure::JobsDead => summary.jobs_dead,
            Figure::JobsRedriven => summary.jobs_redriven,
            Figure::Events => summary.events,
            Figure::RecordsIndexed => summary.records_indexed,
            Figure::IteratorAgeMax => u64::try_from(summary.iterator_age_max_ms.unwrap_or(0)).unwrap_or(0) / 1000,
            Figure::DeadAtEnd => census.jobs.dead,
            Figure::BacklogAtEnd => census.events.waiting + census.events.in_flight,
            Figure::Lost => census.jobs.lost + census.events.lost,
        }
    }
}
