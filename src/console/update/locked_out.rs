//! When the account no longer takes the credentials: one line that stays and says which command
//! renews them, one question that is tried again, and everything else as it was, with its age. It
//! goes on by itself when the question is answered.

use crate::console::{Asked, Console};
use crate::model::finding::Severity;
use crate::model::service_error::ServiceError;
use crate::model::time::spoken;

/// This kind of question was refused for its credentials.
pub(super) fn shut(console: &mut Console, asked: Asked, error: &ServiceError) {
    let line = banner(console, error);
    // The same line for every kind of question: it is drawn once.
    console.troubles.insert(asked, line.clone());
    if console.locked_out.is_none() {
        // One try at once: whatever is held here may be older than the login.
        console.schedule.identity.hurry();
    }
    console.locked_out = Some(line);
}

/// This kind of question was answered again. Identity is the one that is asked while nobody is let
/// in: with its answer everything that waited is asked anew.
pub(super) fn let_in(console: &mut Console, asked: Asked) {
    if asked != Asked::Identity {
        return;
    }
    if let Some(line) = console.locked_out.take() {
        console.troubles.retain(|_, said| *said != line);
        console.schedule.hurry();
        console.say(Severity::Good, "the credentials work again");
    }
}

pub(super) fn skewed(console: &mut Console, ahead_ms: i64) {
    let worth_saying = ahead_ms.abs() >= WORTH_SAYING_MS;
    console.skew_ms = worth_saying.then_some(ahead_ms);
}

impl Console {
    /// `this machine's clock is 10 m 0 s slow: …`
    pub fn skew_line(&self) -> Option<String> {
        let ahead_ms = self.skew_ms?;
        let way = if ahead_ms > 0 { "slow" } else { "fast" };
        let by = spoken((ahead_ms.abs() + 5_000) / 10_000 * 10_000);
        Some(format!("this machine's clock is {by} {way}; times here are the account's"))
    }
}

fn banner(console: &Console, error: &ServiceError) -> String {
    let profile = console.options.profile.as_deref();
    let profile = profile.map_or(String::new(), |name| format!(" --profile {name}"));
    let what = if error.is_expired() { "credentials expired" } else { "no credentials" };
    format!("{what}: `aws sso login{profile}` and it goes on by itself")
}

const WORTH_SAYING_MS: i64 = 60_000;
