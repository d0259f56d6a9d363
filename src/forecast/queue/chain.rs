//! A job of several messages: one that is handled may bring the next. What every message from outside
//! comes to in all decides how much there is to do, however its steps are spread over it.

/// How probably a message that is handled brings one more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chain {
    /// One that came from outside.
    pub first: f64,
    /// One that was brought by another.
    pub later: f64,
}

impl Chain {
    /// Nothing is brought.
    pub const NEVER: Chain = Chain { first: 0.0, later: 0.0 };

    /// Every message brings as many, whichever it is.
    pub fn alike(share: f64) -> Self {
        let share = share.clamp(0.0, MOST);
        Chain { first: share, later: share }
    }

    /// One that comes to so many messages in all, itself counted.
    pub fn of(total: f64) -> Self {
        let more = (total - 1.0).max(0.0);
        if more <= 1.0 { Chain { first: more, later: 0.0 } } else { Chain { first: 1.0, later: 1.0 - 1.0 / more } }
    }

    /// Messages that one from outside comes to, itself counted.
    pub fn total(self) -> f64 {
        1.0 + self.first / (1.0 - self.later.min(MOST))
    }

    /// How probably one brings another that comes to so many in all, itself counted.
    pub fn share(self, total: f64) -> f64 {
        ((total - 1.0) * (1.0 - self.later.min(MOST))).clamp(0.0, 1.0)
    }
}

/// More than this would never end.
const MOST: f64 = 0.98;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_comes_to_what_it_is_said_to() {
        for total in [1.0, 1.4, 2.0, 2.5, 6.0] {
            assert!((Chain::of(total).total() - total).abs() < 1e-9, "{total}");
            assert!((Chain::of(total).share(total) - Chain::of(total).first).abs() < 1e-9, "{total}");
        }
        assert_eq!(Chain::of(2.0), Chain { first: 1.0, later: 0.0 }, "the second is the last");
        assert!((Chain::alike(0.5).total() - 2.0).abs() < 1e-9);
        assert_eq!((Chain::of(0.4), Chain::NEVER.total()), (Chain::NEVER, 1.0));
    }
}
