//! Randomness is named: one ChaCha8 stream a purpose, so that a new draw somewhere does not reshuffle
//! all history and two rehearsed candidates share their arrivals (design, day one, 5).

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use crate::model::hexadecimal::hexadecimal;

/// The stream of random numbers for one purpose: `rng(seed, "arrivals")`.
pub fn rng(seed: u64, purpose: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(digest(seed, purpose))
}

/// A number fixed by seed and name: the same wherever and whenever it is asked for. Decides what
/// belongs to a thing for good (is this run one of those that fail?).
pub fn fixed(seed: u64, name: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = digest(seed, name);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// A UUID fixed by seed and name.
pub fn uuid(seed: u64, name: &str) -> String {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = digest(seed, name);
    uuid_text([a, b, c, d, e, f, (g & 0x0f) | 0x40, h, (i & 0x3f) | 0x80, j, k, l, m, n, o, p])
}

/// Mixes a number well: a cheap hash for lanes, shards and "one in n" of things that have a key.
pub fn mix(mut x: u64) -> u64 {
    // SplitMix64's finisher.
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn digest(seed: u64, name: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(name.as_bytes());
    hash.finalize().into()
}

fn uuid_text(bytes: [u8; 16]) -> String {
    let hex = hexadecimal(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::Rng;

    #[test]
    fn streams_are_named_and_repeat() {
        let draw = |seed, name| rng(seed, name).next_u64();
        assert_eq!(draw(7, "arrivals"), draw(7, "arrivals"));
        assert_ne!(draw(7, "arrivals"), draw(7, "service/LogWorker"));
        assert_ne!(draw(7, "arrivals"), draw(8, "arrivals"));
    }

    #[test]
    fn a_uuid_looks_like_one() {
        let id = uuid(1, "mapping/JobWorker");
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert_eq!(id, uuid(1, "mapping/JobWorker"));
    }
}
