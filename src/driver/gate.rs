//! What stands between the callers of a sandbox and its pipeline: permissions that are missing,
//! credentials that have run out, a clock that is not the caller's, and a count of what was asked.
//! In-process door and listener pass the same gate. It answers as AWS would; it decides nothing
//! about queues or mappings, and an untouched gate lets everything through.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::permission::action_of;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

/// A handle; every clone is the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    account: Arc<str>,
    region: Arc<str>,
    rules: Arc<Mutex<Rules>>,
}

#[derive(Debug, Default)]
struct Rules {
    /// Actions of IAM.
    denied: BTreeSet<String>,
    expired: bool,
    /// How far the services' clock is ahead of the sandbox's.
    ahead_s: i64,
    /// By call: `sqs:SendMessageBatch`.
    calls: BTreeMap<String, u64>,
}

impl Gate {
    pub(super) fn new(account: &str, region: &str) -> Self {
        Gate { account: account.into(), region: region.into(), rules: Arc::default() }
    }

    /// From now on no policy allows this action of IAM (`sqs:SendMessage`, for the batch call too).
    pub fn deny(&self, action: &str) {
        self.rules().denied.insert(action.to_owned());
    }

    pub fn allow(&self, action: &str) {
        self.rules().denied.remove(action);
    }

    /// From now on the caller's token has expired, or has been renewed.
    pub fn expire(&self, expired: bool) {
        self.rules().expired = expired;
    }

    /// The services' clock is so far ahead: in every `Date`, and in the judgement of signatures,
    /// which are refused when they are more than five minutes old or early.
    pub fn set_ahead_s(&self, ahead_s: i64) {
        self.rules().ahead_s = ahead_s;
    }

    /// How often each call was asked, refused ones included.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.rules().calls.clone()
    }

    /// The services' time when the sandbox's is `now`.
    pub(super) fn time(&self, now: Timestamp) -> Timestamp {
        now.plus_s(self.rules().ahead_s)
    }

    /// Counts the call, and refuses what must be refused.
    /// `signed_at` is asked only while the services' clock is not the caller's.
    pub(super) fn pass(
        &self,
        call: &str,
        signed_at: impl FnOnce() -> Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let mut rules = self.rules();
        *rules.calls.entry(call.to_owned()).or_default() += 1;
        // The pipeline's own web service has no signatures.
        if call.starts_with("web:") {
            return Ok(());
        }
        if rules.ahead_s != 0
            && let Some(signed_at) = signed_at()
        {
            in_time(call, signed_at, now.plus_s(rules.ahead_s))?;
        }
        if rules.expired {
            let code = if call.starts_with("sts:") { "ExpiredToken" } else { "ExpiredTokenException" };
            return Err(forbidden(call, code, "The security token included in the request is expired".to_owned()));
        }
        match action_of(call) {
            Some(action) if rules.denied.contains(action) => Err(self.denied(call, action)),
            _ => Ok(()),
        }
    }

    /// In the services' words (SQS writes the action small, and names a resource without a queue).
    fn denied(&self, call: &str, action: &str) -> ServiceError {
        let (service, operation) = action.split_once(':').unwrap_or((action, ""));
        let (account, region) = (&self.account, &self.region);
        let (code, spelled, resource) = match service {
            "sqs" => (
                "AccessDenied",
                format!("sqs:{}", operation.to_lowercase()),
                format!("arn:aws:sqs:{region}:{account}:"),
            ),
            "lambda" | "logs" => ("AccessDeniedException", action.to_owned(), "*".to_owned()),
            _ => ("AccessDenied", action.to_owned(), "*".to_owned()),
        };
        let user = format!("arn:aws:sts::{account}:assumed-role/sandbox/redrive");
        let message = format!(
            "User: {user} is not authorized to perform: {spelled} on resource: {resource} because no identity-based policy \
             allows the {spelled} action"
        );
        forbidden(call, code, message)
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A signature is good for five minutes either way.
fn in_time(call: &str, signed_at: Timestamp, now: Timestamp) -> Result<(), ServiceError> {
    let late_s = now.ms_since(signed_at) / 1_000;
    if late_s.abs() <= SIGNATURE_S {
        return Ok(());
    }
    let said = if late_s > 0 {
        format!("Signature expired: {signed_at} is now earlier than {} ({now} - 5 min.)", now.plus_s(-SIGNATURE_S))
    } else {
        format!(
            "Signature not yet current: {signed_at} is still later than {} ({now} + 5 min.)",
            now.plus_s(SIGNATURE_S)
        )
    };
    let code = if call.starts_with("sts:") { "SignatureDoesNotMatch" } else { "InvalidSignatureException" };
    Err(forbidden(call, code, said))
}

fn forbidden(call: &str, code: &str, message: String) -> ServiceError {
    ServiceError { http: 403, ..ServiceError::new(call, code, message) }
}

const SIGNATURE_S: i64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untouched_gate_counts_and_lets_through() {
        let gate = Gate::new("123456789012", "eu-west-1");
        let now = Timestamp::from_s(1_000_000);
        assert_eq!(gate.pass("sqs:ListQueues", || Some(Timestamp::ZERO), now), Ok(()), "any signature is taken");
        assert_eq!(gate.calls(), BTreeMap::from([("sqs:ListQueues".to_owned(), 1)]));
    }

    #[test]
    fn what_is_denied_is_refused_in_the_services_words_until_it_is_allowed() {
        let gate = Gate::new("123456789012", "eu-west-1");
        let now = Timestamp::from_s(1_000_000);
        gate.deny("sqs:SendMessage");
        let error = gate.pass("sqs:SendMessageBatch", || None, now).expect_err("its action is denied");
        assert!(error.is_denied() && error.http == 403);
        assert!(error.message.contains("not authorized to perform: sqs:sendmessage on resource"), "{error}");
        assert_eq!(gate.pass("sqs:ReceiveMessage", || None, now), Ok(()));
        gate.allow("sqs:SendMessage");
        assert_eq!(gate.pass("sqs:SendMessageBatch", || None, now), Ok(()));
    }

    #[test]
    fn a_clock_ten_minutes_off_is_refused_by_its_signature_and_five_are_not() {
        let gate = Gate::new("123456789012", "eu-west-1");
        let now = Timestamp::from_s(1_000_000);
        gate.set_ahead_s(600);
        let error = gate.pass("sts:GetCallerIdentity", || Some(now), now).expect_err("ten minutes late");
        assert!(error.code == "SignatureDoesNotMatch" && error.message.contains("Signature expired"), "{error}");
        assert_eq!(gate.pass("sts:GetCallerIdentity", || Some(now.plus_s(601)), now), Ok(()), "corrected");
        assert_eq!(gate.time(now), now.plus_s(600));
        gate.set_ahead_s(-600);
        assert!(gate.pass("sqs:ListQueues", || Some(now), now).expect_err("early").message.contains("not yet current"));
    }

    #[test]
    fn an_expired_token_is_refused_everywhere_until_it_is_renewed() {
        let gate = Gate::new("123456789012", "eu-west-1");
        gate.expire(true);
        for call in ["sts:GetCallerIdentity", "sqs:ListQueues", "lambda:ListFunctions"] {
            assert!(gate.pass(call, || None, Timestamp::ZERO).expect_err(call).is_expired());
        }
        assert_eq!(gate.pass("web:POST /automations", || None, Timestamp::ZERO), Ok(()));
        gate.expire(false);
        assert_eq!(gate.pass("sqs:ListQueues", || None, Timestamp::ZERO), Ok(()));
    }
}
