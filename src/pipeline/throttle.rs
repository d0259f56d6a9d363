//! A token bucket: so many calls a second, with as much saved up (aws-facts §1.4: the Lambda control
//! plane takes 15 requests a second for all its APIs together).

use crate::model::time::Timestamp;

#[derive(Debug, Clone)]
pub struct TokenBucket {
    per_s: u32,
    /// Thousandths of a token.
    milli: u64,
    filled_at: Timestamp,
}

impl TokenBucket {
    /// Full at `now`; it never holds more than two seconds' worth.
    pub fn new(per_s: u32, now: Timestamp) -> Self {
        TokenBucket { per_s, milli: capacity(per_s), filled_at: now }
    }

    /// Takes a token; false when there is none.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let passed_ms = now.ms_since(self.filled_at).max(0).unsigned_abs();
        self.filled_at = self.filled_at.max(now);
        self.milli = self.milli.saturating_add(passed_ms * u64::from(self.per_s)).min(capacity(self.per_s));
        let enough = self.milli >= 1000;
        if enough {
            self.milli -= 1000;
        }
        enough
    }
}

fn capacity(per_s: u32) -> u64 {
    u64::from(per_s) * 2 * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate_holds() {
        let start = Timestamp::from_s(1000);
        let mut bucket = TokenBucket::new(15, start);
        assert_eq!((0..100).filter(|_| bucket.take(start)).count(), 30);
        let over_10_s = (0..1000).filter(|i| bucket.take(start.plus_ms(i * 10))).count();
        assert!((148..=151).contains(&over_10_s), "{over_10_s}");
    }
}
