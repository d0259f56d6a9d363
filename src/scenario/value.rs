//! Values of a scenario file that may be written in more than one way. Errors made here carry the
//! place of the value, because the TOML reader adds it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::pipeline::distribution::Distribution;

/// `5000`, `{ uniform = [a, b] }`, `{ exponential = mean }` or `{ quantiles = [a, b, …] }`.
pub(super) struct Spread(pub Distribution);

/// `4`, or `3.67`: something per second, kept per 1,000 seconds.
pub(super) struct Rate {
    pub per_ks: u64,
}

/// `0`: exactly that; `[1, 10]`: both ends included.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub low: u64,
    pub high: u64,
}

/// The highest rate taken; a limit of ours.
const MAX_PER_S: f64 = 1_000_000.0;

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let per_s = f64::deserialize(deserializer)?;
        if !(0.0..=MAX_PER_S).contains(&per_s) {
            return Err(D::Error::custom("a rate is 0 to 1000000 a second"));
        }
        Ok(Rate { per_ks: (per_s * 1000.0).round() as u64 })
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpreadVisitor).map(Spread)
    }
}

struct SpreadVisitor;

impl<'de> Visitor<'de> for SpreadVisitor {
    type Value = Distribution;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, { uniform = [a, b] }, { exponential = mean } or { quantiles = [a, b, …] }")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Distribution, E> {
        u64::try_from(value).map(Distribution::Fixed).map_err(|_| E::custom("must not be negative"))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Distribution, E> {
        Ok(Distribution::Fixed(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distribution, A::Error> {
        let Some(kind) = map.next_key::<String>()? else { return Err(A::Error::custom("is empty")) };
        let distribution = match kind.as_str() {
            "uniform" => {
                let [low, high] = map.next_value::<[u64; 2]>()?;
                if low > high {
                    return Err(A::Error::custom("uniform = [a, b] needs a ≤ b"));
                }
                Distribution::Uniform(low, high)
            }
            "exponential" => Distribution::Exponential(map.next_value()?),
            "quantiles" => {
                let points: Vec<u64> = map.next_value()?;
                if points.len() < 2 || points.windows(2).any(|p| p[0] > p[1]) {
                    return Err(A::Error::custom("quantiles needs two or more numbers, lowest first"));
                }
                Distribution::Quantiles(points)
            }
            other => return Err(A::Error::unknown_field(other, &["uniform", "exponential", "quantiles"])),
        };
        match map.next_key::<String>()? {
            None => Ok(distribution),
            Some(second) => Err(A::Error::custom(format!("{kind} and {second} exclude each other"))),
        }
    }
}

impl<'de> Deserialize<'de> for Bounds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BoundsVisitor)
    }
}

struct BoundsVisitor;

impl<'de> Visitor<'de> for BoundsVisitor {
    type Value = Bounds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or [lowest, highest]")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Bounds, E> {
        let value = u64::try_from(value).map_err(|_| E::custom("must not be negative"))?;
        Ok(Bounds { low: value, high: value })
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Bounds, E> {
        Ok(Bounds { low: value, high: value })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bounds, A::Error> {
        let two = "needs two numbers, lowest first";
        let low = seq.next_element()?.ok_or_else(|| A::Error::custom(two))?;
        let high = seq.next_element()?.ok_or_else(|| A::Error::custom(two))?;
        if seq.next_element::<u64>()?.is_some() || low > high {
            return Err(A::Error::custom(two));
        }
        Ok(Bounds { low, high })
    }
}
