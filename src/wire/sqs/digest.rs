//! The MD5 sums SQS answers beside messages (aws-facts §3.7).

use md5::{Digest, Md5};

use crate::model::message::{Attribute, AttributeValue, Attributes};

/// Hex MD5 of a body.
pub fn of_body(body: &str) -> String {
    hex(Md5::digest(body.as_bytes()))
}

/// Hex MD5 of the attributes answered, in SQS's own encoding of them; `None` when there are none.
pub fn of_attributes(attributes: &Attributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut sum = Md5::new();
    for (name, Attribute { data_type, value }) in attributes {
        part(&mut sum, name.as_bytes());
        part(&mut sum, data_type.as_bytes());
        let (transport, bytes) = match value {
            AttributeValue::Text(text) => (1u8, text.as_bytes()),
            AttributeValue::Binary(bytes) => (2u8, bytes.as_slice()),
        };
        sum.update([transport]);
        part(&mut sum, bytes);
    }
    Some(hex(sum.finalize()))
}

fn part(sum: &mut Md5, bytes: &[u8]) {
    sum.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    sum.update(bytes);
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_equal_those_recorded_from_sqs() {
        assert_eq!(of_body("message-1"), "3d6b824fd8c1520e9a047d21fee6fb1f");
        let attributes = Attributes::from([("MyAttribute".to_owned(), Attribute::text("foobar"))]);
        assert_eq!(of_attributes(&attributes).as_deref(), Some("adb59cd4678ea5a855436b949cd07ab6"));
        assert_eq!(of_attributes(&Attributes::new()), None);
    }
}
