//! The log of one function as the console shows it: what was read, gathered into kinds, and how it is
//! looked at. It asks for nothing by itself; `update::logs` says when.

use crate::console::screen::Cursor;
use crate::model::id::FunctionName;
use crate::model::log::LogReading;
use crate::model::redaction::{NOTHING, Redaction};
use crate::model::time::{Mono, Timestamp};
use crate::query::filter::Filter;
use crate::verdict::log::{self, Cluster, Digest, Trouble};

/// A kind of trouble by what its lines have in common.
pub type ClusterKey = (Trouble, String);

#[derive(Debug, Clone, PartialEq)]
pub struct LogView {
    pub function: FunctionName,
    pub group: String,
    /// How far back, seconds.
    pub window_s: i64,
    /// New lines are asked for by themselves.
    pub follow: bool,
    /// When the reading under way was asked for.
    pub asked: Option<Mono>,
    /// When the last one came, by the account's time.
    pub read_at: Option<Timestamp>,
    pub answered: Option<Mono>,
    pub reading: LogReading,
    pub digest: Digest,
    /// The digest shows what the context redacts.
    pub revealed: bool,
    /// Why the last reading failed; what was read before is still shown.
    pub trouble: Option<String>,
    pub cursor: Cursor<ClusterKey>,
    /// The example has the keys, and is scrolled so far.
    pub on_example: bool,
    pub scroll: usize,
    /// Answers to earlier questions are dropped.
    pub generation: u64,
}

/// The windows offered, seconds.
pub const WINDOWS_S: [i64; 3] = [15 * 60, 3_600, 3 * 3_600];

impl LogView {
    pub fn new(function: FunctionName, group: String) -> Self {
        LogView {
            function,
            group,
            window_s: WINDOWS_S[0],
            follow: false,
            asked: None,
            read_at: None,
            answered: None,
            reading: LogReading::default(),
            digest: Digest::default(),
            revealed: false,
            trouble: None,
            cursor: Cursor::default(),
            on_example: false,
            scroll: 0,
            generation: 0,
        }
    }

    /// Nothing was asked for yet.
    pub fn is_new(&self) -> bool {
        self.asked.is_none() && self.answered.is_none()
    }

    /// The next longer window; after the longest the shortest.
    pub fn longer(&mut self) {
        let at = WINDOWS_S.iter().position(|window| *window == self.window_s).unwrap_or(0);
        self.window_s = WINDOWS_S[(at + 1) % WINDOWS_S.len()];
    }

    /// Takes what was read; `later` continues what is there.
    pub fn take(&mut self, reading: LogReading, later: bool, redaction: &Redaction) {
        if later {
            self.reading.extend(reading);
            self.reading.keep_from(self.reading.to.plus_s(-self.window_s));
        } else {
            self.reading = reading;
        }
        self.gather(redaction);
    }

    /// Shows what the context redacts, or hides it again.
    pub fn reveal(&mut self, revealed: bool, redaction: &Redaction) {
        self.revealed = revealed;
        self.gather(redaction);
    }

    fn gather(&mut self, redaction: &Redaction) {
        self.digest = log::digest(&self.reading.lines, if self.revealed { &NOTHING } else { redaction });
    }

    /// The kinds that match, worst first.
    pub fn rows(&self, filter: &str) -> Vec<&Cluster> {
        let mut filter = Filter::new(filter);
        let clusters = self.digest.clusters.iter();
        clusters
            .filter(|cluster| {
                let named = cluster.trouble.to_string();
                filter.as_mut().is_none_or(|filter| filter.takes(&[&cluster.signature, &cluster.example.text, &named]))
            })
            .collect()
    }

    pub fn keys(&self, filter: &str) -> Vec<ClusterKey> {
        self.rows(filter).into_iter().map(|cluster| (cluster.trouble, cluster.signature.clone())).collect()
    }

    /// The kind under the cursor, and its row.
    pub fn current(&self, filter: &str) -> Option<(usize, &Cluster)> {
        let row = self.cursor.row(&self.keys(filter))?;
        Some((row, self.rows(filter).get(row).copied()?))
    }
}
