//! What `ListFunctions` does not show of a function: one control call a question, which the account
//! shares with every deploy (aws-facts §1.4). Whoever asks paces himself. Of these settings only the
//! reserved concurrency is changed here.

use crate::aws::Account;
use crate::aws::failure::{outcome, refused};
use crate::model::function::{AccountLimits, AsyncSettings, FunctionAnswer, FunctionQuestion};
use crate::model::id::{Arn, FunctionName};
use crate::model::service_error::ServiceError;
use crate::operation::order::{Answer, OrderResult};

impl Account {
    /// # Errors
    /// What Lambda refused, but for "there is no configuration".
    pub async fn function_setting(
        &self,
        function: &FunctionName,
        question: FunctionQuestion,
    ) -> Result<FunctionAnswer, ServiceError> {
        match question {
            FunctionQuestion::Concurrency => self.concurrency(function).await.map(FunctionAnswer::Concurrency),
            FunctionQuestion::Asynchronous => self.asynchronous(function).await.map(FunctionAnswer::Asynchronous),
            FunctionQuestion::Recursion => self.recursion(function).await.map(FunctionAnswer::RecursionAllowed),
        }
    }

    /// Runs at a time that the account leaves to functions without a reserve of their own.
    ///
    /// # Errors
    /// What Lambda refused.
    pub async fn unreserved_concurrency(&self) -> Result<Option<u32>, ServiceError> {
        Ok(self.account_limits().await?.map(|limits| limits.unreserved))
    }

    /// Runs at a time that all functions share; `None` where Lambda does not say.
    ///
    /// # Errors
    /// What Lambda refused.
    pub async fn account_limits(&self) -> Result<Option<AccountLimits>, ServiceError> {
        let answer = self.reads.lambda.get_account_settings().send().await;
        let answer = answer.map_err(|e| refused("lambda:GetAccountSettings", &e))?;
        let Some(limit) = answer.account_limit() else { return Ok(None) };
        let unreserved = limit.unreserved_concurrent_executions().and_then(|n| u32::try_from(n).ok());
        let concurrent = u32::try_from(limit.concurrent_executions()).ok();
        Ok(concurrent.zip(unreserved).map(|(concurrent, unreserved)| AccountLimits { concurrent, unreserved }))
    }

    pub(super) async fn concurrency(&self, function: &FunctionName) -> Result<Option<u32>, ServiceError> {
        let request = self.reads.lambda.get_function_concurrency().function_name(function.as_str());
        let answer = request.send().await.map_err(|e| refused("lambda:GetFunctionConcurrency", &e))?;
        Ok(answer.reserved_concurrent_executions.and_then(|n| u32::try_from(n).ok()))
    }

    /// Keeps so many runs at a time for the function, or none of its own any more. Sent once.
    pub(super) async fn put_reserve(&self, function: &FunctionName, to: Option<u32>) -> OrderResult {
        match to {
            Some(to) => {
                let request = self.changes.lambda.put_function_concurrency().function_name(function.as_str());
                let request = request.reserved_concurrent_executions(i32::try_from(to).unwrap_or(i32::MAX));
                outcome("lambda:PutFunctionConcurrency", request.send().await).map(|answer| {
                    let reserve = answer.reserved_concurrent_executions.and_then(|n| u32::try_from(n).ok());
                    Answer::Reserve(reserve)
                })
            }
            None => {
                let request = self.changes.lambda.delete_function_concurrency().function_name(function.as_str());
                outcome("lambda:DeleteFunctionConcurrency", request.send().await).map(|_| Answer::Reserve(None))
            }
        }
    }

    /// A function that was never configured answers 404, and so does one that is gone; the two are
    /// told apart by what the message speaks of.
    pub(super) async fn asynchronous(&self, function: &FunctionName) -> Result<AsyncSettings, ServiceError> {
        let request = self.reads.lambda.get_function_event_invoke_config().function_name(function.as_str());
        match request.send().await.map_err(|e| refused("lambda:GetFunctionEventInvokeConfig", &e)) {
            Ok(answer) => {
                let to = answer.destination_config().and_then(|config| config.on_failure()?.destination());
                let on_failure = to.filter(|arn| !arn.is_empty()).map(Arn::from);
                Ok(AsyncSettings { configured: true, on_failure })
            }
            Err(error) if error.is_missing() && error.message.contains("EventInvokeConfig") => {
                Ok(AsyncSettings::default())
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn recursion(&self, function: &FunctionName) -> Result<bool, ServiceError> {
        let request = self.reads.lambda.get_function_recursion_config().function_name(function.as_str());
        let answer = request.send().await.map_err(|e| refused("lambda:GetFunctionRecursionConfig", &e))?;
        Ok(answer.recursive_loop().is_some_and(|setting| setting.as_str() == "Allow"))
    }
}
