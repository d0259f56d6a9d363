//! What a wait sees: a line a read for people, an object for programs.

use serde::Serialize;

use crate::model::time::{Timestamp, spoken};
use crate::report::table::clean;
use crate::verdict::goal::Distance;

/// One read of everything that is waited for.
#[derive(Debug, Serialize)]
pub struct Read {
    /// Account time.
    pub at: String,
    /// `drained`, `empty` or `ok`.
    pub until: &'static str,
    pub reached: bool,
    pub waiting_for: Vec<Item>,
}

#[derive(Debug, Serialize)]
pub struct Item {
    pub target: String,
    pub reached: bool,
    /// Age of the oldest work by CloudWatch (IteratorAge, ApproximateAgeOfOldestMessage).
    pub age_ms: Option<f64>,
    pub age_at: Option<String>,
    /// Messages by GetQueueAttributes, approximate.
    pub depth: Option<u64>,
    pub depth_at: Option<String>,
    /// Milliseconds of age (a stream) or messages (a queue) a second; negative is towards the end.
    pub rate_per_s: Option<f64>,
    /// An estimate; null when it does not come nearer.
    pub left_ms_est: Option<f64>,
    pub why: String,
}

impl Item {
    pub fn new(target: String, distance: Distance) -> Self {
        let Distance { reached, age, depth, rate_per_s, left_ms, why } = distance;
        Item {
            target,
            reached,
            age_ms: age.map(|(_, ms)| ms),
            age_at: age.map(|(at, _)| at.to_string()),
            depth: depth.map(|(_, depth)| depth),
            depth_at: depth.map(|(at, _)| at.to_string()),
            rate_per_s,
            left_ms_est: left_ms,
            why,
        }
    }
}

/// `03:12:41Z LogWorker: age 16 m 24 s, objective 5 m · ↓ 0.9 s/s · about 12 m left est`, of each that
/// is still waited for.
pub fn lines(read: &Read) -> Vec<String> {
    let clock = Timestamp::parse(&read.at).map_or_else(|| read.at.clone(), Timestamp::clock_s);
    let mut open = read.waiting_for.iter().filter(|item| !item.reached);
    let mut lines: Vec<String> = open.by_ref().take(MOST).map(|item| format!("{clock} {}", line(item))).collect();
    let more = open.count();
    if more > 0 {
        lines.push(format!("{clock} and {more} more"));
    }
    lines
}

/// Items told one by one; the rest are counted.
const MOST: usize = 3;

fn line(item: &Item) -> String {
    let mut line = format!("{}: {}", clean(&item.target), clean(&item.why));
    if let Some(rate) = item.rate_per_s.filter(|rate| rate.abs() >= 0.005) {
        let arrow = if rate < 0.0 { '↓' } else { '↑' };
        line += &match item.depth {
            Some(_) => format!(" · {arrow} {:.1}/s", rate.abs()),
            None => format!(" · {arrow} {:.2} s/s", rate.abs() / 1000.0),
        };
    }
    if let Some(ms) = item.left_ms_est {
        line += &format!(" · about {} left est", spoken(ms.min(1e15) as i64 / 1000 * 1000));
    }
    line
}

/// The end, for people.
pub fn end(read: &Read, waited_ms: i64) -> String {
    let names: Vec<String> = read.waiting_for.iter().map(|item| format!("{}: {}", item.target, item.why)).collect();
    let state = if read.reached { "reached" } else { "not reached" };
    let mut text = format!("{} {state} after {}\n", read.until, spoken(waited_ms / 1000 * 1000));
    for name in names {
        text += &format!("    {}\n", clean(&name));
    }
    text
}
