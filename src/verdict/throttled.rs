//! Runs that Lambda refused to start for want of concurrency: by the function's own reserve, by what the
//! account has left for all functions, or by how fast one function may grow. The three are told apart
//! where what tells them apart is known, and said not to be where it is not.

use crate::model::finding::{Finding, Remedy, Severity, Subject};
use crate::model::id::FunctionName;
use crate::model::mapping::Mapping;
use crate::model::picture::Picture;
use crate::model::time::Timestamp;
use crate::verdict::bound::Bound;
use crate::verdict::wanted::{account_concurrency, concurrency, invocations, throttles};
use crate::verdict::window::{greatest, total};
use crate::verdict::wording::{count, percent, remedy};

/// Minutes looked back over.
const MINUTES: i64 = 15;
/// From this share of attempts on it is a warning; below it, a burst that was retried.
const WARNS: f64 = 0.01;
/// From this share of the account's limit on, it is the account's: the metric is a minute's greatest, and
/// what is full for a second is not seen whole.
const FULL: f64 = 0.8;
/// `MaximumConcurrency` (aws-facts §1.1).
const LEAST_MAX_CONCURRENCY: u32 = 2;

/// How soon it speaks.
pub const BOUND: Bound = Bound::SUDDEN;

pub fn check(picture: &Picture, now: Timestamp, function: &FunctionName) -> Option<Finding> {
    let refused = total(picture, now, &throttles(function), MINUTES).filter(|total| total.sum > 0.0)?.sum;
    let runs = total(picture, now, &invocations(function), MINUTES).map_or(0.0, |total| total.sum);
    let share = refused / (refused + runs);
    let by = By::of(picture, now, function);
    let mut evidence = vec![format!("{} attempts refused in {MINUTES} m ({})", count(refused), percent(share))];
    evidence.push(by.line(greatest(picture, now, &concurrency(function), MINUTES)));
    if picture.mappings_of(function).any(|observed| observed.value.kind().is_queue()) {
        evidence.push("each refusal costs a receive: throttling alone can fill a dead-letter queue".to_owned());
    }
    Some(Finding {
        rule: "throttled".to_owned(),
        severity: if share >= WARNS { Severity::Warning } else { Severity::Note },
        subject: Subject::Function(function.clone()),
        headline: format!("{function} is throttled{}", by.words()),
        since: None,
        evidence,
        remedies: remedies(picture, function, picture.reserved_concurrency(function)),
    })
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    /// The function's reserved concurrency.
    Reserve(u32),
    /// All functions without a reserve: so many run at a time, of so many.
    Account { ran: f64, of: u32 },
    /// Neither: one function grows by so many runs at a time and no more (aws-facts §1.8).
    Function { account: Option<(f64, u32)> },
    /// Not enough is known to tell.
    Unknown,
}

impl By {
    fn of(picture: &Picture, now: Timestamp, function: &FunctionName) -> Self {
        if let Some(reserve) = picture.reserved_concurrency(function) {
            return By::Reserve(reserve);
        }
        let asked = picture.function_settings.get(function).map(|seen| &seen.value.reserved_concurrency);
        let unreserved = asked.is_some_and(|reading| reading.known().is_ok());
        let limits = picture.account_limits.as_ref().map(|seen| seen.value);
        let ran = greatest(picture, now, &account_concurrency(), MINUTES);
        match (ran, limits) {
            _ if !unreserved => By::Unknown,
            (Some(ran), Some(limits)) if ran >= f64::from(limits.unreserved) * FULL => {
                By::Account { ran, of: limits.unreserved }
            }
            (Some(ran), Some(limits)) => By::Function { account: Some((ran, limits.unreserved)) },
            (None, Some(_)) => By::Function { account: None },
            (_, None) => By::Unknown,
        }
    }

