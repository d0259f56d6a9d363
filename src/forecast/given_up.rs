//! Records that are given up. Until it is, such a record holds its lane up, try after try; where that takes
//! longer than an age at which nothing waits, and happens again and again, the age never settles, however many
//! lanes there are.

use crate::forecast::sight::Seen;
use crate::forecast::track::DRAINED_MS;
use crate::pipeline::stream::rules::Rules;

/// Why no drain is to be foretold, in a sentence. Where nothing says how often a record is tried, nothing is
/// concluded.
pub(super) fn never_settles(seen: &[Seen], rules: &Rules) -> Option<String> {
    let often = seen.iter().filter(|seen| seen.given_up > 0.0).count();
    let held_ms = held_ms(seen, rules).filter(|ms| often * 2 >= seen.len() && *ms > DRAINED_MS)?;
    Some(format!(
        "records are given up in {often} of {} minutes (OnFailureDestinationDeliveredEventCount, DroppedEventCount), and \
         each holds its lane for about {:.0} s till then: the age does not settle, whatever the setting",
        seen.len(),
        held_ms / 1000.0
    ))
}

/// Milliseconds for which a record that fails holds its lane: its batch is tried, halved till it stands alone,
/// and tried as often as the mapping says (aws-facts §1.1). Runs get shorter as their batches do.
fn held_ms(seen: &[Seen], rules: &Rules) -> Option<f64> {
    let halvings = if rules.bisect { f64::from(rules.batch_size.max(1)).log2() } else { 0.0 };
    let tries = 1.0 + f64::from(rules.max_retries?) + halvings;
    let mean = |of: fn(&Seen) -> Option<f64>| {
        let all: Vec<f64> = seen.iter().filter_map(of).collect();
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    };
    let whole_ms = mean(|seen| seen.duration_avg_ms)?;
    let alone_ms = mean(|seen| seen.duration_min_ms).unwrap_or(whole_ms).min(whole_ms);
    Some(tries * if rules.bisect { f64::midpoint(whole_ms, alone_ms) } else { whole_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(max_retries: Option<u32>, bisect: bool) -> Rules {
        Rules { batch_size: 16, window_ms: 0, lanes: 2, max_retries, max_age_s: None, bisect, partial: false }
    }

    /// Runs of ten seconds, and of two where a record is alone; one is given up in every so many minutes.
    fn minutes(every: usize) -> Vec<Seen> {
        let of = |minute: usize| Seen {
            duration_avg_ms: Some(10_000.0),
            duration_min_ms: Some(2_000.0),
            given_up: f64::from(u8::from(minute.is_multiple_of(every))),
            ..Seen::default()
        };
        (0..30).map(of).collect()
    }

    #[test]
    fn what_is_given_up_again_and_again_after_long_keeps_the_age_up() {
        // Tried, halved four times and tried twice more: seven runs of six seconds.
        let why = never_settles(&minutes(2), &rules(Some(2), true)).expect("42 s each");
        assert!(why.contains("in 15 of 30 minutes") && why.contains("about 42 s"), "{why}");
        assert_eq!(never_settles(&minutes(3), &rules(Some(2), true)), None, "now and then it settles");
        assert_eq!(never_settles(&minutes(1), &rules(Some(1), false)), None, "20 s are no backlog");
        assert!(never_settles(&minutes(1), &rules(Some(3), false)).is_some(), "40 s are one");
        assert_eq!(never_settles(&minutes(1), &rules(None, true)), None, "nothing says how often it is tried");
        assert_eq!(never_settles(&[], &rules(Some(2), true)), None);
    }
}
