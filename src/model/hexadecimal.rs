//! Bytes as text: two small digits a byte.

/// `[1, 255]` is `01ff`.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits.extend([byte >> 4, byte & 0xf].map(|half| DIGITS[usize::from(half)]));
    }
    // Digits are text.
    String::from_utf8(digits).unwrap_or_default()
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hexadecimal(&[0, 1, 0x9a, 255]), "00019aff");
        assert_eq!(hexadecimal(&[]), "");
    }
}
