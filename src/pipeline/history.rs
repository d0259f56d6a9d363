//! A running digest of everything that happens, in order: equal histories have equal digests, and the
//! golden test knows one by heart.

use crate::pipeline::rng::mix;

#[derive(Debug, Clone, Default)]
pub struct History {
    low: u64,
    high: u64,
    length: u64,
}

/// What a line of the history says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Deed {
    Accepted = 1,
    Recorded,
    RunStarted,
    RunEnded,
    Throttled,
    BatchSent,
    BatchDiscarded,
    JobSent,
    JobDone,
    Switched,
    MappingChanged,
    AsyncDropped,
    Indexed,
    Deployed,
}

impl History {
    pub fn note(&mut self, at_ms: i64, deed: Deed, a: u64, b: u64) {
        self.length += 1;
        let line = mix(at_ms.cast_unsigned() ^ (u64::from(deed as u8) << 56)) ^ mix(a).rotate_left(17) ^ mix(!b);
        self.low = mix(self.low ^ line);
        self.high = mix(self.high.wrapping_add(line) ^ self.length);
    }

    /// 32 hexadecimal digits.
    pub fn digest(&self) -> String {
        format!("{:016x}{:016x}", self.high, self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_time_and_kind_matter() {
        let digest = |lines: &[(i64, Deed, u64)]| {
            let mut history = History::default();
            for (at, deed, a) in lines {
                history.note(*at, *deed, *a, 0);
            }
            history.digest()
        };
        let line = [(1, Deed::Accepted, 1), (2, Deed::JobDone, 1)];
        assert_eq!(digest(&line), digest(&line));
        for other in [
            [line[1], line[0]],
            [(1, Deed::Accepted, 1), (3, Deed::JobDone, 1)],
            [(1, Deed::Accepted, 1), (2, Deed::JobSent, 1)],
            [(1, Deed::Accepted, 1), (2, Deed::JobDone, 2)],
        ] {
            assert_ne!(digest(&line), digest(&other));
        }
    }
}
