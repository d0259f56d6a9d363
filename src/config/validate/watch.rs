//! `watch`: what goes together.

use crate::config::flags::watch::WatchFlags;
use crate::config::{Action, Goal, Stop, Watch};

/// Seconds between two reads of a queue: below, it costs more than it tells; above, it watches nothing.
const INTERVAL_S: std::ops::RangeInclusive<u64> = 5..=600;

pub fn watch(flags: WatchFlags) -> Result<Action, Stop> {
    let goal = Goal::from(flags.until);
    if goal == Goal::Empty && flags.target.is_none() {
        return Err(Stop::fault("watch --until empty needs a queue: redrive watch --until empty JobDLQ"));
    }
    if !INTERVAL_S.contains(&flags.interval) {
        return Err(Stop::fault(format!("--interval {} s is not between 5 s and 10 m", flags.interval)));
    }
    if flags.timeout == 0 {
        return Err(Stop::fault("--timeout 0 waits for nothing"));
    }
    Ok(Action::Watch(Watch {
        goal,
        target: flags.target,
        timeout_s: flags.timeout,
        interval_s: flags.interval,
        output: flags.output,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::parse;

    #[test]
    fn a_watch_has_a_goal_and_an_end() {
        let config = parse("redrive watch --until drained LogWorker --timeout 30m").expect("valid");
        let Action::Watch(watch) = config.action else { panic!("watch") };
        assert_eq!((watch.goal, watch.target.as_deref()), (Goal::Drained, Some("LogWorker")));
        assert_eq!((watch.timeout_s, watch.interval_s), (1_800, 10));
        for bad in [
            "redrive watch LogWorker",
            "redrive watch --until empty",
            "redrive watch --until dry",
            "redrive watch --until ok --interval 1s",
            "redrive watch --until ok --timeout 0",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
