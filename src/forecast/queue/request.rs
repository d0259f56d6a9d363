//! What a request from outside comes to, of a consumer that feeds its own queue: while it keeps up, all that
//! is sent is what the runs of the other writers come to, however it is chained. From then on what waits
//! is what they came to less what was handled: no message has to be told from another.

use crate::forecast::queue::arrivals::Rate;
use crate::forecast::queue::chain::Chain;
use crate::forecast::queue::watched::Watched;
use crate::model::rehearsal::SourceQueue;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Requests {
    /// Runs of the other writers.
    pub(super) rate: Rate,
    /// Messages that a run comes to in all, and the relative standard error of that.
    pub(super) each: f64,
    pub(super) error: f64,
    since: Option<Since>,
    sentence: String,
}

/// What came and went since the backlog began, and what waited at the end of that.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Since {
    runs: f64,
    handled: f64,
    /// There when it began.
    before: f64,
    waits: f64,
}

/// Why it is not known what a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) why: String,
    /// It was measured, and what came afterwards contradicts it.
    pub(super) contradicted: bool,
}

impl Requests {
    /// Messages a second from outside, and their chain, where a run comes to `each`.
    pub(super) fn sent_by_a_run(each: f64) -> (f64, Chain) {
        (each.min(1.0), Chain::of(each))
    }

    /// How probably a message that waits brings another, where a run comes to `each`.
    pub(super) fn brings(&self, each: f64) -> f64 {
        let chain = Chain::of(each);
        let total = self.since.map_or((1.0 + each) / 2.0, |since| since.left(each) / since.waits.max(1.0));
        chain.share(total.clamp(1.0, each.max(1.0)))
    }

    pub(super) fn sentences(&self) -> Vec<String> {
        let mut all = vec![self.sentence.clone()];
        if self.since.is_some() {
            all.push(format!(
                "one that waits comes to {:.2} messages, est: what those runs came to since the backlog began, less \
                 NumberOfMessagesDeleted",
                1.0 + self.brings(self.each) / (1.0 - Chain::of(self.each).later)
            ));
        }
        all
    }
}

impl Since {
    /// Messages still to be handled: what waits, and what it will bring.
    fn left(self, each: f64) -> f64 {
        each * self.runs + self.before * (1.0 + each) / 2.0 - self.handled
    }
}

/// `minutes` are all there are, oldest first.
///
/// # Errors
/// Why that is not known.
pub(super) fn requests(queue: &SourceQueue, minutes: &[Watched]) -> Result<Requests, Unknown> {
    let unknown = |why: String| Unknown { why, contradicted: false };
    let names = names(queue).map_err(unknown)?;
    let first = minutes.iter().position(|minute| minute.requested.is_some());
    let minutes = first.map_or(&[][..], |first| &minutes[first..]);
    let told = minutes.iter().filter(|minute| minute.requested.is_some()).count();
    if told == 0 {
        return Err(unknown(format!("Invocations of {names} are not told")));
    }
    if told * 10 < minutes.len() * LEAST_TOLD {
        return Err(unknown(format!("Invocations of {names} are told for {told} of {} minutes only", minutes.len())));
    }
    let begins = minutes.len() - minutes.iter().rev().take_while(|minute| minute.is_backlogged()).count();
    let after = &minutes[begins..];
    let kept_up = KeptUp::of(minutes, begins).ok_or_else(|| {
        unknown(format!(
            "it was not seen to keep up for {LEAST_MIN} minutes, so that what a run of {names} comes to is not known"
        ))
    })?;
    let behind = (after.len() >= BEHIND_MIN).then(|| Since::of(after)).flatten();
    let each = kept_up.each;
    // How far off the mean of so many happens to be, then and since.
    let then_and_since = kept_up.runs.recip() + behind.map_or(0.0, |since| since.runs.max(1.0).recip());
    let requests = Requests {
        rate: Rate::of(&minutes.iter().map(|minute| minute.requested.unwrap_or(0.0)).collect::<Vec<_>>()),
        each,
        error: (kept_up.scatter * then_and_since).sqrt() / each,
        since: behind,
        sentence: String::new(),
    };
    if let Some(why) = behind.and_then(|since| contradiction(since, &requests)) {
        return Err(Unknown { why, contradicted: true });
    }
    let sentence = format!(
        "{:.1} runs of {names} a second (Invocations over {} minutes); each comes to {each:.2} ± {:.2} messages in all, those that \
         the consumer sends itself too (NumberOfMessagesSent ÷ Invocations over {} minutes in which it kept up)",
        requests.rate.per_s,
        requests.rate.minutes,
        requests.error * each,
        kept_up.minutes
    );
    Ok(Requests { sentence, ..requests })
}

