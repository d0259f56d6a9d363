//! Receipt handles: which receive of which message in which queue, as one opaque string.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::id::ReceiptHandle;
use crate::pipeline::rng::mix;

/// What a receipt handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The queue's own key, another one when a queue is made again under the same name.
    pub queue: u64,
    /// The message's number in the queue.
    pub message: u64,
    /// Which receive of the message in this queue; the newest equals its count.
    pub receive: u32,
}

impl Receipt {
    pub fn seal(self) -> ReceiptHandle {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(MARK);
        bytes.extend(self.queue.to_be_bytes());
        // Masked, so that a handle tells nothing and two handles do not look alike.
        let mask = mix(self.queue ^ u64::from(self.receive));
        bytes.extend((self.message ^ mask).to_be_bytes());
        bytes.extend(self.receive.to_be_bytes());
        bytes.push(self.check());
        ReceiptHandle::new(STANDARD.encode(bytes))
    }

    /// `None` when the text is no handle of ours.
    pub fn open(handle: &ReceiptHandle) -> Option<Self> {
        let bytes = STANDARD.decode(handle.as_str()).ok()?;
        let rest = bytes.strip_prefix(&MARK)?;
        let (queue, rest) = rest.split_first_chunk::<8>()?;
        let (message, rest) = rest.split_first_chunk::<8>()?;
        let (receive, rest) = rest.split_first_chunk::<4>()?;
        let (queue, receive) = (u64::from_be_bytes(*queue), u32::from_be_bytes(*receive));
        let message = u64::from_be_bytes(*message) ^ mix(queue ^ u64::from(receive));
        let receipt = Receipt { queue, message, receive };
        (rest == [receipt.check()]).then_some(receipt)
    }

    fn check(self) -> u8 {
        mix(self.queue ^ mix(self.message ^ mix(u64::from(self.receive)))).to_le_bytes()[0]
    }
}

/// Encodes to `AQEB`, as SQS's handles begin.
const MARK: [u8; 3] = [1, 1, 1];
const LENGTH: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_opens_to_what_was_sealed() {
        let receipt = Receipt { queue: 77, message: 123_456, receive: 3 };
        let handle = receipt.seal();
        assert!(handle.as_str().starts_with("AQEB"));
        assert_eq!(Receipt::open(&handle), Some(receipt));
        assert_ne!(handle, Receipt { receive: 4, ..receipt }.seal());
    }

    #[test]
    fn anything_else_does_not() {
        for text in ["", "garbage", "AQEB", "AQEBAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(Receipt::open(&text.into()), None, "{text}");
        }
    }
}
