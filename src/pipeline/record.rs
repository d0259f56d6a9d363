//! A stream record, packed: a day of them is held in memory, so an event is 24 bytes and what does
//! not fit stands once in a table of texts. Nothing is lost by packing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::automation::event::{ActionName, EventItem, Payload, Status};
use crate::automation::identity::{Identity, Kind, RunId};
use crate::model::time::Timestamp;
use crate::pipeline::intern::Interner;
use crate::pipeline::stream::Load;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    run: u64,
    /// Milliseconds since 1970 in the upper 48 bits, the step in the lower 16.
    at_step: u64,
    recipient: u32,
    payload: u16,
    action: u8,
    /// Kind (2 bits), status (3 bits), size class (3 bits).
    flags: u8,
}

/// The texts that records share, and the payloads that no other record has.
#[derive(Debug, Default)]
pub struct Texts {
    recipients: Interner<Arc<str>>,
    payloads: Interner<Arc<String>>,
    actions: Interner<Arc<String>>,
    /// By shard and log index.
    own: BTreeMap<(u32, u64), Own>,
}

/// What one record has for itself.
#[derive(Debug)]
enum Own {
    /// The payload of a waiting step: until when.
    Until(Timestamp),
    Full(Box<(Option<Arc<str>>, Payload)>),
}

impl Record {
    pub fn identity(&self) -> Identity {
        let kind = match self.flags & 3 {
            0 => Kind::Requested,
            1 => Kind::Waiting,
            2 => Kind::Finished,
            _ => Kind::External,
        };
        // The step is the lower 16 bits by construction.
        Identity { run: RunId::new(self.run), step: (self.at_step & 0xffff) as u16, kind }
    }

    pub fn at(&self) -> Timestamp {
        Timestamp::from_ms((self.at_step >> 16).cast_signed())
    }
}

impl Load for Record {
    fn share(&self, lane: u32, lanes: u32) -> u32 {
        if lanes == 1 {
            return 1;
        }
        let hash = self.identity().item_key().item_hash();
        u32::from((hash >> 8) % u64::from(lanes) == u64::from(lane))
    }

    fn without(&self, lanes: u32, done: &dyn Fn(u32) -> u32) -> Option<Self> {
        let mine = (0..lanes).find(|lane| self.share(*lane, lanes) == 1)?;
        (done(mine) == 0).then_some(*self)
    }

    fn at_s(&self) -> i64 {
        self.at().s()
    }

    fn bytes(&self) -> u32 {
        1024 << ((self.flags >> 5).min(SIZE_CLASSES - 1) * SIZE_STEP)
    }
}

impl Texts {
    /// Packs an event that will stand at `index` of the log of `shard`.
    pub fn pack(&mut self, event: &EventItem, shard: u32, index: u64) -> Record {
        let recipient = match &event.recipient {
            None => Some(0),
            Some(text) => self.recipients.number(text, MAX_RECIPIENTS).map(|n| n + 1),
        };
        let payload = match &event.payload {
            Payload::None => Some(0),
            // A time is hardly ever the same twice.
            Payload::Inline(_) if until_of(&event.payload).is_some() => None,
            Payload::Inline(text) if text.len() <= MAX_SHARED_BYTES => {
                self.payloads.number(text, MAX_SHARED).and_then(|n| u16::try_from(n + 1).ok())
            }
            Payload::Inline(_) | Payload::Stored(_) => None,
        };
        if recipient.is_none() || payload.is_none() {
            let own = match (recipient, until_of(&event.payload)) {
                (Some(_), Some(until)) => Own::Until(until),
                _ => Own::Full(Box::new((event.recipient.clone(), event.payload.clone()))),
            };
            self.own.insert((shard, index), own);
        }
        let kind = match event.identity.kind {
            Kind::Requested => 0,
            Kind::Waiting => 1,
            Kind::Finished | Kind::Job => 2,
            Kind::External => 3,
        };
        let size = (0..SIZE_CLASSES).find(|class| event.size_bytes() + OVERHEAD_BYTES <= 1024 << (class * SIZE_STEP));
        let status = STATUSES.iter().position(|status| *status == event.status).unwrap_or(0);
        Record {
            run: event.identity.run.number(),
            at_step: (event.at.ms().max(0).cast_unsigned() << 16) | u64::from(event.identity.step),
            recipient: recipient.unwrap_or(0),
            payload: payload.unwrap_or(OWN),
            action: self.action(&event.action),
            // Three bits each by construction: 7 statuses, 5 classes.
            flags: kind | ((status as u8) << 2) | (size.unwrap_or(SIZE_CLASSES - 1) << 5),
        }
    }