fn names(queue: &SourceQueue) -> Result<String, String> {
    if let Some(name) = &queue.set_off {
        return Err(format!("{name} writes to the queue too, and runs because of what the consumer does"));
    }
    let names: Vec<&str> = queue.writers.iter().map(|name| name.as_str()).collect();
    match names[..] {
        [] => Err("no other function is known to write to the queue".to_owned()),
        [one] => Ok(one.to_owned()),
        [.., last] => Ok(format!("{} and {last}", names[..names.len() - 1].join(", "))),
    }
}

/// What was sent while it kept up.
struct KeptUp {
    minutes: usize,
    runs: f64,
    each: f64,
    /// Variance of what one run comes to.
    scatter: f64,
}

impl KeptUp {
    /// Up to when the backlog `begins`. What made it begin came in the minutes before, when those that were there
    /// were of the first step mostly: they are left out, where there are others.
    fn of(minutes: &[Watched], begins: usize) -> Option<Self> {
        let enough = begins < minutes.len() && begins >= LEAST_MIN + BLOCK_MIN;
        let until = if enough { begins - BLOCK_MIN } else { begins };
        // While it catches up, what is sent was requested earlier: as if nothing of it were known.
        let calm: Vec<(f64, f64)> = (0..until)
            .filter(|n| !minutes[*n].is_backlogged())
            .filter_map(|n| {
                let minute = &minutes[n];
                let half = half_of_what_more_is_there(minute, minutes.get(n + 1));
                Some((minute.requested? - half, minute.sent.or(minute.deleted)? - half))
            })
            .collect();
        let blocks: Vec<(f64, f64)> = calm
            .chunks(BLOCK_MIN)
            .map(|block| block.iter().fold((0.0, 0.0), |(runs, sent), minute| (runs + minute.0, sent + minute.1)))
            .filter(|(runs, _)| *runs > 0.0)
            .collect();
        let runs: f64 = blocks.iter().map(|block| block.0).sum();
        if calm.len() < LEAST_MIN || blocks.len() < 2 {
            return None;
        }
        let each = blocks.iter().map(|block| block.1).sum::<f64>() / runs;
        let off = |(runs, sent): &(f64, f64)| (sent - each * runs).powi(2) / runs;
        let scatter = blocks.iter().map(off).sum::<f64>() / (blocks.len() - 1) as f64;
        (each > 0.0).then_some(KeptUp { minutes: calm.len(), runs, each, scatter })
    }
}

/// Messages that are there have been requested, and what they bring is not sent yet. As many of them are of each
/// step, so that one of them brings (`each` - 1) / 2 more: sent = each × runs - (each - 1) / 2 × what more is
/// there, hence each = (sent - half) / (runs - half). Without that it is too low wherever requests increase.
fn half_of_what_more_is_there(minute: &Watched, next: Option<&Watched>) -> f64 {
    let more = next.and_then(|next| Some(there(next)? - there(minute)?));
    more.unwrap_or(0.0) / 2.0
}

/// Messages in the queue when a minute begins.
fn there(minute: &Watched) -> Option<f64> {
    Some(minute.visible? + minute.hidden.unwrap_or(0.0))
}

impl Since {
    /// Up to the last minute for which it is told how many wait.
    fn of(after: &[Watched]) -> Option<Self> {
        let first = after.iter().position(|minute| there(minute).is_some())?;
        let last = after.iter().rposition(|minute| there(minute).is_some())?;
        let span = after.get(first..last).filter(|span| !span.is_empty())?;
        Some(Since {
            runs: span.iter().filter_map(|minute| minute.requested).sum(),
            handled: span.iter().filter_map(|minute| minute.deleted).sum(),
            before: there(&after[first])?,
            waits: there(&after[last])?,
        })
    }
}

/// A message that waits comes to itself at least, and to no more than a whole request.
fn contradiction(since: Since, requests: &Requests) -> Option<String> {
    let each = requests.each;
    let unsure = since.runs * each * requests.error + (since.runs + since.waits).sqrt();
    let (least, most) = (since.waits, since.waits * each.max(1.0));
    let slack = 2.0 * unsure + SLACK * since.waits;
    let left = since.left(each);
    (left < least - slack || left > most + slack).then(|| {
        format!(
            "while it kept up a request came to {each:.2} messages, but so {:.0} would be left to do since, where {:.0} wait: \
             what a request comes to has changed",
            left.max(0.0), since.waits
        )
    })
}

