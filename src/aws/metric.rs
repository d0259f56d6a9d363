//! Reads CloudWatch metrics in as few `GetMetricData` calls as their limits allow. A metric that does
//! not exist answers nothing, which is not an error (aws-facts §2.6).

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode};
use aws_smithy_types::DateTime;

use crate::aws::Account;
use crate::aws::failure::refused;
use crate::aws::observer::Asks;
use crate::model::metric::{MetricKey, Stat};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

/// Datapoints of one metric, oldest first, or why it has none.
pub type MetricResult = Result<Vec<(Timestamp, f64)>, String>;

impl Account {
    /// One-minute datapoints of `keys` from `from` (inclusive) to `to` (exclusive). Every key asked
    /// for is in the answer, with an empty list when there is none.
    ///
    /// # Errors
    /// What CloudWatch refused; nothing is answered in part. A metric that is forbidden or broken
    /// alone carries its own reason in the answer.
    pub async fn metrics(
        &self,
        keys: &[MetricKey],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<MetricKey, MetricResult>, ServiceError> {
        let mut answer: BTreeMap<MetricKey, MetricResult> =
            keys.iter().map(|key| (key.clone(), Ok(Vec::new()))).collect();
        let minutes = usize::try_from(to.ms_since(from).max(0) / 60_000).unwrap_or(usize::MAX).max(1);
        let per_call = (MAX_DATAPOINTS / minutes).clamp(1, MAX_QUERIES);
        let wanted: Vec<MetricKey> = answer.keys().cloned().collect();
        for chunk in wanted.chunks(per_call) {
            match self.metrics_of(chunk, from, to, &mut answer).await {
                Err(error) if self.endpoint_url.is_some() && error.http >= 500 => {
                    self.metrics_but_percentiles(chunk, from, to, &mut answer, error).await?;
                }
                done => done?,
            }
        }
        Ok(answer)
    }

    /// Somebody else's CloudWatch may break on a percentile and take every other metric of the call
    /// down with it (localemu 1.3.2 answers 500 to `p95`): then the rest is asked for without them.
    async fn metrics_but_percentiles(
        &self,
        keys: &[MetricKey],
        from: Timestamp,
        to: Timestamp,
        answer: &mut BTreeMap<MetricKey, MetricResult>,
        error: ServiceError,
    ) -> Result<(), ServiceError> {
        let (percentiles, rest): (Vec<MetricKey>, Vec<MetricKey>) =
            keys.iter().cloned().partition(|key| matches!(key.stat, Stat::P95 | Stat::P99));
        if percentiles.is_empty() || rest.is_empty() {
            return Err(error);
        }
        self.metrics_of(&rest, from, to, answer).await?;
        for key in percentiles {
            answer.insert(key, Err(format!("percentiles: {error}")));
        }
        Ok(())
    }

    async fn metrics_of(
        &self,
        keys: &[MetricKey],
        from: Timestamp,
        to: Timestamp,
        answer: &mut BTreeMap<MetricKey, MetricResult>,
    ) -> Result<(), ServiceError> {
        let queries: Vec<MetricDataQuery> = keys.iter().enumerate().map(|(index, key)| query(index, key)).collect();
        let request = self
            .cloudwatch
            .get_metric_data()
            .set_metric_data_queries(Some(queries))
            .start_time(DateTime::from_millis(from.ms()))
            .end_time(DateTime::from_millis(to.ms()))
            .scan_by(ScanBy::TimestampAscending);
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = request
                .clone()
                .set_next_token(token.take())
                .customize()
                .interceptor(Asks(keys.len()))
                .send()
                .await
                .map_err(|e| refused("cloudwatch:GetMetricData", &e))?;
            for result in page.metric_data_results() {
                let index = result.id().and_then(|id| id.strip_prefix('q')).and_then(|n| n.parse::<usize>().ok());
                let Some(slot) = index.and_then(|index| keys.get(index)).and_then(|key| answer.get_mut(key)) else {
                    continue;
                };
                match result.status_code() {
                    Some(code @ (StatusCode::Forbidden | StatusCode::InternalError)) => {
                        *slot = Err(format!("cloudwatch:GetMetricData: {}", code.as_str()));
                    }
                    _ => {
                        let points = result.timestamps().iter().zip(result.values());
                        let points = points.map(|(at, value)| (Timestamp::from_s(at.secs()), *value));
                        if let Ok(list) = slot {
                            list.extend(points);
                        }
                    }
                }
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(());
            }
        }
        Err(ServiceError {
            http: 200,
            ..ServiceError::new("cloudwatch:GetMetricData", "NotAws", format!("more than {MAX_PAGES} pages"))
        })
    }
}

fn query(index: usize, key: &MetricKey) -> MetricDataQuery {
    let dimensions = key.dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&key.namespace)
        .metric_name(&key.name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder().metric(metric).period(PERIOD_S).stat(key.stat.as_str()).build();
    MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).build()
}

/// Queries one call may hold (aws-facts §2.6).
const MAX_QUERIES: usize = 500;
/// Datapoints one call answers (aws-facts §2.6).
const MAX_DATAPOINTS: usize = 100_800;
/// An endpoint that pages for ever is not AWS.
const MAX_PAGES: usize = 100;
/// One-minute data (kept 15 days).
const PERIOD_S: i32 = 60;