    /// The event again.
    pub fn unpack(&self, record: &Record, shard: u32, index: u64) -> EventItem {
        let own = if record.payload == OWN || record.recipient == 0 { self.own.get(&(shard, index)) } else { None };
        let recipient = match (record.recipient, own) {
            (0, Some(Own::Full(full))) => full.0.clone(),
            (0, _) => None,
            (number, _) => self.recipients.text(number - 1).cloned(),
        };
        let payload = match (record.payload, own) {
            (OWN, Some(Own::Full(full))) => full.1.clone(),
            (OWN, Some(Own::Until(until))) => Payload::Inline(until_text(*until).into()),
            (0 | OWN, _) => Payload::None,
            (number, _) => self.payloads.text(u32::from(number) - 1).cloned().map_or(Payload::None, Payload::Inline),
        };
        EventItem {
            identity: record.identity(),
            at: record.at(),
            action: ACTIONS.get(usize::from(record.action)).cloned().unwrap_or_else(|| {
                let number = u32::from(record.action) - ACTIONS.len() as u32;
                ActionName::Other(self.actions.text(number).cloned().unwrap_or_else(|| Arc::new("other".to_owned())))
            }),
            status: STATUSES[usize::from(record.flags >> 2 & 7).min(STATUSES.len() - 1)],
            recipient,
            payload,
        }
    }

    /// Records of `shard` below `base` are trimmed.
    pub fn trim(&mut self, shard: u32, base: u64) {
        while let Some(entry) = self.own.range((shard, 0)..(shard, base)).next() {
            let key = *entry.0;
            self.own.remove(&key);
        }
    }

    fn action(&mut self, action: &ActionName) -> u8 {
        let known = ACTIONS.iter().position(|known| known == action);
        let number = known.or_else(|| {
            let name = Arc::new(action.as_str().to_owned());
            let limit = usize::from(u8::MAX) - ACTIONS.len();
            self.actions.number(&name, limit).map(|number| ACTIONS.len() + number as usize)
        });
        number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
    }
}

/// The time in a payload that says nothing but until when a step waits.
fn until_of(payload: &Payload) -> Option<Timestamp> {
    let Payload::Inline(text) = payload else { return None };
    let until = Timestamp::parse(text.strip_prefix("{\"until\":\"")?.strip_suffix("\"}")?)?;
    (until_text(until) == **text).then_some(until)
}

fn until_text(until: Timestamp) -> String {
    format!("{{\"until\":\"{until}\"}}")
}

const ACTIONS: [ActionName; 10] = [
    ActionName::Request,
    ActionName::Send,
    ActionName::SendList,
    ActionName::Delay,
    ActionName::Cancel,
    ActionName::UpdateProfile,
    ActionName::FetchData,
    ActionName::Invoke,
    ActionName::AddToBatch,
    ActionName::GetProfile,
];
const STATUSES: [Status; 7] = [
    Status::Processing,
    Status::Waiting,
    Status::Processed,
    Status::Skipped,
    Status::Canceled,
    Status::Error,
    Status::NotProcessed,
];
/// A payload (or recipient) that stands in `Texts::own`.
const OWN: u16 = u16::MAX;
/// Longest payload that is looked for among the shared ones, in bytes.
const MAX_SHARED_BYTES: usize = 256;
const MAX_SHARED: usize = 4_096;
const MAX_RECIPIENTS: usize = 100_000;
/// Size classes: 1 KiB, 8 KiB, 64 KiB, 512 KiB.
const SIZE_CLASSES: u8 = 4;
const SIZE_STEP: u8 = 3;
/// What a stream record's envelope adds to its item, in bytes, about.
const OVERHEAD_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_loses_nothing() {
        let mut texts = Texts::default();
        let event = |step: u16, action, recipient: Option<&str>, payload| EventItem {
            identity: Identity::finished(RunId::new(u64::MAX - 5), step),
            at: Timestamp::from_ms(1_767_225_600_123),
            action,
            status: Status::Canceled,
            recipient: recipient.map(Arc::from),
            payload,
        };
        let big = "x".repeat(300_000);
        let events = [
            event(0, ActionName::Send, Some("user-1"), Payload::Inline(Arc::new("{\"a\":1}".to_owned()))),
            event(u16::MAX, ActionName::parse("fax"), None, Payload::None),
            event(6, ActionName::Delay, Some("user-1"), Payload::Inline(until_text(Timestamp::from_s(9)).into())),
            event(7, ActionName::Request, Some("user-2"), Payload::Inline(Arc::new(big))),
            event(8, ActionName::parse("fax"), Some("user-1"), Payload::Inline(Arc::new("{\"a\":1}".to_owned()))),
        ];
        for (index, event) in (0u64..).zip(&events) {
            let record = texts.pack(event, 3, index);
            assert_eq!(texts.unpack(&record, 3, index), *event);
            assert!(record.bytes() as usize >= event.size_bytes());
        }
        assert_eq!(texts.own.len(), 2);
        texts.trim(3, 5);
        assert!(texts.own.is_empty());
    }

    #[test]
    fn a_record_is_small() {
        assert_eq!(size_of::<Record>(), 24);
    }
}
