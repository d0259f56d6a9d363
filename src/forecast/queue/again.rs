//! A consumer that writes to the queue it reads, as a chain of jobs does: how many messages each one that
//! is handled brings. Only while it is behind does what it handles not follow what is sent, so that the
//! one can be told from the other.

use crate::forecast::queue::watched::Watched;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Again {
    pub(super) each: f64,
    pub(super) error: f64,
}

impl Again {
    /// It lies between none and one: more is not known.
    pub(super) const BELIEVED: Again = Again { each: 0.5, error: 0.3 };

    pub(super) fn sentence(self) -> String {
        format!(
            "each message handled brings {:.2} ± {:.2} more, since its environment names the queue it reads \
             (NumberOfMessagesSent against NumberOfMessagesDeleted, est)",
            self.each, self.error
        )
    }

    /// What is sent against what is handled, in minutes with a backlog, and what is believed beforehand: it
    /// lies between none and one.
    pub(super) fn of(minutes: &[Watched]) -> Self {
        let points: Vec<(f64, f64)> = minutes
            .iter()
            .filter(|minute| minute.is_backlogged())
            .filter_map(|minute| Some((minute.deleted?, minute.sent?)))
            .collect();
        let n = points.len() as f64;
        if points.len() < LEAST {
            return Self::BELIEVED;
        }
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let of = |f: &dyn Fn(f64, f64) -> f64| points.iter().map(|point| f(point.0 - x, point.1 - y)).sum::<f64>();
        let (xx, xy) = (of(&|dx, _| dx * dx), of(&|dx, dy| dx * dy));
        if xx <= 0.0 {
            return Self::BELIEVED;
        }
        let slope = xy / xx;
        // Arrivals scatter by chance at least.
        let residual = (of(&|dx, dy| (dy - slope * dx).powi(2)) / (n - 2.0)).max(y * CHANCE);
        let (seen, believed) = (xx / residual, Self::BELIEVED.error.powi(-2));
        let weight = seen / (seen + believed);
        Again {
            each: (weight * slope + (1.0 - weight) * Self::BELIEVED.each).clamp(0.0, MOST),
            error: (seen + believed).sqrt().recip(),
        }
    }
}

/// Fewer minutes say nothing.
const LEAST: usize = 8;
/// More than this would never end.
const MOST: f64 = 0.95;
/// Of what is sent, so much is sent by others and by chance.
const CHANCE: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(handled: impl Fn(u32) -> f64) -> Vec<Watched> {
        let minute = |n: u32| Watched {
            deleted: Some(handled(n)),
            sent: Some(240.0 + 0.6 * handled(n) + 12.0 * f64::from(n % 3) - 12.0),
            visible: Some(5_000.0),
            ..Watched::default()
        };
        (0..60).map(minute).collect()
    }

    #[test]
    fn what_is_sent_moves_with_what_is_handled() {
        let seen = Again::of(&minutes(|n| if n < 30 { 60.0 } else { 400.0 }));
        assert!((seen.each - 0.6).abs() < 0.03 && seen.error < 0.05, "{seen:?}");
    }

    #[test]
    fn where_it_never_moved_it_is_believed_and_said_to_be() {
        assert_eq!(Again::of(&[]), Again::BELIEVED);
        let still = Again::of(&minutes(|_| 400.0));
        assert!(still.error > 0.25, "{still:?}");
        assert!(still.sentence().contains("0.50 ± 0.30"));
    }
}
