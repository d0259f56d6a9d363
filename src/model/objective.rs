//! What a team has promised itself, how old work may get before it is harm, and what it does not want to
//! hear of.

use std::collections::{BTreeMap, BTreeSet};

/// Ages that are still all right, in seconds, and rules that stay silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objectives {
    /// For whatever has none of its own.
    pub age_s: u64,
    /// By the name of a function or a queue.
    pub by_name: BTreeMap<String, u64>,
    /// Rules whose findings are not shown anywhere.
    pub silenced: BTreeSet<String>,
}

impl Default for Objectives {
    /// Five minutes (ux.md, "Verdicts on screen").
    fn default() -> Self {
        Objectives { age_s: 300, by_name: BTreeMap::new(), silenced: BTreeSet::new() }
    }
}

impl Objectives {
    /// Of the first of these names that has one of its own, in milliseconds.
    pub fn age_ms<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> f64 {
        let own = names.into_iter().find_map(|name| self.by_name.get(name));
        *own.unwrap_or(&self.age_s) as f64 * 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_with_an_objective_decides() {
        let objectives = Objectives { by_name: [("LogWorker".to_owned(), 900)].into(), ..Objectives::default() };
        assert_eq!(objectives.age_ms(["EventQueue", "LogWorker"]), 900_000.0);
        assert_eq!(objectives.age_ms(["JobWorker"]), 300_000.0);
    }
}
