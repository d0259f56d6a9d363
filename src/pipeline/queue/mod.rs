//! One queue, standard or FIFO: what a send, a receive, a delete and a change of visibility do to it
//! (aws-facts §3). It knows no other queue: dead letters are handed out, and somebody else takes
//! them where they go.

pub mod admission;
mod deduplication;
mod groups;
pub mod receipt;
pub mod settings;
pub mod store;

use std::sync::Arc as Shared;

use crate::model::hexadecimal::hexadecimal;
use crate::model::id::{Arn, MessageId, QueueName, ReceiptHandle};
use crate::model::message::{Message, Outgoing, SystemAttributes};
use crate::model::queue::QueueCounts;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::queue::deduplication::{Deduplication, Original};
use crate::pipeline::queue::receipt::Receipt;
use crate::pipeline::queue::settings::{MAX_VISIBILITY_S, Settings};
use crate::pipeline::queue::store::{Extra, Store, Stored};
use crate::pipeline::queues::refusal::{invalid_value, legacy, refuse};

#[derive(Debug)]
pub struct Queue {
    pub name: QueueName,
    pub arn: Arn,
    pub settings: Settings,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// The last time anybody asked anything of it.
    pub active_at: Timestamp,
    pub purged_at: Option<Timestamp>,
    /// Seals receipt handles; another one when the queue is made again.
    key: u64,
    store: Store,
    deduplication: Deduplication,
    /// Messages a FIFO queue has numbered.
    numbered: u64,
}

/// What a send is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    pub id: u128,
    /// FIFO queues only.
    pub sequence: Option<u64>,
    /// False when it repeats a send of the last five minutes, whose id and number these are.
    pub is_new: bool,
}

/// What a receive took.
#[derive(Debug, Default)]
pub struct Taken {
    pub messages: Vec<Message>,
    /// Received too often already: these go to the dead-letter queue now.
    pub dead: Vec<Stored>,
}

/// Messages of a queue that may be in flight (aws-facts §3.1).
pub const MAX_IN_FLIGHT: usize = 120_000;
/// Dead letters that one receive moves at most, so that no call becomes a sweep.
const MAX_DEAD_A_RECEIVE: usize = 1000;

impl Queue {
    pub fn new(name: QueueName, arn: Arn, settings: Settings, now: Timestamp, key: u64) -> Self {
        let store = if settings.fifo { Store::fifo() } else { Store::default() };
        Queue {
            name,
            arn,
            settings,
            created_at: now,
            modified_at: now,
            active_at: now,
            purged_at: None,
            key,
            store,
            deduplication: Deduplication::default(),
            numbered: 0,
        }
    }

