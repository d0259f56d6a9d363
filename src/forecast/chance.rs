//! Draws that rehearsals need beside the pipeline's integer distributions: how many arrive in a
//! while, and how far off an estimate may be.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

/// How many events of a Poisson process with this mean happen.
pub(super) fn poisson(rng: &mut ChaCha8Rng, mean: f64) -> u32 {
    if mean <= 0.0 {
        return 0;
    }
    if mean > MANY {
        let drawn = mean + mean.sqrt() * normal(rng) + 0.5;
        return drawn.max(0.0) as u32;
    }
    let limit = (-mean).exp();
    let (mut product, mut n) = (unit(rng), 0);
    while product > limit {
        product *= unit(rng);
        n += 1;
    }
    n
}

/// About the normal distribution with mean 0 and deviation 1: twelve uniform numbers of 16 bits.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let sum: u64 = (0..3)
        .map(|_| {
            let bits = rng.next_u64();
            (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)
        })
        .sum();
    sum as f64 / 65_535.0 - 6.0
}

/// Between 0 and 1, neither included.
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (f64::from(rng.next_u32()) + 0.5) / 4_294_967_296.0
}

/// From so many on, the normal distribution stands for Poisson's.
const MANY: f64 = 30.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::rng::rng;

    #[test]
    fn counts_have_the_mean_and_the_variance_of_poissons() {
        for mean in [0.3, 4.0, 29.0, 31.0, 400.0] {
            let mut stream = rng(3, "test/poisson");
            let drawn: Vec<f64> = (0..40_000).map(|_| f64::from(poisson(&mut stream, mean))).collect();
            let n = drawn.len() as f64;
            let seen = drawn.iter().sum::<f64>() / n;
            let variance = drawn.iter().map(|x| (x - seen).powi(2)).sum::<f64>() / n;
            assert!((seen / mean - 1.0).abs() < 0.02, "{mean}: {seen}");
            assert!((variance / mean - 1.0).abs() < 0.05, "{mean}: {variance}");
        }
    }
}
