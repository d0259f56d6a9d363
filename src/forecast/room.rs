//! How many runs a consumer may have at a time: the limit, less what others use of it. Others are the
//! function's other mappings where it has a reserve of its own, and all functions without one where it has
//! not.

use crate::forecast::sight::{Limit, Seen};

/// What is left of the limit, and how that was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) runs: u32,
    pub(super) sentence: String,
}

/// Where the function may not run at all no setting of a mapping drains anything.
///
/// # Errors
/// That it is so, in a sentence.
pub(super) fn any(limit: Option<Limit>) -> Result<(), String> {
    match limit {
        Some(Limit::Reserved(0)) => {
            Err("the function's reserved concurrency is 0: it may not run at all, whatever its mapping says".to_owned())
        }
        _ => Ok(()),
    }
}

/// `own` runs at a time at most are the consumer's; `siblings` other mappings feed its function.
pub(super) fn room(limit: Option<Limit>, siblings: u32, seen: &[Seen], own: f64) -> Room {
    let of_function = |seen: &Seen| seen.concurrency_max.unwrap_or(0.0);
    let beside = if siblings > 0 { most(seen, |seen| of_function(seen) - own) } else { 0 };
    match limit {
        Some(Limit::Reserved(limit)) => {
            let told =
                if beside > 0 { format!(", less {beside} that other mappings keep busy") } else { String::new() };
            told_of(limit, beside, &format!("of the function's reserve of {limit}{told}"))
        }
        Some(Limit::Unreserved(limit)) => {
            // Its own runs are among them.
            let of_others = most(seen, |seen| seen.unreserved_max.unwrap_or(0.0) - of_function(seen));
            let told = match of_others + beside {
                0 => String::new(),
                used => format!(", less {used} that others keep busy (UnreservedConcurrentExecutions, Maximum)"),
            };
            told_of(limit, of_others + beside, &format!("of the {limit} that functions without a reserve share{told}"))
        }
        None => told_of(DEFAULT, beside, "AWS's default; the limit was not read"),
    }
}

fn told_of(limit: u32, used: u32, why: &str) -> Room {
    let runs = limit.saturating_sub(used).max(1);
    Room { runs, sentence: format!("at most {runs} runs at a time: {why}") }
}

fn most(seen: &[Seen], of: impl Fn(&Seen) -> f64) -> u32 {
    seen.iter().map(of).fold(0.0, f64::max).round() as u32
}

/// AWS's default for an account (aws-facts §10).
const DEFAULT: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(of_function: f64, unreserved: Option<f64>) -> [Seen; 1] {
        [Seen { concurrency_max: Some(of_function), unreserved_max: unreserved, ..Seen::default() }]
    }

    #[test]
    fn what_others_use_is_not_there_to_be_used() {
        let room = |limit, siblings, seen: &[Seen]| room(limit, siblings, seen, 8.0);
        let reserved = Some(Limit::Reserved(50));
        assert_eq!(room(reserved, 0, &seen(20.0, None)).runs, 50, "a function has its reserve alone");
        let shared = room(reserved, 1, &seen(20.0, None));
        assert_eq!((shared.runs, shared.sentence.contains("less 12 that other mappings")), (38, true), "{shared:?}");
        let account = Some(Limit::Unreserved(1_000));
        let account = room(account, 0, &seen(8.0, Some(608.0)));
        assert_eq!((account.runs, account.sentence.contains("less 600 that others")), (400, true), "{account:?}");
        assert_eq!(room(Some(Limit::Unreserved(100)), 0, &seen(8.0, Some(400.0))).runs, 1, "never nothing");
        assert!(room(None, 0, &seen(8.0, None)).sentence.contains("not read"));
    }

    #[test]
    fn a_reserve_of_nothing_is_not_taken_for_one_run() {
        assert!(any(Some(Limit::Reserved(0))).is_err_and(|why| why.contains("it may not run at all")));
        for limit in [Some(Limit::Reserved(1)), Some(Limit::Unreserved(0)), None] {
            assert_eq!(any(limit), Ok(()), "{limit:?}");
        }
    }
}
