//! The two digests SQS answers with every message (aws-facts §3.7).

use md5::{Digest, Md5};

use crate::model::hexadecimal::hexadecimal;
use crate::model::message::{AttributeValue, Attributes};

/// `MD5OfMessageBody` / `MD5OfBody`: hexadecimal MD5 of the body's UTF-8.
pub fn of_body(body: &str) -> String {
    hexadecimal(&Md5::digest(body.as_bytes()))
}

/// `MD5OfMessageAttributes`; `None` when there are none. On a receive only the attributes that are
/// answered count.
pub fn of_attributes(attributes: &Attributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut hash = Md5::new();
    for (name, attribute) in attributes {
        let (transport, value) = match &attribute.value {
            AttributeValue::Text(text) => (TEXT, text.as_bytes()),
            AttributeValue::Binary(bytes) => (BINARY, bytes.as_slice()),
        };
        measured(&mut hash, name.as_bytes());
        measured(&mut hash, attribute.data_type.as_bytes());
        hash.update([transport]);
        measured(&mut hash, value);
    }
    Some(hexadecimal(&hash.finalize()))
}

const TEXT: u8 = 1;
const BINARY: u8 = 2;

fn measured(hash: &mut Md5, bytes: &[u8]) {
    // Parts of a message are at most 1 MiB, so the length always fits.
    hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Attribute;

    #[test]
    fn digests_are_those_aws_was_recorded_with() {
        assert_eq!(of_body("message-1"), "3d6b824fd8c1520e9a047d21fee6fb1f");
        let attributes = Attributes::from([("MyAttribute".to_owned(), Attribute::text("foobar"))]);
        assert_eq!(of_attributes(&attributes).as_deref(), Some("adb59cd4678ea5a855436b949cd07ab6"));
        assert_eq!(of_attributes(&Attributes::new()), None);
    }
}
