//! Reads functions: what they are, who may invoke them, their concurrency. Environment values leave
//! this file only inside [`Surroundings`], which can be compared with known names and not printed.

use serde_json::Value;

use crate::aws::Account;
use crate::aws::failure::refused;
use crate::model::function::Function;
use crate::model::id::{Arn, FunctionName};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

/// The environment values of one function, held only until the edges they prove are known. Neither
/// `Debug` nor `Clone` nor readable: a value may be a secret.
pub(super) struct Surroundings {
    pub(super) function: Arn,
    values: Vec<String>,
}

impl Surroundings {
    /// What `find` makes of each value.
    pub(super) fn edges<T>(&self, find: impl FnMut(&str) -> Option<T>) -> Vec<T> {
        self.values.iter().map(String::as_str).filter_map(find).collect()
    }

    #[cfg(test)]
    pub(super) fn of(function: &str, values: &[&str]) -> Self {
        Surroundings { function: function.into(), values: values.iter().map(ToString::to_string).collect() }
    }
}

impl Account {
    /// Every function of the region, without its environment. Sorted by name.
    ///
    /// # Errors
    /// What Lambda refused, on any page.
    pub async fn functions(&self) -> Result<Vec<Function>, ServiceError> {
        Ok(self.functions_and_surroundings().await?.0)
    }

    pub(super) async fn functions_and_surroundings(&self) -> Result<(Vec<Function>, Vec<Surroundings>), ServiceError> {
        let mut pages = self.reads.lambda.list_functions().into_paginator().send();
        let (mut functions, mut surroundings) = (Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| refused("lambda:ListFunctions", &e))?;
            for function in page.functions.unwrap_or_default() {
                let (Some(name), Some(arn)) = (function.function_name(), function.function_arn()) else { continue };
                let arn = unqualified(&Arn::from(arn));
                let values = function.environment().and_then(|environment| environment.variables());
                let values = values.map(|values| values.values().cloned().collect()).unwrap_or_default();
                surroundings.push(Surroundings { function: arn.clone(), values });
                functions.push(Function {
                    name: FunctionName::from(name),
                    arn,
                    timeout_s: function.timeout().and_then(|n| u32::try_from(n).ok()),
                    memory_mb: function.memory_size().and_then(|n| u32::try_from(n).ok()),
                    last_modified: function.last_modified().and_then(moment),
                    code_sha256: function.code_sha256().map(str::to_owned),
                    reserved_concurrency: None,
                    dead_letter: function.dead_letter_config().and_then(|config| config.target_arn()).map(Arn::from),
                });
            }
        }
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((functions, surroundings))
    }

    /// Who may invoke the function by its resource policy: buckets, topics and rules, by ARN. A
    /// function without a policy is invoked by nobody of these.
    ///
    /// # Errors
    /// What `GetPolicy` refused, but for "there is none".
    pub async fn invokers(&self, function: &FunctionName) -> Result<Vec<Arn>, ServiceError> {
        let result = self.reads.lambda.get_policy().function_name(function.as_str()).send().await;
        match result.map_err(|e| refused("lambda:GetPolicy", &e)) {
            Ok(answer) => Ok(answer.policy.as_deref().map(invokers_in).unwrap_or_default()),
            Err(error) if error.is_missing() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The function's name in its ARN, without version or alias.
pub(super) fn name_in(arn: &Arn) -> FunctionName {
    FunctionName::from(arn.as_str().split(':').nth(6).unwrap_or_else(|| arn.resource()))
}

/// A function's ARN without version or alias.
pub(super) fn unqualified(arn: &Arn) -> Arn {
    match arn.as_str().match_indices(':').nth(6) {
        Some((end, _)) => Arn::from(&arn.as_str()[..end]),
        None => arn.clone(),
    }
}

/// Source ARNs of the statements that let S3, SNS or EventBridge invoke. A pattern names nothing in
/// particular and is left out.
fn invokers_in(policy: &str) -> Vec<Arn> {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return Vec::new() };
    let mut found: Vec<Arn> = each(policy.get("Statement"))
        .filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Allow"))
        .filter(|statement| {
            let principal = statement.get("Principal");
            each(principal.and_then(|principal| principal.get("Service").or(Some(principal))))
                .filter_map(Value::as_str)
                .any(|service| INVOKERS.contains(&service))
        })
        .flat_map(source_arns)
        .filter(|arn| arn.starts_with("arn:") && !arn.contains(['*', '?']))
        .map(Arn::new)
        .collect();
    found.sort();
    found.dedup();
    found
}

fn source_arns(statement: &Value) -> Vec<String> {
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let tests = conditions.into_iter().flat_map(|conditions| conditions.values()).filter_map(Value::as_object);
    tests
        .flat_map(|test| test.iter())
        .filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))
        .flat_map(|(_, value)| each(Some(value)).filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// JSON policies write one thing or a list of things.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    match value {
        Some(Value::Array(many)) => many.iter(),
        Some(one) => std::slice::from_ref(one).iter(),
        None => [].iter(),
    }
}

/// `LastModified` as Lambda writes it: `2026-01-01T00:00:00.000+0000`.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&text.replace("+0000", "Z")))
}

const INVOKERS: [&str; 3] = ["s3.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_who_may_invoke() {
        let policy = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",
             "Condition":{"StringEquals":{"AWS:SourceAccount":"1"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::store"}}},
            {"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",
             "Condition":{"ArnLike":{"aws:SourceArn":["arn:aws:s3:::*","arn:aws:s3:::other"]}}},
            {"Effect":"Deny","Principal":{"Service":"s3.amazonaws.com"},
             "Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::denied"}}},
            {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":"lambda:InvokeFunction"}]}"#;
        let found = invokers_in(policy);
        assert_eq!(found.iter().map(Arn::as_str).collect::<Vec<_>>(), ["arn:aws:s3:::other", "arn:aws:s3:::store"]);
        assert_eq!(invokers_in("not JSON"), []);
    }

    #[test]
    fn a_qualified_arn_loses_its_alias_and_the_moment_is_read() {
        let arn = Arn::from("arn:aws:lambda:r:1:function:F:live");
        assert_eq!((name_in(&arn).as_str(), unqualified(&arn).as_str()), ("F", "arn:aws:lambda:r:1:function:F"));
        assert_eq!(moment("2026-01-01T00:00:00.000+0000"), Timestamp::parse("2026-01-01T00:00:00Z"));
    }
}
