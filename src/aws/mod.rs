//! The only importer of the AWS SDK: model in, model out. It reads an account and performs the
//! orders of `operation`; it keeps nothing it read, decides nothing about retrying a change, and does
//! not know whether a network or an in-process pipeline answers.

mod cloudformation;
pub mod connect;
pub mod probe;
pub mod signed;
pub mod survey;
pub mod topology;

mod alarm;
mod failure;
mod function;
mod function_settings;
mod invoke;
mod kinesis;
mod log;
mod mapping;
mod message;
mod meter;
mod metric;
mod object;
mod observer;
mod pace;
mod perform;
#[cfg(test)]
mod permissions;
mod queue;
mod said;
mod stack;
mod stack_resources;
mod stream;
mod vitals;

// How requests are signed.
mod credentials;
mod skew;

use std::sync::Arc;

use tokio::sync::watch;

use crate::aws::credentials::Renewing;
use crate::aws::failure::refused;
use crate::aws::meter::Meter;
use crate::aws::pace::Pace;
use crate::aws::signed::Signed;
use crate::model::picture::Identity;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::model::usage::Usage;

/// A connected account in one region. Cheap to clone; clones share connections and the meter.
///
/// Two sets of clients: those of `reads` keep the SDK's retries, those of `changes` have them off,
/// because a client that retries by itself turns one lost answer into an invisible second send
/// (design, decided on day one 1).
#[derive(Debug, Clone)]
pub struct Account {
    reads: Clients,
    changes: Clients,
    cloudwatch: aws_sdk_cloudwatch::Client,
    sts: aws_sdk_sts::Client,
    signed: Signed,
    /// Behind the in-process door there are no time-outs.
    in_process: bool,
    region: String,
    endpoint_url: Option<String>,
    test_credentials: bool,
    meter: Arc<Meter>,
    dates: watch::Receiver<Option<Timestamp>>,
    ahead_ms: watch::Receiver<i64>,
    /// `None` with made-up credentials, which nobody renews.
    renewing: Option<Renewing>,
    /// Lambda's turns, where they are kept.
    pace: Option<Pace>,
}

#[derive(Debug, Clone)]
struct Clients {
    sqs: aws_sdk_sqs::Client,
    lambda: aws_sdk_lambda::Client,
}

impl Account {
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint given, where it was not AWS's own.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    /// True when made-up credentials are used: the in-process door, or a loopback endpoint without
    /// any configured.
    pub fn uses_test_credentials(&self) -> bool {
        self.test_credentials
    }

    /// Requests sent so far by every clone, those the SDK repeated included.
    pub fn usage(&self) -> Usage {
        self.meter.usage()
    }

    /// The `Date` of the newest answer (whole seconds, rounded down by HTTP), and a wake-up with each
    /// new one. The difference to the local clock at that moment is the skew to correct.
    pub fn dates(&self) -> watch::Receiver<Option<Timestamp>> {
        self.dates.clone()
    }

    /// How far the account's clock is ahead of this machine's, in milliseconds, as the answers to
    /// reads say.
    pub fn ahead_ms(&self) -> watch::Receiver<i64> {
        self.ahead_ms.clone()
    }

    /// Returns when a call to Lambda that nobody waits for keeps nobody waiting.
    pub async fn leisure(&self) {
        if let Some(pace) = &self.pace {
            pace.leisure().await;
        }
    }

    /// `GetCallerIdentity`. Refused for its credentials, the next one looks for them anew.
    ///
    /// # Errors
    /// What STS refused, or why it could not be reached.
    pub async fn identity(&self) -> Result<Identity, ServiceError> {
        let answer = self.sts.get_caller_identity().send().await.map_err(|e| refused("sts:GetCallerIdentity", &e));
        if let (Err(error), Some(renewing)) = (&answer, &self.renewing)
            && error.is_of_credentials()
        {
            renewing.renew();
        }
        let answer = answer?;
        Ok(Identity {
            account: answer.account.unwrap_or_default(),
            region: self.region.clone(),
            arn: answer.arn.unwrap_or_default(),
            alias: None,
        })
    }
}