    /// Brings back what is due; answers the messages whose retention ran out.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Stored> {
        self.store.advance(now, i64::from(self.settings.retention_s) * 1000)
    }

    /// A new message, already admitted.
    pub fn send(&mut self, now: Timestamp, id: u128, message: Outgoing) -> Accepted {
        let deduplication_id = self.settings.fifo.then(|| match message.deduplication_id {
            Some(id) => id,
            None => deduplication::of_content(&message.body),
        });
        let mut sequence = None;
        if let Some(text) = &deduplication_id {
            let scope = message.group_id.clone().filter(|_| self.settings.deduplicates_by_group());
            let key = (scope, text.clone());
            if let Some(Original { id, sequence }) = self.deduplication.find(now, &key) {
                return Accepted { id, sequence: Some(sequence), is_new: false };
            }
            let number = self.number();
            self.deduplication.note(now, key, Original { id, sequence: number });
            sequence = Some(number);
        }
        let delay_s = message.delay_s.filter(|_| !self.settings.fifo).unwrap_or(self.settings.delay_s);
        let plain = message.attributes.is_empty() && message.trace_header.is_none() && message.group_id.is_none();
        let extra = (!plain).then(|| {
            Box::new(Extra {
                attributes: message.attributes,
                trace_header: message.trace_header,
                group_id: message.group_id,
                deduplication_id,
                sequence,
                dead_letter_source: None,
            })
        });
        let stored = Stored {
            id,
            body: Shared::from(message.body),
            extra,
            sent_at: now,
            entered_at: now,
            first_received_at: None,
            receive_count: 0,
            received_here: 0,
        };
        self.store.insert(now, stored, i64::from(delay_s) * 1000);
        Accepted { id, sequence, is_new: true }
    }

    /// A message that comes from another queue, visible at once. A FIFO queue takes it as one sent
    /// now, known by its own id, so that no other can be taken for it (aws-facts §3.3); the sequence
    /// number, which orders one queue's messages, is this queue's.
    pub fn admit(&mut self, now: Timestamp, message: Stored) {
        let mut message = Stored { entered_at: now, received_here: 0, ..message };
        if self.settings.fifo {
            message.sent_at = now;
            let sequence = Some(self.number());
            let deduplication_id = Some(message_id(message.id).to_string());
            let extra = message.extra.take().map(|extra| *extra).unwrap_or_default();
            message.extra = Some(Box::new(Extra { deduplication_id, sequence, ..extra }));
        }
        self.store.insert(now, message, 0);
    }

    /// Receives up to `max` messages. With `dead_letters_go`, a message that has had its
    /// maxReceiveCount is not delivered again but handed out as dead (the move happens on the next
    /// receive; aws-facts §3.3).
    pub fn receive(&mut self, now: Timestamp, max: usize, visibility_s: u32, dead_letters_go: bool) -> Taken {
        let limit = self.settings.redrive.as_ref().filter(|_| dead_letters_go).map(|policy| policy.max_receive_count);
        let until = now.plus_s(i64::from(visibility_s));
        let mut taken = Taken::default();
        let mut last = None;
        while taken.messages.len() < max.min(MAX_IN_FLIGHT) && self.has_room() {
            let Some((number, message)) = self.store.next(last) else { break };
            if limit.is_some_and(|limit| message.received_here >= limit) {
                if taken.dead.len() == MAX_DEAD_A_RECEIVE {
                    break;
                }
                taken.dead.extend(self.store.remove(number).map(|dead| self.dead(dead)));
                continue;
            }
            let Some(message) = self.store.lease(number, now, until) else { break };
            message.receive_count += 1;
            message.received_here += 1;
            message.first_received_at.get_or_insert(now);
            last = Some(number);
            let receipt = Receipt { queue: self.key, message: number, receive: message.received_here };
            taken.messages.push(shown(message, receipt.seal()));
        }
        taken
    }

    /// Takes up to `max` waiting messages out, without a receive: for a move task.
    pub fn take_out(&mut self, max: usize) -> Vec<Stored> {
        let mut out = Vec::new();
        while out.len() < max
            && let Some((number, _)) = self.store.first()
        {
            out.extend(self.store.remove(number));
        }
        out
    }

    /// The message first in line, without taking it.
    pub fn first(&self) -> Option<&Stored> {
        self.store.first().map(|(_, message)| message)
    }

    /// Deletes. An old handle of a standard queue is taken and deletes nothing when there was a newer
    /// receive; a FIFO queue refuses a handle whose visibility is over (aws-facts §3.2).
    ///
    /// # Errors
    /// ReceiptHandleIsInvalid; of a FIFO queue also InvalidParameterValue.
    pub fn delete(&mut self, handle: &ReceiptHandle) -> Result<Option<Stored>, ServiceError> {
        let receipt = self.open(handle)?;
        let Some(message) = self.store.get(receipt.message) else { return Ok(None) };
        let newest = message.received_here == receipt.receive;
        if self.settings.fifo && !(newest && self.store.in_flight_since(receipt.message).is_some()) {
            return Err(invalid_value(handle, "ReceiptHandle", "The receipt handle has expired."));
        }
        Ok(if newest { self.store.remove(receipt.message) } else { None })
    }

    /// Hides a message in flight for `visibility_s` from now; 0 gives it back at once.
    ///
    /// # Errors
    /// MessageNotInflight when it is visible, InvalidParameterValue when it is gone or the handle is
    /// not its newest, or when 12 h from the receive would be passed.
    pub fn change_visibility(
        &mut self,
        now: Timestamp,
        handle: &ReceiptHandle,
        visibility_s: u32,
    ) -> Result<(), ServiceError> {
        if visibility_s > MAX_VISIBILITY_S {
            return Err(invalid_value(visibility_s, "VisibilityTimeout", "Must be between 0 and 43200."));
        }
        let receipt = self.open(handle)?;
        let newest = self.store.get(receipt.message).is_some_and(|message| message.received_here == receipt.receive);
        if !newest {
            let reason = "Message does not exist or is not available for visibility timeout change.";
            return Err(invalid_value(handle, "ReceiptHandle", reason));
        }
        let Some(since) = self.store.in_flight_since(receipt.message) else {
            return Err(refuse(&legacy("MessageNotInflight"), 400, "The specified message isn't in flight."));
        };
        let until = now.plus_s(i64::from(visibility_s));
        if until > since.plus_s(i64::from(MAX_VISIBILITY_S)) {
            let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]";
            return Err(invalid_value(visibility_s, "VisibilityTimeout", reason));
        }
        self.store.hide(receipt.message, until);
        Ok(())
    }

    pub fn drain(&mut self) -> Vec<Stored> {
        self.store.drain()
    }

    pub fn counts(&self) -> QueueCounts {
        // A usize always fits in 64 bits.
        let count = |n: usize| n as u64;
        QueueCounts {
            visible: count(self.store.waiting()),
            in_flight: count(self.store.in_flight()),
            delayed: count(self.store.delayed()),
        }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// False when so many messages are in flight that none can be received.
    pub fn has_room(&self) -> bool {
        self.store.in_flight() < MAX_IN_FLIGHT
    }

    /// The next `SequenceNumber` of a FIFO queue.
    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    fn dead(&self, mut message: Stored) -> Stored {
        message.extra.get_or_insert_default().dead_letter_source = Some(self.arn.clone());
        message
    }

    fn open(&self, handle: &ReceiptHandle) -> Result<Receipt, ServiceError> {
        Receipt::open(handle).filter(|receipt| receipt.queue == self.key).ok_or_else(|| {
            let text = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
            refuse("ReceiptHandleIsInvalid", 400, text)
        })
    }
}

