//! How long something takes or how far apart arrivals are: integer distributions of our own, so that
//! a history is the same on every platform (no `ln`, no floats).

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

/// A distribution over whole numbers; the unit is the user's (microseconds for service times).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distribution {
    Fixed(u64),
    /// Both ends included.
    Uniform(u64, u64),
    /// Exponential with this mean: gaps between arrivals that know nothing of each other.
    Exponential(u64),
    /// Equally spaced quantiles, lowest first (`[p0, p50, p100]`, or more); between two of them the
    /// draw is uniform.
    Quantiles(Vec<u64>),
}

impl Distribution {
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> u64 {
        match self {
            Distribution::Fixed(value) => *value,
            Distribution::Uniform(low, high) => low + below(rng, high.saturating_sub(*low).saturating_add(1)),
            Distribution::Exponential(mean) => scale(*mean, minus_ln_q32(rng.next_u32())),
            Distribution::Quantiles(points) => match points.as_slice() {
                [] => 0,
                [only] => *only,
                _ => {
                    let spans = points.len() as u64 - 1;
                    let span = below(rng, spans) as usize;
                    let (low, high) = (points[span], points[span + 1].max(points[span]));
                    low + below(rng, high - low + 1)
                }
            },
        }
    }

    /// The mean, rounded down: for capacity estimates.
    pub fn mean(&self) -> u64 {
        match self {
            Distribution::Fixed(value) | Distribution::Exponential(value) => *value,
            Distribution::Uniform(low, high) => u64::midpoint(*low, *high),
            Distribution::Quantiles(points) => match points.as_slice() {
                [] => 0,
                [only] => *only,
                _ => points.windows(2).map(|p| u64::midpoint(p[0], p[1])).sum::<u64>() / (points.len() as u64 - 1),
            },
        }
    }

    /// True when a draw needs no randomness.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Distribution::Fixed(_))
    }
}

/// A whole number in `0..bound`; 0 for a bound of 0. Multiply-shift: the bias is below 2⁻³² of the
/// bound, and every draw takes exactly one number from the stream.
pub fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

/// True once in `n` times on average; never for 0.
pub fn one_in(rng: &mut ChaCha8Rng, n: u64) -> bool {
    n > 0 && below(rng, n) == 0
}

fn scale(mean: u64, q32: u64) -> u64 {
    ((u128::from(mean) * u128::from(q32)) >> 32) as u64
}

/// `-ln((x + 1) / 2³²)` as a Q32 fixed-point number: log2 by repeated squaring, times ln 2.
fn minus_ln_q32(x: u32) -> u64 {
    const LN_2_Q32: u128 = 2_977_044_472;
    let value = u64::from(x) + 1;
    let whole = 63 - value.leading_zeros();
    // The mantissa in [1, 2) as Q31 and the fraction of log2 bit by bit.
    let mut mantissa = if whole >= 31 { value >> (whole - 31) } else { value << (31 - whole) };
    let mut fraction: u64 = 0;
    for bit in (0..24).rev() {
        mantissa = (mantissa * mantissa) >> 31;
        if mantissa >= 1 << 32 {
            mantissa >>= 1;
            fraction |= 1 << (bit + 8);
        }
    }
    let log2_q32 = (u64::from(whole) << 32) | fraction;
    let minus_log2_q32 = (32u64 << 32) - log2_q32;
    ((u128::from(minus_log2_q32) * LN_2_Q32) >> 32) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::rng::rng;

    #[test]
    fn the_integer_logarithm_agrees_with_the_real_one() {
        for x in [0u32, 1, 2, 1000, 1 << 20, u32::MAX / 2, u32::MAX - 1] {
            let real = -((f64::from(x) + 1.0) / 4_294_967_296.0).ln();
            let ours = minus_ln_q32(x) as f64 / 4_294_967_296.0;
            assert!((real - ours).abs() < 1e-6, "{x}: {real} {ours}");
        }
    }

    #[test]
    fn draws_have_the_mean_they_say() {
        let mut stream = rng(7, "test/distribution");
        let all = [
            Distribution::Fixed(1000),
            Distribution::Uniform(500, 1500),
            Distribution::Exponential(1000),
            Distribution::Quantiles(vec![0, 500, 1000, 2500]),
        ];
        for distribution in all {
            let n = 20_000;
            let sum: u64 = (0..n).map(|_| distribution.draw(&mut stream)).sum();
            let mean = sum / n;
            assert!(mean.abs_diff(distribution.mean()) < 30, "{distribution:?}: {mean}");
        }
    }
}
