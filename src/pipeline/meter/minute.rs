//! What is kept of one minute: a few numbers, and for some metrics a sketch good for percentiles.

/// Sum, count, least and greatest of some samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cell {
    pub sum: f64,
    /// In single precision: exact to 16,777,216, then to seven digits. A cell is 24 bytes, and there
    /// are 1,560 for each series.
    min: f32,
    max: f32,
    pub count: u32,
}

impl Cell {
    pub fn add(&mut self, value: f64, count: u32) {
        if count == 0 {
            return;
        }
        #[allow(clippy::cast_possible_truncation, reason = "documented at the field")]
        let single = value as f32;
        (self.min, self.max) =
            if self.count == 0 { (single, single) } else { (self.min.min(single), self.max.max(single)) };
        self.sum += value * f64::from(count);
        self.count = self.count.saturating_add(count);
    }

    pub fn merge(&mut self, other: &Cell) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        self.sum += other.sum;
        self.count = self.count.saturating_add(other.count);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The least sample; exact when there is but one.
    pub fn min(&self) -> f64 {
        if self.count == 1 { self.sum } else { f64::from(self.min) }
    }

    pub fn max(&self) -> f64 {
        if self.count == 1 { self.sum } else { f64::from(self.max) }
    }
}

/// Counts by size, 32 buckets to the doubling: a percentile is off by at most 1.6 %.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    /// Bucket and count, sorted by bucket.
    buckets: Vec<(u16, u32)>,
}

impl Sketch {
    pub fn add(&mut self, value: f64, count: u32) {
        let bucket = bucket(value);
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => {
                if let Some((_, n)) = self.buckets.get_mut(at) {
                    *n = n.saturating_add(count);
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, count)),
        }
    }

    pub fn merge(&mut self, other: &Sketch) {
        for (bucket, count) in &other.buckets {
            self.add(middle(*bucket), *count);
        }
    }

    /// The value that `percent` of the samples do not pass; `None` without samples.
    pub fn percentile(&self, percent: u64) -> Option<f64> {
        let total: u64 = self.buckets.iter().map(|(_, count)| u64::from(*count)).sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            seen += u64::from(*count);
            seen >= rank
        });
        found.map(|(bucket, _)| middle(*bucket))
    }
}

/// Exponent and the five highest bits of the mantissa.
fn bucket(value: f64) -> u16 {
    let bits = value.max(0.0).to_bits() >> MANTISSA_BITS_DROPPED;
    // Sign is 0, so 11 + 5 bits remain.
    u16::try_from(bits).unwrap_or(u16::MAX)
}

fn middle(bucket: u16) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    f64::from_bits((u64::from(bucket) << MANTISSA_BITS_DROPPED) + (1 << (MANTISSA_BITS_DROPPED - 1)))
}

const MANTISSA_BITS_DROPPED: u32 = 47;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_sum_count_and_extremes() {
        let mut cell = Cell::default();
        cell.add(4.0, 2);
        cell.add(1.0, 1);
        let mut other = Cell::default();
        other.add(10.0, 1);
        cell.merge(&other);
        assert_eq!((cell.sum, cell.count, cell.min(), cell.max()), (19.0, 4, 1.0, 10.0));
        assert_eq!(std::mem::size_of::<Cell>(), 24);
    }

    #[test]
    fn a_percentile_is_within_two_percent() {
        let mut sketch = Sketch::default();
        let mut other = Sketch::default();
        for i in 1..=1000 {
            if i % 2 == 0 { sketch.add(f64::from(i), 1) } else { other.add(f64::from(i), 1) }
        }
        sketch.merge(&other);
        for (percent, wanted) in [(50, 500.0), (95, 950.0), (99, 990.0)] {
            let got = sketch.percentile(percent).expect("samples");
            assert!((got - wanted).abs() / wanted < 0.02, "p{percent} {got}");
        }
        assert_eq!(Sketch::default().percentile(95), None);
    }
}
