//! Reserved concurrency (`ReservedConcurrentExecutions`): runs at a time that are kept for one function
//! and are the most it gets. It is the function's, so every mapping that feeds it shares it.

use serde::{Deserialize, Serialize};

use crate::model::function::AccountLimits;
use crate::model::id::{Arn, FunctionName};

/// A change of a function's reserve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveChange {
    pub function: FunctionName,
    /// What was seen when the plan was made; `None` is no reserve of its own.
    pub before: Option<u32>,
    pub to: Option<u32>,
}

impl ReserveChange {
    /// What puts it back.
    #[must_use]
    pub fn reverse(&self) -> Self {
        ReserveChange { function: self.function.clone(), before: self.to, to: self.before }
    }

    /// `reserved concurrency none→20`
    pub fn line(&self) -> String {
        format!("reserved concurrency {}→{}", said(self.before), said(self.to))
    }
}

fn said(reserve: Option<u32>) -> String {
    reserve.map_or("none".to_owned(), |n| n.to_string())
}

/// Lambda refuses a reserve that "decreases account's UnreservedConcurrentExecution below its minimum
/// value of \[100\]".
pub const LEAST_UNRESERVED: u32 = 100;

/// What has to be known before a reserve is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReserveReading {
    pub function: FunctionName,
    /// The reserve in force, or why it could not be read.
    pub reserve: Result<Option<u32>, String>,
    /// What all functions of the account share, where Lambda says so.
    pub limits: Option<AccountLimits>,
    /// Open shards of the stream `source`; `None` for a queue, or where they could not be read.
    pub shards: Option<u32>,
    pub source: Option<Arn>,
}