    fn words(self) -> &'static str {
        match self {
            By::Reserve(0) => ": its reserved concurrency is 0",
            By::Reserve(_) => " by its reserved concurrency",
            By::Account { .. } => " by the account's limit",
            By::Function { .. } => ", though the account has room",
            By::Unknown => "",
        }
    }

    fn line(self, ran: Option<f64>) -> String {
        let at_a_time = ran.map_or("–".to_owned(), count);
        match self {
            By::Reserve(0) => "reserved concurrency 0: it may not run at all".to_owned(),
            By::Reserve(reserve) => format!("{at_a_time} ran at a time, reserved concurrency {reserve}"),
            By::Account { ran, of } => format!(
                "{at_a_time} ran at a time; {} in the account, of {} left to functions without a reserve",
                count(ran),
                count(f64::from(of))
            ),
            By::Function { account: Some((ran, of)) } => format!(
                "{at_a_time} ran at a time, no reserve; {} in the account, of {}: it grows faster than one function may",
                count(ran),
                count(f64::from(of))
            ),
            By::Function { account: None } => {
                format!("{at_a_time} ran at a time, no reserve; the account's runs are not known")
            }
            By::Unknown => {
                format!("{at_a_time} ran at a time; whether a reserve or the account's limit refuses them is not known")
            }
        }
    }
}

/// A queue's mapping can be held to what the function may run; a stream's cannot. A reserve can be raised
/// where a mapping leads to the form that does it.
fn remedies(picture: &Picture, function: &FunctionName, reserved: Option<u32>) -> Vec<Remedy> {
    let Some(reserved) = reserved else { return Vec::new() };
    let mut mappings = picture.mappings_of(function).map(|observed| &observed.value).peekable();
    if mappings.peek().is_none() {
        return Vec::new();
    }
    let asks_more = |mapping: &Mapping| {
        mapping.kind().is_queue() && mapping.settings.max_concurrency.is_none_or(|max| max > reserved)
    };
    let held = (reserved >= LEAST_MAX_CONCURRENCY && mappings.any(asks_more))
        .then(|| remedy("tune", format!("tune: maximum concurrency →{reserved}")));
    let raised = remedy("tune", format!("tune: reserved concurrency {reserved}→more, or none (m in the form)"));
    held.into_iter().chain([raised]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::function::{AccountLimits, FunctionAnswer, FunctionQuestion};
    use crate::model::metric::Stat;
    use crate::model::observed::Observed;
    use crate::verdict::examples::{FUNCTION, lambda, now, put, stream};

    fn throttled() -> Picture {
        let mut picture = stream();
        lambda(&mut picture, FUNCTION, "Throttles", Stat::Sum, |_| 60.0);
        picture
    }

    fn reserve(picture: &mut Picture, to: Option<u32>) {
        let answer = Ok(FunctionAnswer::Concurrency(to));
        picture.put_function_setting(&FUNCTION.into(), FunctionQuestion::Concurrency, answer, now());
    }

    fn headline(picture: &Picture) -> String {
        check(picture, now(), &FUNCTION.into()).expect("throttled").headline
    }

    #[test]
    fn whose_limit_it_is_is_told_where_it_is_known() {
        let mut picture = throttled();
        assert_eq!(headline(&picture), "LogWorker is throttled", "nothing is known of its reserve");
        reserve(&mut picture, None);
        put(&mut picture, &account_concurrency(), |_| 990.0);
        assert_eq!(headline(&picture), "LogWorker is throttled", "the account's limit is not known");
        picture.account_limits = Some(Observed::new(AccountLimits { concurrent: 1_000, unreserved: 1_000 }, now()));
        assert_eq!(headline(&picture), "LogWorker is throttled by the account's limit");
        put(&mut picture, &account_concurrency(), |_| 90.0);
        assert_eq!(headline(&picture), "LogWorker is throttled, though the account has room");
        reserve(&mut picture, Some(5));
        assert_eq!(headline(&picture), "LogWorker is throttled by its reserved concurrency");
        reserve(&mut picture, Some(0));
        assert_eq!(headline(&picture), "LogWorker is throttled: its reserved concurrency is 0");
        let remedies = check(&picture, now(), &FUNCTION.into()).expect("throttled").remedies;
        let lines: Vec<&str> = remedies.iter().map(|remedy| remedy.text.as_str()).collect();
        assert_eq!(lines, ["tune: reserved concurrency 0→more, or none (m in the form)"]);
    }
}
