//! Which messages the filter lets through. What it can tell by itself it tells at once; jq, and
//! bodies that lie on disk, are asked of the shell, and until it has answered such a message is not
//! listed. A filter that cannot be understood lists nothing: what is listed may be acted on next.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::console::snapshot::Snapshot;
use crate::model::id::MessageId;
use crate::model::message::Message;
use crate::model::time::Timestamp;
use crate::query::kind::Kind;
use crate::query::search::{InKind, Search};

/// The filter of a snapshot and what was answered about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::console::snapshot) struct Sieve {
    pub text: String,
    /// Why the text cannot be understood.
    pub fault: Option<String>,
    /// What ages are counted to.
    pub now: Timestamp,
    /// What the shell said, by message, about this text.
    verdicts: BTreeMap<MessageId, bool>,
    /// Messages jq could not judge, and the first reason.
    failed: usize,
    reason: Option<String>,
    /// The text is finished: what cannot be told here may be asked.
    committed: bool,
    /// A question is out.
    asked: bool,
}

/// What is asked of the shell: which of these an expression takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub expression: String,
    pub now: Timestamp,
    pub messages: Vec<Arc<Message>>,
}

/// One look over many messages: the search, and what it thinks of each kind's row.
pub(in crate::console::snapshot) struct Look {
    search: Option<Search>,
    in_kinds: BTreeMap<u32, InKind>,
    now: Timestamp,
    broken: bool,
}

/// What a look tells of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console::snapshot) enum Told {
    Taken,
    Left,
    /// The shell must say.
    Unsure,
}

impl Sieve {
    pub fn set(&mut self, text: &str, now: Timestamp) {
        *self = Sieve { text: text.to_owned(), now, ..Sieve::default() };
        self.fault = Search::new(text).err().map(|fault| fault.to_string());
    }

    pub fn look(&self) -> Look {
        let search = Search::new(&self.text);
        Look { broken: search.is_err(), search: search.ok().flatten(), in_kinds: BTreeMap::new(), now: self.now }
    }

    pub fn verdict(&self, id: &MessageId) -> Option<bool> {
        self.verdicts.get(id).copied()
    }

    pub fn forget(&mut self, gone: impl Fn(&MessageId) -> bool) {
        self.verdicts.retain(|id, _| !gone(id));
    }
}

impl Look {
    pub fn tells(&mut self, message: &Message, row: u32, kind: &Kind, on_disk: bool) -> Told {
        let Some(search) = &self.search else { return if self.broken { Told::Left } else { Told::Taken } };
        if on_disk {
            return Told::Unsure;
        }
        let in_kind = self.in_kinds.entry(row).or_insert_with(|| search.in_kind(kind));
        match search.takes(message, kind, in_kind, self.now) {
            false => Told::Left,
            true if search.jq().is_some() => Told::Unsure,
            true => Told::Taken,
        }
    }
}

impl Snapshot {
    /// The filter line is finished: what it cannot tell by itself may be asked now.
    pub fn commit_filter(&mut self) {
        self.sieve.committed = true;
    }

    /// What to ask the shell next, if anything; one question at a time.
    pub fn question(&mut self) -> Option<Question> {
        if !self.sieve.committed || self.sieve.asked || self.sieve.fault.is_some() {
            return None;
        }
        let mut look = self.sieve.look();
        let unsure = |index: &u32| -> bool {
            let Some((message, row, kind)) = self.at(*index) else { return false };
            let told = look.tells(message, row, kind, self.spilled.contains_key(&message.id));
            told == Told::Unsure && self.sieve.verdict(&message.id).is_none()
        };
        let indexes: Vec<u32> = (0..self.len() as u32).filter(unsure).take(ASKED_MOST).collect();
        let messages: Vec<Arc<Message>> =
            indexes.into_iter().filter_map(|index| self.at(index).map(|(message, ..)| Arc::clone(message))).collect();
        if messages.is_empty() {
            return None;
        }
        self.sieve.asked = true;
        Some(Question { expression: self.sieve.text.clone(), now: self.sieve.now, messages })
    }

    /// The shell's answer; one about another text is dropped.
    pub fn answered(&mut self, expression: &str, ids: &[MessageId], answer: Result<Vec<Option<bool>>, String>) {
        if self.sieve.text != expression {
            return;
        }
        self.sieve.asked = false;
        match answer {
            Ok(verdicts) => {
                for (id, verdict) in ids.iter().zip(verdicts) {
                    self.sieve.failed += usize::from(verdict.is_none());
                    self.sieve.verdicts.insert(id.clone(), verdict.unwrap_or(false));
                }
            }
            Err(why) => self.sieve.fault = Some(why),
        }
        self.relist();
    }

    /// Why one of them could not be judged.
    pub fn could_not(&mut self, expression: &str, reason: Option<String>) {
        if self.sieve.text == expression && self.sieve.reason.is_none() {
            self.sieve.reason = reason;
        }
    }

    pub fn filter_fault(&self) -> Option<&str> {
        self.sieve.fault.as_deref()
    }

    /// What the list's title says beside its count: a question is out, some could not be judged.
    pub fn filter_note(&self) -> Option<String> {
        if self.sieve.asked {
            return Some("asking …".to_owned());
        }
        if !self.sieve.committed && self.filter_asks() {
            return Some("enter asks jq".to_owned());
        }
        let why = self.sieve.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        (self.sieve.failed > 0).then(|| format!("{} could not be judged{why}", self.sieve.failed))
    }

    fn filter_asks(&self) -> bool {
        let jq = Search::new(&self.sieve.text).ok().flatten().is_some_and(|search| search.jq().is_some());
        jq || !self.sieve.text.trim().is_empty() && !self.spilled.is_empty()
    }
}

/// Messages of one question: answers come in pieces, so that the list fills while it is asked.
const ASKED_MOST: usize = 20_000;
