//! How fast, and how long to wait after a refusal: a token bucket, and a back-off whose jitter is
//! drawn from a named stream of chance, so that a run can be repeated.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

use crate::model::time::Timestamp;

/// Messages a second, on the average; never more than a second's worth at once.
#[derive(Debug)]
pub(in crate::operation) struct Bucket {
    rate_per_s: Option<f64>,
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    pub(in crate::operation) fn new(rate_per_s: Option<f64>, now: Timestamp) -> Self {
        Bucket { rate_per_s: rate_per_s.map(sane), tokens: 1.0, at: now }
    }

    pub(in crate::operation) fn set_rate(&mut self, rate_per_s: Option<f64>, now: Timestamp) {
        self.refill(now);
        self.rate_per_s = rate_per_s.map(sane);
    }

    pub(in crate::operation) fn rate_per_s(&self) -> Option<f64> {
        self.rate_per_s
    }

    /// How many may go now; `usize::MAX` without a rate.
    pub(in crate::operation) fn ready(&mut self, now: Timestamp) -> usize {
        self.refill(now);
        match self.rate_per_s {
            None => usize::MAX,
            Some(_) => (self.tokens + ROUNDING).max(0.0).floor() as usize,
        }
    }

    pub(in crate::operation) fn take(&mut self, n: usize) {
        if self.rate_per_s.is_some() {
            self.tokens -= n as f64;
        }
    }

    /// When the next token will be there; `None` when one is there already.
    pub(in crate::operation) fn next(&self) -> Option<Timestamp> {
        let rate = self.rate_per_s?;
        let missing = 1.0 - self.tokens;
        (missing > ROUNDING).then(|| self.at.plus_ms((missing / rate * 1000.0).ceil() as i64))
    }

    fn refill(&mut self, now: Timestamp) {
        let passed_ms = now.ms_since(self.at).max(0);
        self.at = self.at.max(now);
        if let Some(rate) = self.rate_per_s {
            self.tokens = (self.tokens + passed_ms as f64 / 1000.0 * rate).min(rate.max(1.0));
        }
    }
}

/// Tokens are sums of fractions: a token short by less than this is a whole one.
const ROUNDING: f64 = 1e-9;

/// A rate of nothing, less, or no number would stand still for ever: pausing is a command of its own.
fn sane(rate: f64) -> f64 {
    if rate.is_finite() { rate.max(0.001) } else { 1000.0 }
}

/// How long to leave a service alone that said "slower" or nothing at all.
#[derive(Debug)]
pub(in crate::operation) struct Backoff {
    chance: ChaCha8Rng,
    failures: u32,
    until: Option<Timestamp>,
}

impl Backoff {
    /// `purpose` names the stream of chance: another back-off does not disturb this one.
    pub(in crate::operation) fn new(seed: u64, purpose: &str) -> Self {
        let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(purpose).finalize();
        Backoff { chance: ChaCha8Rng::from_seed(digest.into()), failures: 0, until: None }
    }

    /// Waits twice as long as last time, give or take, at most [`LONGEST_MS`].
    pub(in crate::operation) fn fail(&mut self, now: Timestamp) {
        let ceiling_ms = (SHORTEST_MS << self.failures.min(10)).min(LONGEST_MS);
        let jitter_ms = self.chance.next_u64() % (ceiling_ms / 2 + 1);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now.plus_ms((ceiling_ms / 2 + jitter_ms) as i64));
    }

    pub(in crate::operation) fn succeed(&mut self) {
        self.failures = 0;
        self.until = None;
    }

    /// How often in a row it failed.
    pub(in crate::operation) fn failures(&self) -> u32 {
        self.failures
    }

    pub(in crate::operation) fn is_open(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// When to try again; `None` when nothing holds it back.
    pub(in crate::operation) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| *until > now)
    }
}

/// The first wait's upper bound: SQS throttles by the second.
const SHORTEST_MS: u64 = 200;
const LONGEST_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_out_its_rate_and_no_more() {
        let start = Timestamp::from_s(1_000);
        let mut bucket = Bucket::new(Some(5.0), start);
        let mut sent = 0;
        for ms in 0..=10_000 {
            let ready = bucket.ready(start.plus_ms(ms));
            bucket.take(ready);
            sent += ready;
        }
        assert_eq!(sent, 51, "one at once, then five a second for ten seconds");
        let next = bucket.next().expect("it is empty");
        assert!(bucket.ready(next.plus_ms(-2)) == 0 && bucket.ready(next) == 1, "it knows when the next one comes");
    }

    #[test]
    fn an_idle_bucket_does_not_save_up() {
        let mut bucket = Bucket::new(Some(5.0), Timestamp::ZERO);
        assert_eq!(bucket.ready(Timestamp::from_s(3_600)), 5);
        let mut slow = Bucket::new(Some(0.1), Timestamp::ZERO);
        assert_eq!(slow.ready(Timestamp::from_s(3_600)), 1);
        assert_eq!(Bucket::new(None, Timestamp::ZERO).ready(Timestamp::ZERO), usize::MAX);
    }

    #[test]
    fn a_back_off_grows_is_bounded_and_repeats_by_its_seed() {
        let waits = |seed| -> Vec<i64> {
            let mut backoff = Backoff::new(seed, "send");
            (0..12)
                .map(|_| {
                    backoff.fail(Timestamp::ZERO);
                    backoff.until(Timestamp::ZERO).map_or(0, Timestamp::ms)
                })
                .collect()
        };
        let one = waits(1);
        assert_eq!(one, waits(1));
        assert_ne!(one, waits(2));
        assert!((100..=200).contains(&one[0]) && (5_000..=10_000).contains(&one[11]), "{one:?}");
    }
}
