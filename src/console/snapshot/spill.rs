//! Bodies beyond a memory budget. A snapshot may hold a hundred thousand messages; what their bodies
//! take beyond the budget is handed out to be kept on disk, and only the beginning stays here. This
//! decides what goes; the shell has the file.

use std::sync::Arc;

use crate::console::snapshot::Snapshot;
use crate::model::id::MessageId;
use crate::model::message::Message;

impl Snapshot {
    /// The message as it is listed: whole, or its beginning when the budget is used up. What must go
    /// to disk is kept for [`Snapshot::spill`].
    pub(in crate::console::snapshot) fn within_budget(&mut self, message: Arc<Message>) -> Arc<Message> {
        let bytes = message.size_bytes();
        if message.body.len() <= HEAD_BYTES || self.bytes + bytes <= MEMORY_BYTES {
            self.bytes += bytes;
            return message;
        }
        let mut end = HEAD_BYTES;
        while !message.body.is_char_boundary(end) {
            end -= 1;
        }
        let head = Message {
            id: message.id.clone(),
            receipt: message.receipt.clone(),
            body: message.body[..end].to_owned(),
            attributes: message.attributes.clone(),
            system: message.system.clone(),
        };
        self.bytes += head.size_bytes();
        self.spilled.insert(message.id.clone(), bytes);
        self.spilling.push(message);
        Arc::new(head)
    }

    /// What is to be written to disk now.
    pub fn spill(&mut self) -> Vec<Arc<Message>> {
        std::mem::take(&mut self.spilling)
    }

    /// Bytes the message counts for, wherever its body lies.
    pub fn size_bytes(&self, message: &Message) -> usize {
        self.spilled.get(&message.id).copied().unwrap_or_else(|| message.size_bytes())
    }

    /// Its body lies on disk and only its beginning is here.
    pub fn is_on_disk(&self, id: &MessageId) -> bool {
        self.spilled.contains_key(id) && self.opened.as_ref().is_none_or(|opened| opened.id != *id)
    }

    /// Its body was read back.
    pub fn is_whole(&self, id: &MessageId) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.id == *id)
    }

    /// A body read back from disk; one at a time stays.
    pub fn put_body(&mut self, id: &MessageId, body: String) {
        let Some(head) = self.get(id) else { return };
        self.opened = Some(Arc::new(Message { body, ..Message::clone(head) }));
    }
}

/// Bytes of messages a snapshot keeps in memory whole.
pub const MEMORY_BYTES: usize = 40 * 1024 * 1024;
/// Bytes of a body that always stay: what lists show, and then some.
const HEAD_BYTES: usize = 256;
