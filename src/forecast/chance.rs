//! Draws that rehearsals need beside the pipeline's integer distributions: how many arrive in a
//! while, and how far off an estimate may be.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::pipeline::distribution::below;
use crate::pipeline::rng::rng;

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

/// What lies above so large a share of a normal distribution with mean 0 and deviation 1; Tukey's lambda,
/// which is off by less than 0.01 where few samples have anything.
pub(super) fn normal_at(share: f64) -> f64 {
    (share.powf(0.135) - (1.0 - share).powf(0.135)) / 0.1975
}

/// The share of a distribution below which sample number `sample` of `samples` lies: each takes a stratum of
/// its own, in an order drawn for each named quantity. So few samples are as even as many drawn freely, and
/// their median does not hang on who drew what.
pub(super) fn stratum(seed: u64, quantity: &str, sample: u32, samples: u32) -> f64 {
    let mut draws = rng(seed, &format!("rehearsal/order/{quantity}"));
    let mut order: Vec<u32> = (0..samples.max(1)).collect();
    for last in (1..order.len()).rev() {
        let other = usize::try_from(below(&mut draws, last as u64 + 1)).unwrap_or(last);
        order.swap(last, other);
    }
    let mine = order.get(sample as usize).copied().unwrap_or(sample);
    (f64::from(mine) + 0.5) / f64::from(samples.max(1))
}

/// Between 0 and 1, neither included.
pub(super) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (f64::from(rng.next_u32()) + 0.5) / 4_294_967_296.0
}

/// From so many on, the normal distribution stands for Poisson's.
const MANY: f64 = 30.0;

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn each_sample_has_a_stratum_and_all_together_the_whole() {
        for samples in [1, 15, 40] {
            let mut drawn: Vec<f64> = (0..samples).map(|n| stratum(7, "arrivals", n, samples)).collect();
            drawn.sort_by(f64::total_cmp);
            let evenly = (0..samples).map(|n| (f64::from(n) + 0.5) / f64::from(samples));
            assert!(drawn.iter().zip(evenly).all(|(drawn, evenly)| (drawn - evenly).abs() < 1e-12), "{drawn:?}");
        }
        let order = |quantity: &str| (0..15).map(|n| stratum(7, quantity, n, 15)).collect::<Vec<_>>();
        assert_ne!(order("arrivals"), order("capacity"), "one says nothing of the other");
    }

    #[test]
    fn the_normal_distribution_is_read_backwards() {
        for (share, theory) in [(0.5, 0.0), (0.8413, 1.0), (0.1587, -1.0), (0.9667, 1.8339), (0.02, -2.0537)] {
            assert!((normal_at(share) - theory).abs() < 0.01, "{share}: {}", normal_at(share));
        }
    }
}
