//! What Lambda tells of a function only one call at a time, for the posture: one question at a time, once
//! a discovery. When each goes is decided by whoever keeps Lambda's turns; nobody waits for it, so it
//! waits for everything else.

use std::collections::BTreeMap;

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::schedule::{Pace, Poll, Schedule};
use crate::model::function::FunctionQuestion;
use crate::model::id::FunctionName;
use crate::model::time::Timestamp;
use crate::verdict::posture::questions;

/// Local time; a floor where no turns are kept, as in the sandbox.
const SETTING: Pace = Pace { every_ms: 250, floor_ms: 250 };

/// In which discovery each question was asked last, and the one under way. Discoveries are counted and not
/// compared by their time, which goes back where a clock is put right.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::console) struct Questions {
    poll: Poll,
    asked: BTreeMap<(FunctionName, FunctionQuestion), u64>,
    discovered_at: Option<Timestamp>,
    discoveries: u64,
    /// In which of them the account's limits were asked last.
    limits_asked: Option<u64>,
}

impl Schedule {
    pub(in crate::console) fn function_setting_answered(&mut self, well: bool) {
        self.settings.poll.answered(well);
    }

    pub(in crate::console) fn function_setting_asked(&mut self, function: &FunctionName, question: FunctionQuestion) {
        self.settings.asked.insert((function.clone(), question), self.settings.discoveries);
    }
}

/// The question that waits longest of those not asked since the discovery.
pub(super) fn due(console: &mut Console) -> Option<Effect> {
    let discovered_at = console.picture.topology.as_ref().filter(|_| !console.from_cache)?.at;
    if console.locked_out.is_some() {
        return None;
    }
    let (mono, now) = (console.mono, console.now);
    if !console.schedule.settings.poll.is_due(SETTING, mono, now) {
        return None;
    }
    let settings = &mut console.schedule.settings;
    if settings.discovered_at != Some(discovered_at) {
        (settings.discovered_at, settings.discoveries) = (Some(discovered_at), settings.discoveries + 1);
    }
    let now_is = settings.discoveries;
    if let Some(effect) = limits_due(console, now_is) {
        return Some(effect);
    }
    let settings = &mut console.schedule.settings;
    let waiting = questions(&console.picture).into_iter().map(|key| (settings.asked.get(&key).copied(), key));
    let stale = waiting.filter(|(asked, _)| asked.is_none_or(|asked| asked < now_is));
    let (_, (function, question)) = stale.min_by(|(a, _), (b, _)| a.cmp(b))?;
    console.schedule.settings.poll.ask(mono, now);
    console.schedule.function_setting_asked(&function, question);
    Some(Effect::FetchFunctionSetting { function, question })
}

/// What all functions share, once a discovery and only while one of them is refused: then it says by whom.
fn limits_due(console: &mut Console, discovery: u64) -> Option<Effect> {
    let throttled = console.findings.iter().any(|finding| finding.rule == "throttled");
    let asked = console.schedule.settings.limits_asked;
    if !throttled || asked == Some(discovery) {
        return None;
    }
    let (mono, now) = (console.mono, console.now);
    console.schedule.settings.limits_asked = Some(discovery);
    console.schedule.settings.poll.ask(mono, now);
    Some(Effect::FetchAccountLimits)
}

#[cfg(test)]
mod tests {
    use crate::console::effect::Effect;
    use crate::console::msg::Msg;
    use crate::console::update::trial::{NOW, Trial};
    use crate::console::{Console, ConsoleOptions};
    use crate::model::function::{FunctionAnswer, FunctionQuestion};
    use crate::model::service_error::ServiceError;

    fn asked(effects: &[Effect]) -> Vec<(String, FunctionQuestion)> {
        let one = |effect: &Effect| match effect {
            Effect::FetchFunctionSetting { function, question } => Some((function.to_string(), *question)),
            _ => None,
        };
        effects.iter().filter_map(one).collect()
    }

    fn known(console: &Console, name: &str) -> Result<Option<u32>, String> {
        let settings = &console.picture.function_settings[&name.into()].value;
        settings.reserved_concurrency.known().copied().map_err(str::to_owned)
    }

