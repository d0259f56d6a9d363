//! Reserved concurrency below what the function's mappings ask for: the rest is throttled, which
//! makes a stream late and costs a queue's messages a receive each.

use crate::model::finding::{Severity, Subject};
use crate::model::id::FunctionName;
use crate::model::mapping::{Mapping, MappingState};
use crate::model::picture::Picture;
use crate::verdict::posture::{Found, Mend, Rule, line};

pub(super) const RULE: Rule = Rule {
    name: "reserved-concurrency-low",
    many: "functions with less reserved concurrency than their sources ask for",
    why: "what is above the reservation is throttled: a stream falls behind, a queue's messages lose receives",
    property: "ReservedConcurrentExecutions of AWS::Lambda::Function (serverless.yml: functions.<name>.reservedConcurrency)",
    check,
};

/// A queue's mapping begins with so many pollers, and goes up to 1,250 (aws-facts §10).
const POLLERS: u32 = 5;
/// `MaximumConcurrency` at least (aws-facts §1.1).
const LEAST_MAX_CONCURRENCY: u32 = 2;
/// At most.
const MAX_CONCURRENCY: u32 = 1000;

fn check(picture: &Picture) -> Vec<(Subject, Found)> {
    let mut names: Vec<&FunctionName> = picture.mappings.values().map(|mapping| &mapping.value.function).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| (Subject::Function(name.clone()), judge(picture, name))).collect()
}

fn judge(picture: &Picture, name: &FunctionName) -> Found {
    let settings = picture.function_settings.get(name);
    let reserved = match settings.map_or(Err("not asked yet"), |settings| settings.value.reserved_concurrency.known()) {
        Ok(None) => return Found::Fine,
        Ok(Some(reserved)) => *reserved,
        Err(why) => return Found::NotKnown(format!("its reserved concurrency: {why}")),
    };
    let mappings: Vec<&Mapping> = picture
        .mappings_of(name)
        .map(|observed| &observed.value)
        .filter(|mapping| mapping.state != MappingState::Disabled)
        .collect();
    let least: u32 = mappings.iter().map(|mapping| demand(mapping)).sum();
    let arn = mappings.first().map(|mapping| mapping.function_arn.clone());
    let evidence = || {
        let asks = mappings.iter().map(|mapping| asks(mapping));
        std::iter::once(format!("ReservedConcurrentExecutions {reserved}")).chain(asks).collect()
    };
    let open: Vec<&&Mapping> = mappings.iter().filter(|mapping| is_unlimited(mapping)).collect();
    // What the queues without a limit may share when nothing is to be throttled.
    let share = |reserved: u32| {
        let others: u32 = mappings.iter().filter(|mapping| !is_unlimited(mapping)).map(|mapping| demand(mapping)).sum();
        let count = u32::try_from(open.len()).unwrap_or(u32::MAX).max(1);
        (reserved.saturating_sub(others) / count).clamp(LEAST_MAX_CONCURRENCY, MAX_CONCURRENCY)
    };
    let hold = |reserved: u32| {
        let words = format!("--scaling-config MaximumConcurrency={}", share(reserved));
        open.iter().map(|mapping| line::update_mapping(mapping, &words)).collect::<Vec<_>>()
    };
    if reserved < least
        && let Some(arn) = arn
    {
        let words = format!("--reserved-concurrent-executions {least}");
        let mut fix = vec![line::function("put-function-concurrency", name, &words, &arn)];
        fix.extend(hold(least));
        return Found::Mend(Mend {
            severity: Severity::Warning,
            headline: format!("{name} may run {reserved} at a time, its sources ask for {least} or more"),
            evidence: evidence(),
            fix,
        });
    }
    if !open.is_empty() {
        return Found::Mend(Mend {
            severity: Severity::Note,
            headline: format!("{name} may run {reserved} at a time, and its queue is not held to that"),
            evidence: evidence(),
            fix: hold(reserved),
        });
    }
    if mappings.iter().any(|mapping| mapping.kind().is_stream()) {
        let why = "the number of the stream's shards is not read, so whether";
        return Found::NotKnown(format!("{why} {reserved} are enough for all of them cannot be told"));
    }
    Found::Fine
}

fn is_unlimited(mapping: &Mapping) -> bool {
    mapping.kind().is_queue() && mapping.settings.max_concurrency.is_none()
}

/// Runs at a time that a mapping asks for at least.
fn demand(mapping: &Mapping) -> u32 {
    if mapping.kind().is_stream() {
        // One shard at least; how many there are is not read.
        return mapping.settings.parallelization_factor.unwrap_or(1);
    }
    mapping.settings.max_concurrency.unwrap_or(if mapping.kind().is_queue() { POLLERS } else { 1 })
}

fn asks(mapping: &Mapping) -> String {
    let source = mapping.source.table().unwrap_or_else(|| mapping.source.resource());
    match (mapping.kind().is_stream(), mapping.settings.max_concurrency) {
        (true, _) => format!("{source}: ParallelizationFactor {} × shards (1 at least)", demand(mapping)),
        (false, Some(limit)) => format!("{source}: MaximumConcurrency {limit}"),
        (false, None) => format!("{source}: no MaximumConcurrency; pollers begin at {POLLERS} and go up to 1,250"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::function::Reading;
    use crate::verdict::posture::examples::{account, job_mapping, judged, log_mapping, said, settings};

    fn reserve(picture: &mut Picture, name: &str, limit: u32) {
        settings(picture, name).reserved_concurrency = Reading::Known(Some(limit));
    }

    #[test]
    fn a_queue_asks_for_its_limit_or_its_pollers() {
        let mut picture = account();
        reserve(&mut picture, "JobWorker", 4);
        let advice = said(&picture, RULE.name);
        assert_eq!(advice[0].headline, "JobWorker may run 4 at a time, its sources ask for 5 or more");
        assert!(advice[0].fix[0].ends_with("--reserved-concurrent-executions 5 --region eu-west-1"));
        assert!(advice[0].fix[1].contains("--scaling-config MaximumConcurrency=5"), "and held to it: {advice:?}");
        reserve(&mut picture, "JobWorker", 8);
        let advice = said(&picture, RULE.name);
        assert_eq!(advice[0].severity, Severity::Note);
        assert!(advice[0].fix[0].contains("--uuid m-job --scaling-config MaximumConcurrency=8"), "{:?}", advice[0].fix);
        job_mapping(&mut picture).settings.max_concurrency = Some(8);
        assert_eq!(said(&picture, RULE.name), []);
        job_mapping(&mut picture).settings.max_concurrency = Some(9);
        assert_eq!(said(&picture, RULE.name)[0].severity, Severity::Warning);
    }

    #[test]
    fn a_stream_asks_for_its_lanes_in_one_shard_at_least() {
        let mut picture = account();
        log_mapping(&mut picture).settings.parallelization_factor = Some(10);
        reserve(&mut picture, "LogWorker", 9);
        assert_eq!(said(&picture, RULE.name).len(), 1);
        reserve(&mut picture, "LogWorker", 10);
        let judged = judged(&picture, RULE.name);
        assert_eq!((judged.advice.len(), judged.not_known.len()), (0, 1), "more shards may ask for more");
    }
}
