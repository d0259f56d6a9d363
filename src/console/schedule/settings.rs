//! What Lambda tells of a function only one call at a time, for the posture. Asked last and slowly,
//! one question at a time, once a discovery: the account's control calls belong to the deploy that
//! mends the incident.

use std::collections::BTreeMap;

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::schedule::{Pace, Poll, Schedule};
use crate::model::function::FunctionQuestion;
use crate::model::id::FunctionName;
use crate::model::time::Timestamp;
use crate::verdict::posture::questions;

/// Local time: what the other calls leave of one control call a second.
const SETTING: Pace = Pace { every_ms: 2_000, floor_ms: 2_000 };

/// When each question was asked last, and the one under way.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::console) struct Questions {
    poll: Poll,
    asked: BTreeMap<(FunctionName, FunctionQuestion), Timestamp>,
}

impl Schedule {
    pub(in crate::console) fn function_setting_answered(&mut self, well: bool) {
        self.settings.poll.answered(well);
    }

    pub(in crate::console) fn function_setting_asked(
        &mut self,
        function: &FunctionName,
        question: FunctionQuestion,
        at: Timestamp,
    ) {
        self.settings.asked.insert((function.clone(), question), at);
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
    let asked = &console.schedule.settings.asked;
    let waiting = questions(&console.picture).into_iter().map(|key| (asked.get(&key).copied(), key));
    let stale = waiting.filter(|(at, _)| at.is_none_or(|at| at < discovered_at));
    let (_, (function, question)) = stale.min_by(|(a, _), (b, _)| a.cmp(b))?;
    console.schedule.settings.poll.ask(mono, now);
    console.schedule.function_setting_asked(&function, question, now);
    Some(Effect::FetchFunctionSetting { function, question })
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
    fn one_question_at_a_time_two_seconds_apart_and_once_a_discovery() {
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
        assert_eq!(asked(&trial.wait_ms(1_999)), []);
        assert_eq!(asked(&trial.wait_ms(60_000)), [], "nothing is left to ask until the next discovery");
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
