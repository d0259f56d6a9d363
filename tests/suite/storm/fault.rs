//! What goes wrong, drawn from the seed: the same seed, the same misfortunes.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use redrive::pipeline::rng::rng;

/// Chances in a thousand, a request or an entry; `rival` and `task` once a story.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    pub throttle: u64,
    pub lost_before: u64,
    /// It is done, and the answer does not come back.
    pub lost_after: u64,
    /// One entry of a batch that is answered 200.
    pub entry: u64,
    /// A message is delivered again while its lease lasts.
    pub redeliver: u64,
    /// On its way, or on its way back, for up to a minute and a half.
    pub slow: u64,
    /// A write of the journal fails.
    pub journal: u64,
    /// A write of the journal takes up to a minute and a half, and those behind it wait.
    pub writing: u64,
    /// A second operator takes messages and moves some of them.
    pub rival: u64,
    /// A colleague's move task is at work for a while.
    pub task: u64,
    /// From when to when, in milliseconds from the beginning, no lease is extended or given back.
    pub no_extending: Option<(i64, i64)>,
}

pub struct Chance(ChaCha8Rng);

impl Chance {
    pub fn new(seed: u64, purpose: &str) -> Self {
        Chance(rng(seed, purpose))
    }

    pub fn draw(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below.max(1)
    }

    pub fn happens(&mut self, chance: u64) -> bool {
        chance > 0 && self.draw(1_000) < chance
    }

    pub fn latency_ms(&mut self, faults: &Faults) -> i64 {
        let ms = if self.happens(faults.slow) { self.draw(90_000) } else { 1 + self.draw(40) };
        ms as i64
    }

    /// Entries of a batch of `n` that are refused.
    pub fn refused(&mut self, faults: &Faults, n: usize) -> Vec<usize> {
        (0..n).filter(|_| self.happens(faults.entry)).collect()
    }
}