    #[test]
    fn one_question_at_a_time_and_once_a_discovery() {
        let mut trial = Trial::new(ConsoleOptions::default());
        let first = asked(&trial.wait_ms(250));
        assert_eq!(first, [("JobWorker".to_owned(), FunctionQuestion::Concurrency)]);
        assert_eq!(asked(&trial.wait_ms(10_000)), [], "the first has not been answered");
        let answer = |function: &str, result| Msg::FunctionSettingArrived {
            at: NOW,
            function: function.into(),
            question: FunctionQuestion::Concurrency,
            result,
        };
        trial.tell(answer("JobWorker", Ok(FunctionAnswer::Concurrency(Some(7)))));
        assert_eq!(known(&trial.console, "JobWorker"), Ok(Some(7)));
        assert_eq!(asked(&trial.wait_ms(250))[0].0, "LogWorker");
        trial.tell(answer("LogWorker", Ok(FunctionAnswer::Concurrency(None))));
        assert_eq!(asked(&trial.wait_ms(60_000)), [], "nothing is left to ask until the next discovery");
    }

    #[test]
    fn the_accounts_limits_are_asked_while_something_is_throttled_and_once() {
        let mut trial = Trial::new(ConsoleOptions::default());
        let limits =
            |effects: Vec<Effect>| effects.iter().filter(|effect| **effect == Effect::FetchAccountLimits).count();
        assert_eq!(limits(trial.wait_ms(250)), 0);
        let key =
            crate::model::metric::MetricKey::lambda(&"JobWorker".into(), "Throttles", crate::model::metric::Stat::Sum);
        let now = trial.console.now;
        trial.console.picture.metrics.merge(&key, now, [(now.floor_to(60).plus_s(-300), 9.0)]);
        trial.console.judge();
        trial.console.schedule.function_setting_answered(true);
        assert_eq!(limits(trial.wait_ms(250)), 1);
        let answer = Some(crate::model::function::AccountLimits { concurrent: 1_000, unreserved: 900 });
        trial.tell(Msg::AccountLimitsArrived { at: now, result: Ok(answer) });
        assert_eq!(trial.console.picture.account_limits.as_ref().map(|seen| seen.value), answer);
        assert_eq!(limits(trial.wait_ms(10_000)), 0);
    }

    #[test]
    fn a_clock_that_is_put_right_makes_no_question_new() {
        let mut trial = Trial::new(ConsoleOptions::default());
        let mut count = 0;
        for _ in 0..100 {
            // The account's time turns out to be ten minutes behind.
            let (mono, at) = (trial.console.mono.plus_ms(1_000), NOW.plus_s(-600));
            for (function, question) in asked(&trial.tell(Msg::Tick { mono, account: at })) {
                count += 1;
                let result = Ok(FunctionAnswer::Concurrency(None));
                trial.tell(Msg::FunctionSettingArrived { at, function: function.as_str().into(), question, result });
            }
        }
        assert_eq!(count, 2, "each function once");
    }

    #[test]
    fn a_missing_permission_is_asked_about_once() {
        let mut trial = Trial::new(ConsoleOptions::default());
        trial.wait_ms(250);
        let denied = ServiceError::new("lambda:GetFunctionConcurrency", "AccessDeniedException", "no");
        trial.tell(Msg::FunctionSettingArrived {
            at: trial.console.now,
            function: "JobWorker".into(),
            question: FunctionQuestion::Concurrency,
            result: Err(denied),
        });
        assert_eq!(asked(&trial.wait_ms(60_000)), []);
        for name in ["JobWorker", "LogWorker"] {
            assert!(known(&trial.console, name).is_err_and(|why| why.contains("GetFunctionConcurrency")), "{name}");
        }
        let unknown =
            trial.console.posture.not_known.iter().filter(|one| one.rule.ends_with("reserved-concurrency-low"));
        assert_eq!(unknown.count(), 2, "not known, and not fine");
    }
}
