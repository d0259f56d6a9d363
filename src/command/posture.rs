//! `posture`: reads what the rules look at and lists what to mend. What only one call a function tells is
//! asked in Lambda's turns, as every call is: its few control calls belong to the account.

use crate::command::failure::Failure;
use crate::command::look::{self, Look};
use crate::command::{Here, print, say, style};
use crate::config::{Posture, exit};
use crate::model::function::FunctionQuestion;
use crate::operation::progress::plural;
use crate::report;
use crate::shell;
use crate::verdict;

pub async fn run(here: &Here, asked: &Posture) -> Result<u8, Failure> {
    let look = if asked.quick { look::look(here).await } else { look::look_whole(here).await };
    let mut look = look?.with_alarms().await;
    if !asked.quick {
        tokio::select! {
            () = ask(&mut look) => {}
            () = shell::asked_to_stop() => say("redrive: stopped asking; the rest is not known"),
        }
    }
    look::tell_missing(&look.missing);
    let mut posture = verdict::posture::judge(&look.picture);
    for advice in &mut posture.advice {
        advice.fix = advice.fix_lines(here.place.profile.as_deref(), here.place.endpoint_url.as_deref());
    }
    let report = report::posture::Report::new(&look.picture, posture, look.missing, look.now);
    print(&report::one(style(asked.output), &report, report::posture::text))?;
    Ok(exit::FINE)
}

/// Question by question. A permission that is missing is missing for every function: the others of
/// its kind are not asked.
async fn ask(look: &mut Look) {
    let questions = verdict::posture::questions(&look.picture);
    if !questions.is_empty() {
        say(&format!(
            "redrive: asking Lambda {}, about one a second (--quick leaves them out)",
            plural(questions.len() as u64, "question", "questions")
        ));
    }
    let mut denied: Vec<(FunctionQuestion, String)> = Vec::new();
    for (function, question) in questions {
        let known = denied.iter().find(|(kind, _)| *kind == question).map(|(_, why)| why.clone());
        let answer = match known {
            Some(why) => Err(why),
            None => {
                let answer = look.account.function_setting(&function, question).await;
                if let Err(error) = answer.as_ref()
                    && error.is_denied()
                {
                    look.missing.push(error.to_string());
                    denied.push((question, error.to_string()));
                }
                answer.map_err(|error| error.to_string())
            }
        };
        look.picture.put_function_setting(&function, question, answer, look.now);
    }
}
