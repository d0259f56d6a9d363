//! Did you mean: the name that a misspelt one was most likely meant to be.

/// The nearest of `known`, when it is near enough to have been meant.
pub fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let near = known.iter().map(|name| (distance(&typed, &name.to_lowercase()), *name)).min()?;
    (near.0 <= (typed.chars().count() / 3).max(1)).then_some(near.1)
}

/// Insertions, removals and replacements that lead from one to the other; two neighbours swapped
/// count as one (that is what hands do).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if swapped { best.min(rows[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hands_do_is_understood_and_what_was_meant_otherwise_is_not() {
        assert_eq!(nearest("regoin", &["region", "role"]), Some("region"));
        assert_eq!(nearest("prdo", &["prod", "dev"]), Some("prod"));
        assert_eq!(nearest("Prod", &["prod"]), Some("prod"));
        assert_eq!(nearest("staging", &["prod", "dev"]), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
