//! Logs beside kinds: when they are read, when not, and what of them is shown of a message.

use crate::console::deaths::Errors;
use crate::console::effect::Effect;
use crate::console::msg::Msg;
use crate::console::update::trial::{NOW, Trial};
use crate::model::id::QueueName;
use crate::model::log::LogLine;
use crate::model::service_error::ServiceError;

fn line(text: &str) -> LogLine {
    LogLine { at: NOW, stream: "s".to_owned(), id: "1".to_owned(), text: text.to_owned() }
}

#[test]
fn the_log_of_the_time_they_died_in_is_read_once() {
    let mut trial = Trial::sandbox();
    let queue = QueueName::from("JobDLQ");
    let asked =
        |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::FetchDeaths { .. })).count();
    let effects = trial.scanned(6);
    assert_eq!(asked(&effects), 1, "{effects:?}");
    let Some(Effect::FetchDeaths { function, ask, messages, .. }) =
        effects.into_iter().find(|effect| matches!(effect, Effect::FetchDeaths { .. }))
    else {
        panic!("asked")
    };
    assert_eq!((function.as_str(), ask.group.as_str(), messages.len()), ("JobWorker", "/aws/lambda/JobWorker", 6));
    // Three tries of a minute each, and a minute.
    assert_eq!((ask.from, ask.to), (NOW.plus_s(-3_600), NOW.plus_s(-3_600 + 240)));
    let exact = [(messages[0].id.clone(), line("[ERROR] run-0 failed"))].into();
    let window = (ask.from, ask.to);
    let result = Ok(Errors { exact, ..Errors::default() });
    trial.tell(Msg::DeathsArrived { queue: queue.clone(), function, window, result });
    let deaths = &trial.console.deaths[&queue];
    assert_eq!(deaths.title(), "errors of JobWorker while these died");
    assert!(deaths.exact(&messages[0].id).is_some() && deaths.exact(&messages[1].id).is_none());
    trial.types("q");
    assert_eq!(asked(&trial.rescanned(6)), 0, "the same time of the same function");
}

#[test]
fn a_log_that_may_not_be_read_says_what_is_missing() {
    let mut trial = Trial::sandbox();
    let queue = QueueName::from("JobDLQ");
    trial.scanned(2);
    let deaths = trial.console.deaths[&queue].clone();
    let window = (deaths.from, deaths.to);
    let denied = ServiceError { http: 400, ..ServiceError::new("logs:FilterLogEvents", "AccessDeniedException", "no") };
    let other = (window.0.plus_s(1), window.1);
    let msg =
        |window, result| Msg::DeathsArrived { queue: queue.clone(), function: deaths.function.clone(), window, result };
    trial.tell(msg(other, Ok(Errors::default())));
    assert_eq!(trial.console.deaths[&queue].read, None, "an answer to another question");
    trial.tell(msg(window, Err(denied)));
    let said = trial.console.deaths[&queue].read.clone().expect("answered").expect_err("denied");
    assert!(said.contains("logs:FilterLogEvents is missing"), "{said}");
}
