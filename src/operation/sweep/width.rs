//! How many receives of a sweep may be under way at once: as many as answers show to be worth it.

/// Doubles while answers are full, falls to one at an empty one. Where ids are looked for they were seen a
/// moment ago, so it begins as wide as it gets. A receive that can hardly bring
/// anything is not begun: it would be waited for at the end, as long as a receive waits.
#[derive(Debug)]
pub(super) struct Width {
    most: usize,
    now: usize,
    /// Messages asked for lately, and wanted ones that came.
    asked: u64,
    wanted: u64,
}

impl Width {
    pub(super) fn new(most: usize) -> Self {
        Width { most, now: 1, asked: 0, wanted: 0 }
    }

    /// For what was seen there a moment ago.
    pub(super) fn wide(most: usize) -> Self {
        Width { now: most, ..Width::new(most) }
    }

    /// A receive that asked for `max` brought so many, of which so many had been missing.
    pub(super) fn learn(&mut self, max: usize, brought: usize, wanted: usize) {
        if brought == 0 {
            self.now = 1;
        } else if brought * 2 >= max {
            self.now = (self.now * 2).min(self.most);
        }
        self.asked += max as u64;
        self.wanted += wanted as u64;
        if self.asked > LATELY {
            self.asked /= 2;
            self.wanted /= 2;
        }
    }

    /// Whether one more may go beside `receiving` that asked for `asked` messages, with `missing` still
    /// to be found; `None` where nobody counts them.
    pub(super) fn allows(&self, receiving: usize, asked: usize, missing: Option<usize>) -> bool {
        receiving < self.now && missing.is_none_or(|missing| receiving == 0 || self.expected(asked) < missing as u64)
    }

    /// What asking for so many will bring of those wanted, going by the latest; before any came, all.
    fn expected(&self, asked: usize) -> u64 {
        let asked = asked as u64;
        (asked * self.wanted).checked_div(self.asked).unwrap_or(asked)
    }
}

/// Messages asked for that the share of wanted ones is taken of.
const LATELY: u64 = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_while_answers_are_full_and_falls_at_an_empty_one() {
        let mut width = Width::new(4);
        assert!(width.allows(0, 0, None) && !width.allows(1, 10, None));
        for most in [2, 4, 4] {
            width.learn(10, 5, 5);
            assert!(width.allows(most - 1, 0, None) && !width.allows(most, 0, None));
        }
        width.learn(10, 4, 4);
        assert!(width.allows(3, 0, None), "half empty: as it was");
        width.learn(10, 0, 0);
        assert!(!width.allows(1, 10, None));
    }

    #[test]
    fn where_ids_are_looked_for_it_begins_with_what_they_need() {
        let width = Width::wide(16);
        assert!(width.allows(15, 150, Some(151)) && !width.allows(16, 160, Some(1_000)));
        assert!(width.allows(0, 0, Some(5)) && !width.allows(1, 10, Some(5)));
    }

    #[test]
    fn what_is_under_way_for_all_that_is_missing_is_enough() {
        let mut width = Width::new(16);
        (0..4).for_each(|_| width.learn(10, 10, 10));
        assert!(width.allows(2, 20, Some(21)) && !width.allows(3, 30, Some(21)));
        assert!(width.allows(0, 0, Some(0)), "the first one always: a last look is one");
        // One in ten is wanted: what is under way may well bring nothing.
        (0..400).for_each(|_| width.learn(10, 10, 1));
        assert!(width.allows(9, 90, Some(10)) && !width.allows(12, 120, Some(10)));
        (0..400).for_each(|_| width.learn(10, 10, 0));
        assert!(width.allows(15, 150, Some(1)), "none for long: as wide as it gets");
    }
}