/// A `SequenceNumber` as SQS writes it: 20 digits, rising within its queue.
pub fn sequence_number(number: u64) -> String {
    /// SQS leaves room between two numbers.
    const STEP: u64 = 256;
    format!("188{:017}", number.saturating_mul(STEP))
}

/// A message id as SQS writes it.
pub fn message_id(id: u128) -> MessageId {
    let digits = hexadecimal(&id.to_be_bytes());
    let mut text = String::with_capacity(36);
    for (n, part) in [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().enumerate() {
        if n > 0 {
            text.push('-');
        }
        text.push_str(&digits[part]);
    }
    MessageId::new(text)
}

fn shown(message: &Stored, receipt: ReceiptHandle) -> Message {
    let extra = message.extra.as_deref().cloned().unwrap_or_default();
    Message {
        id: message_id(message.id),
        receipt,
        body: message.body.to_string(),
        attributes: extra.attributes,
        system: SystemAttributes {
            sent_at: message.sent_at,
            receive_count: message.receive_count,
            first_received_at: message.first_received_at,
            dead_letter_source: extra.dead_letter_source,
            trace_header: extra.trace_header,
            group_id: extra.group_id,
            deduplication_id: extra.deduplication_id,
            sequence_number: extra.sequence.map(sequence_number),
            sender_id: Some(SENDER.to_owned()),
        },
    }
}

/// `SenderId` of everything sent here: an IAM principal's unique id.
const SENDER: &str = "AROASANDBOXSANDBOXSAN:redrive";
