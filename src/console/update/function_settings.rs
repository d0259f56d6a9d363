//! What Lambda told of one function, slowly, one answer of many. A permission that is missing is missing
//! for every function: the others of the same question are not asked for nothing.

use crate::console::update::facts::{explained, frozen};
use crate::console::update::{changes, denied};
use crate::console::{Asked, Console};
use crate::model::function::{AccountLimits, FunctionAnswer, FunctionQuestion};
use crate::model::id::FunctionName;
use crate::model::observed::Observed;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::verdict::posture::questions;

pub(super) fn arrived(
    console: &mut Console,
    at: Timestamp,
    function: &FunctionName,
    question: FunctionQuestion,
    result: Result<FunctionAnswer, ServiceError>,
) {
    let throttled = result.as_ref().is_err_and(ServiceError::is_throttle);
    console.schedule.function_setting_answered(!throttled);
    if frozen(console) {
        return;
    }
    match result {
        Ok(answer) => {
            denied::forget(console, asked(question));
            match answer {
                FunctionAnswer::Concurrency(limit) => changes::put_reserve(console, function, limit, at),
                answer => console.picture.put_function_setting(function, question, Ok(answer), at),
            }
        }
        Err(error) if error.is_denied() => {
            denied::by_poll(console, asked(question), &error);
            let why = explained(&error);
            for (name, _) in questions(&console.picture).into_iter().filter(|(_, other)| *other == question) {
                console.picture.put_function_setting(&name, question, Err(why.clone()), at);
                console.schedule.function_setting_asked(&name, question);
            }
        }
        Err(error) => {
            console.picture.put_function_setting(function, question, Err(explained(&error)), at);
        }
    }
}

/// The account's limits; what is refused is not asked again before the next discovery, and said to be
/// not known where it matters.
pub(super) fn limits_arrived(
    console: &mut Console,
    at: Timestamp,
    result: Result<Option<AccountLimits>, ServiceError>,
) {
    let throttled = result.as_ref().is_err_and(ServiceError::is_throttle);
    console.schedule.function_setting_answered(!throttled);
    if let Ok(Some(limits)) = result
        && !frozen(console)
    {
        console.picture.account_limits = Some(Observed::new(limits, at));
        console.judge();
    }
}

fn asked(question: FunctionQuestion) -> Asked {
    match question {
        FunctionQuestion::Concurrency => Asked::Concurrency,
        FunctionQuestion::Asynchronous => Asked::Asynchronous,
        FunctionQuestion::Recursion => Asked::Recursion,
    }
}
