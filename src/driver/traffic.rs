//! How far away a sandbox is and how much it takes: the distance to it, AWS's rate limits, and the
//! count of what came. In-process door and listener share it. With nothing arranged it only counts; what
//! a caller may do at all is the gate's business.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::driver::delay::Delays;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::request::{CloudWatchRequest, Request};
use crate::pipeline::throttle::TokenBucket;

/// Shared by the doors it was given to and by whoever arranges it.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    latency: Duration,
    /// Started when the first call is far away.
    delays: Option<Delays>,
    throttle_every: Option<u64>,
    limits: Option<BTreeMap<&'static str, TokenBucket>>,
    seen: u64,
    tally: Tally,
}

/// What came in since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Calls by IAM action, refused ones included: `sqs:GetQueueAttributes`.
    pub calls: BTreeMap<String, u64>,
    /// Metrics asked for by GetMetricData, a query once a page: what CloudWatch bills.
    pub metrics: u64,
    /// Calls answered "slower".
    pub throttled: u64,
    /// When each of Lambda's control calls came, oldest first.
    pub control_at: Vec<Timestamp>,
}

impl Tally {
    /// Calls of one service, by the first part of its actions: `sqs`.
    pub fn of(&self, service: &str) -> u64 {
        let is = |action: &str| action.split(':').next() == Some(service);
        self.calls.iter().filter(|(action, _)| is(action)).map(|(_, calls)| calls).sum()
    }

    /// Lambda control calls in the busiest stretch of `ms` milliseconds.
    pub fn most_control_within(&self, ms: i64) -> usize {
        let at = &self.control_at;
        let since = |from: usize| at[from..].iter().take_while(|later| later.ms_since(at[from]) < ms).count();
        (0..at.len()).map(since).max().unwrap_or(0)
    }
}

impl Traffic {
    /// Every call takes so much longer, as over a network.
    pub fn set_latency(&self, latency: Duration) {
        self.lock().latency = latency;
    }

    /// Every `n`th call of any service is answered "slower", whatever it is; `None` ends it.
    pub fn throttle_every(&self, n: Option<u64>) {
        self.lock().throttle_every = n.filter(|n| *n > 0);
    }

    /// Holds callers to the rates AWS documents: 15 Lambda control calls a second, 50 GetMetricData,
    /// 9 DescribeAlarms (aws-facts §1.4, §2.6), by the account's time.
    pub fn enforce_limits(&self, now: Timestamp) {
        let buckets = LIMITS.iter().map(|(what, per_s)| (*what, TokenBucket::new(*per_s, now)));
        self.lock().limits = Some(buckets.collect());
    }

    /// Nothing is in the way.
    pub fn is_free(&self) -> bool {
        let inner = self.lock();
        inner.latency.is_zero() && inner.throttle_every.is_none() && inner.limits.is_none()
    }

    pub fn tally(&self) -> Tally {
        self.lock().tally.clone()
    }

    /// Returns after the way here and back, in real time.
    pub(super) async fn distance(&self) {
        let delay = {
            let mut inner = self.lock();
            let latency = inner.latency;
            if latency.is_zero() {
                return;
            }
            if inner.delays.is_none() {
                inner.delays = Delays::start().ok();
            }
            inner.delays.as_ref().map(|delays| delays.wait(latency)).ok_or(latency)
        };
        match delay {
            Ok(wait) => wait.await,
            // Without a thread for it the runtime's timer has to do.
            Err(latency) => tokio::time::sleep(latency).await,
        }
    }

    /// The same in simulated time.
    pub(super) async fn simulated_distance(&self) {
        let latency = self.lock().latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }

    /// Counts a call; answers what it is refused with, if it is.
    pub(super) fn pass(&self, action: &str, request: Option<&Request>, now: Timestamp) -> Option<ServiceError> {
        let mut inner = self.lock();
        inner.seen += 1;
        *inner.tally.calls.entry(action.to_owned()).or_default() += 1;
        if let Some(Request::CloudWatch(CloudWatchRequest::GetMetricData(asked))) = request {
            inner.tally.metrics += asked.queries.len() as u64;
        }
        if is_control(action) {
            inner.tally.control_at.push(now);
        }
        let in_turn = inner.throttle_every.is_some_and(|n| inner.seen.is_multiple_of(n));
        if in_turn || !inner.within_limits(action, now) {
            inner.tally.throttled += 1;
            return Some(slower(action));
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn within_limits(&mut self, action: &str, now: Timestamp) -> bool {
        let Some(limits) = &mut self.limits else { return true };
        let what = if is_control(action) { CONTROL } else { action };
        limits.get_mut(what).is_none_or(|bucket| bucket.take(now))
    }
}

/// Lambda's control plane: everything of it but running a function.
fn is_control(action: &str) -> bool {
    action.starts_with("lambda:") && action != "lambda:InvokeFunction"
}

/// How each service says it (aws-facts §1.4, §2.6, §3.6).
fn slower(action: &str) -> ServiceError {
    let (http, code) = match action.split(':').next() {
        Some("lambda") => (429, "TooManyRequestsException"),
        Some("sqs") => (403, "RequestThrottled"),
        Some("logs" | "dynamodb") => (400, "ThrottlingException"),
        _ => (400, "Throttling"),
    };
    ServiceError { http, ..ServiceError::new(action, code, "Rate exceeded") }
}

/// What Lambda's control calls are counted together as.
const CONTROL: &str = "lambda:*";
/// Calls a second.
const LIMITS: [(&str, u32); 3] = [(CONTROL, 15), ("cloudwatch:GetMetricData", 50), ("cloudwatch:DescribeAlarms", 9)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_is_held_to_fifteen_control_calls_a_second_and_every_call_counts() {
        let (traffic, now) = (Traffic::default(), Timestamp::from_s(1_000));
        traffic.enforce_limits(now);
        let refused = (0..100).filter(|_| traffic.pass("lambda:GetPolicy", None, now).is_some()).count();
        assert_eq!(refused, 70, "two seconds' worth is saved up");
        assert_eq!(traffic.pass("lambda:InvokeFunction", None, now), None);
        assert_eq!(traffic.pass("sqs:GetQueueAttributes", None, now), None);
        let error = traffic.pass("lambda:ListFunctions", None, now).expect("refused");
        assert!(error.is_throttle() && error.http == 429, "{error}");
        let tally = traffic.tally();
        assert_eq!((tally.of("lambda"), tally.of("sqs"), tally.throttled), (102, 1, 71));
        assert_eq!(tally.most_control_within(1_000), 101);
    }

    #[test]
    fn every_nth_call_is_told_to_go_slower() {
        let (traffic, now) = (Traffic::default(), Timestamp::ZERO);
        traffic.throttle_every(Some(3));
        let told: Vec<bool> = (0..6).map(|_| traffic.pass("sqs:ListQueues", None, now).is_some()).collect();
        assert_eq!(told, [false, false, true, false, false, true]);
        assert!(!traffic.is_free());
        traffic.throttle_every(None);
        assert_eq!((traffic.pass("sqs:ListQueues", None, now), traffic.is_free()), (None, true));
    }
}
