//! How queues and functions fare now, from their newest metrics: for an operation that gives way.

use crate::aws::Account;
use crate::model::id::{FunctionName, QueueName};
use crate::model::metric::{MetricKey, Stat};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::operation::order::{Answer, Vitals};

impl Account {
    pub(super) async fn vitals(
        &self,
        queues: &[QueueName],
        functions: &[FunctionName],
        at: Timestamp,
    ) -> Result<Answer, ServiceError> {
        let age = |queue| MetricKey::sqs(queue, "ApproximateAgeOfOldestMessage", Stat::Maximum);
        let throttles = |function| MetricKey::lambda(function, "Throttles", Stat::Sum);
        let keys: Vec<MetricKey> = queues.iter().map(age).chain(functions.iter().map(throttles)).collect();
        let to = at.floor_to(60).plus_s(60);
        let answers = self.metrics(&keys, to.plus_s(-WINDOW_S), to).await?;
        let mut vitals = Vitals::default();
        for (key, points) in answers {
            let Ok(points) = points else { continue };
            if key.name == "Throttles" {
                let sum: f64 = points.iter().map(|(_, value)| value).sum();
                vitals.throttles = Some(vitals.throttles.unwrap_or(0.0) + sum).filter(|_| !points.is_empty());
            } else if let Some((_, age_s)) = points.last() {
                vitals.oldest_age_s = Some(vitals.oldest_age_s.unwrap_or(0.0).max(*age_s));
            }
        }
        Ok(Answer::Vitals(vitals))
    }
}

/// The newest datapoints come late: five minutes hold a few of them.
const WINDOW_S: i64 = 300;
