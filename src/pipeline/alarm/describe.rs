//! `DescribeAlarms`: filters, pages, its quota.

use crate::model::alarm::AlarmKind;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::alarm::{Alarms, Entry};
use crate::pipeline::request::{CloudWatchReply, DescribeAlarms};

/// Alarms a page holds at most, and without being told.
const MAX_PAGE: u32 = 100;
const DEFAULT_PAGE: u32 = 50;
/// Names one call may ask for.
const MAX_NAMES: usize = 100;
const ACTION: &str = "cloudwatch:DescribeAlarms";

impl Alarms {
    /// # Errors
    /// Throttling beyond the quota; what the API refuses.
    pub fn describe(&mut self, now: Timestamp, ask: &DescribeAlarms) -> Result<CloudWatchReply, ServiceError> {
        if !self.limit.take(now) {
            return Err(ServiceError::new(ACTION, "Throttling", "Rate exceeded"));
        }
        let invalid = |text: String| Err(ServiceError::new(ACTION, "ValidationError", text));
        if !ask.names.is_empty() && ask.prefix.is_some() {
            return invalid("AlarmNames and AlarmNamePrefix exclude each other.".to_owned());
        }
        if ask.names.len() > MAX_NAMES {
            return invalid(format!("AlarmNames must not have more than {MAX_NAMES} members."));
        }
        if ask.max.is_some_and(|max| max == 0 || max > MAX_PAGE) {
            return invalid(format!("MaxRecords must be between 1 and {MAX_PAGE}."));
        }
        let from = match ask.token.as_deref().map(str::parse::<usize>) {
            None => 0,
            Some(Ok(from)) => from,
            Some(Err(_)) => return Err(ServiceError::new(ACTION, "InvalidNextToken", "The token is not valid.")),
        };
        let matching: Vec<&Entry> = self.all.iter().filter(|entry| matches(entry, ask)).collect();
        let size = ask.max.unwrap_or(DEFAULT_PAGE) as usize;
        let page = matching.iter().skip(from).take(size).map(|entry| entry.alarm.clone()).collect();
        let token = (matching.len() > from.saturating_add(size)).then(|| (from + size).to_string());
        Ok(CloudWatchReply::Alarms { alarms: page, token })
    }
}

fn matches(entry: &Entry, ask: &DescribeAlarms) -> bool {
    let alarm = &entry.alarm;
    let kind = match alarm.kind {
        AlarmKind::Metric(_) => ask.metric,
        AlarmKind::Composite { .. } => ask.composite,
    };
    kind && (ask.names.is_empty() || ask.names.contains(&alarm.name))
        && ask.prefix.as_ref().is_none_or(|prefix| alarm.name.as_str().starts_with(prefix.as_str()))
        && ask.state.is_none_or(|state| alarm.state == state)
        && ask
            .action_prefix
            .as_ref()
            .is_none_or(|prefix| alarm.actions.iter().any(|action| action.starts_with(prefix.as_str())))
}
