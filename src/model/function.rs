//! A Lambda function as `ListFunctions` shows it. Environment values are never kept; only the edges
//! they prove are (topology).

use serde::{Deserialize, Serialize};

use crate::model::id::{Arn, FunctionName};
use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    pub name: FunctionName,
    pub arn: Arn,
    pub timeout_s: Option<u32>,
    pub memory_mb: Option<u32>,
    pub last_modified: Option<Timestamp>,
    pub code_sha256: Option<String>,
    /// `ReservedConcurrentExecutions`; `None` when unreserved or not asked.
    pub reserved_concurrency: Option<u32>,
    /// `DeadLetterConfig.TargetArn`: where asynchronous invokes go that failed for good.
    pub dead_letter: Option<Arn>,
}

/// What `ListFunctions` does not show: one Lambda control call each, asked slowly and only where the
/// answer matters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FunctionSettings {
    /// `None` inside: unreserved.
    pub reserved_concurrency: Reading<Option<u32>>,
    pub asynchronous: Reading<AsyncSettings>,
    /// `RecursiveLoop`: `Allow` is true, `Terminate` (the default) false.
    pub recursion_allowed: Reading<bool>,
}

/// `GetFunctionEventInvokeConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AsyncSettings {
    /// There is a configuration at all; without one only `put` makes it.
    pub configured: bool,
    pub on_failure: Option<Arn>,
}

/// Something that costs a call of its own to know.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Reading<T> {
    #[default]
    NotAsked,
    /// Asked, and why there is no answer.
    Refused(String),
    Known(T),
}

impl<T> Reading<T> {
    /// The value, or why it is not known.
    ///
    /// # Errors
    /// What stands for the value: not asked, or the refusal.
    pub fn known(&self) -> Result<&T, &str> {
        match self {
            Reading::Known(value) => Ok(value),
            Reading::Refused(why) => Err(why),
            Reading::NotAsked => Err("not asked yet"),
        }
    }
}

/// `GetAccountSettings`: runs at a time of all functions, and of those without a reserve of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountLimits {
    pub concurrent: u32,
    pub unreserved: u32,
}

/// One question about one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunctionQuestion {
    /// `GetFunctionConcurrency`
    Concurrency,
    /// `GetFunctionEventInvokeConfig`
    Asynchronous,
    /// `GetFunctionRecursionConfig`
    Recursion,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionAnswer {
    Concurrency(Option<u32>),
    Asynchronous(AsyncSettings),
    RecursionAllowed(bool),
}

impl FunctionSettings {
    pub fn put(&mut self, answer: FunctionAnswer) {
        match answer {
            FunctionAnswer::Concurrency(limit) => self.reserved_concurrency = Reading::Known(limit),
            FunctionAnswer::Asynchronous(settings) => self.asynchronous = Reading::Known(settings),
            FunctionAnswer::RecursionAllowed(allowed) => self.recursion_allowed = Reading::Known(allowed),
        }
    }

    /// There was no answer. One that was there before stays: it is older, not gone.
    pub fn refuse(&mut self, question: FunctionQuestion, why: &str) {
        match question {
            FunctionQuestion::Concurrency => self.reserved_concurrency.refuse(why),
            FunctionQuestion::Asynchronous => self.asynchronous.refuse(why),
            FunctionQuestion::Recursion => self.recursion_allowed.refuse(why),
        }
    }
}

impl<T> Reading<T> {
    fn refuse(&mut self, why: &str) {
        if !matches!(self, Reading::Known(_)) {
            *self = Reading::Refused(why.to_owned());
        }
    }
}
