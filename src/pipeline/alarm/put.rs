//! `PutMetricAlarm`: a new metric alarm, or other settings of one there is, which keeps its state.

use crate::model::alarm::AlarmKind;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::alarm::{Alarms, check_metric, entry};
use crate::pipeline::blueprint::{AlarmBlueprint, Blueprint};
use crate::pipeline::request::CloudWatchReply;

impl Alarms {
    /// # Errors
    /// What the alarm cannot be judged by.
    pub fn put(
        &mut self,
        blueprint: &Blueprint,
        now: Timestamp,
        wanted: &AlarmBlueprint,
    ) -> Result<CloudWatchReply, ServiceError> {
        let invalid = |text: String| ServiceError::new("cloudwatch:PutMetricAlarm", "ValidationError", text);
        if let AlarmKind::Metric(alarm) = &wanted.kind {
            check_metric(alarm).map_err(invalid)?;
        }
        let mut new = entry(blueprint, wanted, now).ok_or_else(|| invalid("it is no metric alarm".to_owned()))?;
        let old = self.all.iter().position(|old| old.alarm.name == wanted.name).map(|at| self.all.remove(at));
        if let Some(old) = old {
            (new.alarm.state, new.alarm.since) = (old.alarm.state, old.alarm.since);
            (new.alarm.reason, new.alarm.reason_data) = (old.alarm.reason, old.alarm.reason_data);
        }
        self.all.push(new);
        self.all.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(CloudWatchReply::Done)
    }
}