/// Of ten minutes, so many must be told.
const LEAST_TOLD: usize = 8;
/// Minutes in which it kept up, at least.
const LEAST_MIN: usize = 15;
/// Minutes of which a block is made: what is requested in one minute may be sent in the next.
const BLOCK_MIN: usize = 5;
/// Minutes with a backlog in a row, from which on there is one to speak of.
const BEHIND_MIN: usize = 5;
/// Counts are approximate.
const SLACK: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::queue::QueueCounts;
    use crate::model::time::Timestamp;

    fn queue() -> SourceQueue {
        SourceQueue {
            counts: QueueCounts::default(),
            at: Timestamp::ZERO,
            visibility_s: 30,
            other_readers: 0,
            feeds_itself: true,
            writers: vec!["Intake".into()],
            set_off: None,
        }
    }

    /// An hour at 60 requests a minute, then one at 180, of which 240 messages are handled; a request comes to
    /// `steps` messages in the first hour and to `later` in the second.
    fn minutes(steps: usize, later: usize) -> Vec<Watched> {
        // How many messages wait, by how many each still comes to, the oldest first.
        let mut line: std::collections::VecDeque<(usize, f64)> = std::collections::VecDeque::new();
        let mut all = Vec::new();
        for n in 0..120 {
            let (requested, steps) = if n < 60 { (60.0 + f64::from(n % 3), steps) } else { (180.0, later) };
            let waits = line.iter().map(|lot| lot.1).sum::<f64>();
            line.push_back((steps, requested));
            let (mut left, mut sent) = (240.0f64, requested);
            while left > 1e-9
                && let Some((steps, n)) = line.pop_front()
            {
                let now = n.min(left);
                left -= now;
                if n > now {
                    line.push_front((steps, n - now));
                }
                if steps > 1 {
                    line.push_back((steps - 1, now));
                    sent += now;
                }
            }
            all.push(Watched {
                requested: Some(requested),
                sent: Some(sent),
                deleted: Some(240.0 - left),
                visible: Some(if n < 60 { 0.0 } else { waits.round() }),
                ..Watched::default()
            });
        }
        all
    }

    #[test]
    fn what_a_request_comes_to_and_what_is_left_are_seen_without_telling_messages_apart() {
        let seen = requests(&queue(), &minutes(2, 2)).expect("it is known");
        assert!((seen.each - 2.0).abs() < 0.02 && seen.error < 0.05, "{seen:?}");
        assert!((seen.rate.per_s - 3.0).abs() < 0.01, "the newest count: {:?}", seen.rate);
        // Of those that wait most came from outside, and those bring another.
        assert!((0.5..0.75).contains(&seen.brings(2.0)), "{}", seen.brings(2.0));
        assert!(seen.brings(2.1) > seen.brings(2.0));
        assert!(seen.sentences()[0].contains("3.0 runs of Intake a second") && seen.sentences().len() == 2);
    }

    #[test]
    fn what_is_requested_and_not_sent_yet_counts_too() {
        // More and more requests of two messages, each of which takes a minute.
        let requested = |n: i32| f64::from(30 + 5 * n.max(0));
        let minute = |n: i32| Watched {
            requested: Some(requested(n)),
            sent: Some(requested(n) + requested(n - 1)),
            deleted: Some(1_000.0),
            visible: Some(0.0),
            hidden: Some(requested(n - 1) + requested(n - 2)),
            ..Watched::default()
        };
        let minutes: Vec<Watched> = (2..42).map(minute).collect();
        let kept_up = KeptUp::of(&minutes[..30], 30).expect("it kept up");
        let naive = |of: fn(&Watched) -> Option<f64>| minutes[..30].iter().filter_map(of).sum::<f64>();
        assert!(naive(|minute| minute.sent) / naive(|minute| minute.requested) < 1.96, "too low");
        assert!((kept_up.each - 2.0).abs() < 0.005, "{}", kept_up.each);
        assert_eq!((kept_up.minutes, KeptUp::of(&minutes, 30).map(|all| all.minutes)), (30, Some(25)));
    }

    #[test]
    fn a_chain_that_changed_with_the_load_is_no_measure() {
        for (steps, later) in [(2, 4), (3, 2)] {
            let unknown = requests(&queue(), &minutes(steps, later)).expect_err("it changed");
            assert!(unknown.contradicted && unknown.why.contains("has changed"), "{unknown:?}");
        }
    }

    #[test]
    fn without_the_others_runs_nothing_is_known() {
        let why = |queue: &SourceQueue, minutes: &[Watched]| requests(queue, minutes).expect_err("unknown").why;
        let blind: Vec<Watched> = minutes(2, 2).iter().map(|minute| Watched { requested: None, ..*minute }).collect();
        assert!(why(&queue(), &blind).contains("Intake"));
        assert!(why(&SourceQueue { writers: Vec::new(), ..queue() }, &minutes(2, 2)).contains("no other function"));
        assert!(why(&SourceQueue { set_off: Some("Log".into()), ..queue() }, &minutes(2, 2)).contains("Log writes"));
        assert!(why(&queue(), &minutes(2, 2)[60..]).contains("not seen to keep up"));
    }
}
