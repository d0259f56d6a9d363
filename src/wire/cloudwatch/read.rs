//! CloudWatch requests from either encoding.

use std::collections::BTreeMap;

use super::{Encoding, alarm};
use crate::model::metric::{MetricKey, Stat};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::request::{CloudWatchRequest, GetMetricData};
use crate::wire::json::Json;
use crate::wire::members::{MemberError, Members};
use crate::wire::{body, cbor};

/// Queries in one `GetMetricData` (aws-facts §2.6).
const MAX_QUERIES: usize = 500;

/// The request, and the labels its queries carry.
pub fn read(
    operation: &str,
    encoding: Encoding,
    bytes: &[u8],
) -> Result<(CloudWatchRequest, BTreeMap<String, String>), ServiceError> {
    let action = format!("cloudwatch:{operation}");
    let object = match encoding {
        Encoding::Cbor => cbor::object(bytes),
        Encoding::Json => body::json_object(bytes),
    };
    let object = object.map_err(|error| {
        let mut refusal = ServiceError::new(&action, "SerializationException", error.to_string());
        refusal.http = error.http();
        refusal
    })?;
    match operation {
        "GetMetricData" => get_metric_data(&action, Members::new(&object)),
        "PutMetricAlarm" => Ok((alarm::read_put(&action, Members::new(&object))?, BTreeMap::new())),
        "DescribeAlarms" => Ok((alarm::read(&action, Members::new(&object))?, BTreeMap::new())),
        _ => {
            let message = format!(
                "The operation {operation} is not one the sandbox answers; there are GetMetricData, DescribeAlarms and PutMetricAlarm."
            );
            Err(ServiceError::new(&action, "UnknownOperationException", message))
        }
    }
}

fn get_metric_data(
    action: &str,
    m: Members<'_>,
) -> Result<(CloudWatchRequest, BTreeMap<String, String>), ServiceError> {
    let refuse = |error: MemberError| match error {
        MemberError::Missing(_) => ServiceError::new(action, "MissingParameter", error.to_string()),
        MemberError::Type { .. } | MemberError::Unsupported(_) => invalid(action, error.to_string()),
    };
    let list = m.objects("MetricDataQueries").map_err(refuse)?;
    if list.is_empty() || list.len() > MAX_QUERIES {
        let message = format!("MetricDataQueries must hold 1 to {MAX_QUERIES} queries; it holds {}", list.len());
        return Err(invalid(action, message));
    }
    let (mut queries, mut labels) = (Vec::with_capacity(list.len()), BTreeMap::new());
    for query in list {
        let id = query.need_text("Id").map_err(refuse)?;
        if let Some(label) = query.text("Label").map_err(refuse)? {
            labels.insert(id.clone(), label);
        }
        let Some(stat) = query.object("MetricStat").map_err(refuse)? else {
            let message = format!("query {id} has no MetricStat; the sandbox computes no expressions");
            return Err(invalid(action, message));
        };
        let period_s = stat.need_number("Period").map_err(refuse)?;
        let key = metric(&id, stat).map_err(|wrong| wrong.refusal(refuse, action))?;
        // A query that returns no data serves expressions only.
        if query.flag("ReturnData").map_err(refuse)? != Some(false) {
            queries.push((id, key, period_s));
        }
    }
    let request = GetMetricData {
        queries,
        from: time(m, "StartTime").map_err(refuse)?,
        to: time(m, "EndTime").map_err(refuse)?,
        ascending: ascending(action, m.text("ScanBy").map_err(refuse)?.as_deref())?,
        max_datapoints: m.number("MaxDatapoints").map_err(refuse)?,
        token: m.text("NextToken").map_err(refuse)?,
    };
    Ok((CloudWatchRequest::GetMetricData(request), labels))
}

/// Newest first unless asked otherwise (aws-facts §2.6).
fn ascending(action: &str, scan_by: Option<&str>) -> Result<bool, ServiceError> {
    match scan_by {
        Some("TimestampAscending") => Ok(true),
        None | Some("TimestampDescending") => Ok(false),
        Some(other) => Err(invalid(action, format!("ScanBy: {other} is not one"))),
    }
}

enum WrongMetric {
    Member(MemberError),
    Statistic(String),
}

impl WrongMetric {
    fn refusal(self, refuse: impl Fn(MemberError) -> ServiceError, action: &str) -> ServiceError {
        match self {
            WrongMetric::Member(error) => refuse(error),
            WrongMetric::Statistic(message) => invalid(action, message),
        }
    }
}

impl From<MemberError> for WrongMetric {
    fn from(error: MemberError) -> Self {
        WrongMetric::Member(error)
    }
}

fn metric(id: &str, stat: Members<'_>) -> Result<MetricKey, WrongMetric> {
    let Some(metric) = stat.object("Metric")? else { return Err(MemberError::Missing("Metric".to_owned()).into()) };
    let name = stat.need_text("Stat")?;
    let parsed = Stat::parse(&name);
    let Some(parsed) = parsed else {
        return Err(WrongMetric::Statistic(format!("query {id}: the statistic {name} is not kept")));
    };
    let mut dimensions = metric
        .objects("Dimensions")?
        .into_iter()
        .map(|one| Ok((one.need_text("Name")?, one.need_text("Value")?)))
        .collect::<Result<Vec<_>, MemberError>>()?;
    dimensions.sort();
    Ok(MetricKey {
        namespace: metric.need_text("Namespace")?,
        name: metric.need_text("MetricName")?,
        dimensions,
        stat: parsed,
    })
}

/// Epoch seconds with a fraction, or ISO 8601.
fn time(m: Members<'_>, name: &str) -> Result<Timestamp, MemberError> {
    let wrong = || MemberError::Type { name: name.to_owned(), expected: "a time" };
    match m.value(name) {
        None => Err(MemberError::Missing(name.to_owned())),
        Some(Json::Text(text)) => Timestamp::parse(text).ok_or_else(wrong),
        Some(_) => {
            let seconds = m.float(name)?.filter(|s| s.abs() < 1e12).ok_or_else(wrong)?;
            Ok(Timestamp::from_ms((seconds * 1000.0) as i64))
        }
    }
}

fn invalid(action: &str, message: String) -> ServiceError {
    ServiceError::new(action, "ValidationError", message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(value: &Value) -> Result<(CloudWatchRequest, BTreeMap<String, String>), ServiceError> {
        read("GetMetricData", Encoding::Json, value.to_string().as_bytes())
    }

    fn query(stat: &str) -> Value {
        json!({"Id": "a", "Label": "age", "MetricStat": {"Period": 60, "Stat": stat, "Metric": {
            "Namespace": "AWS/Lambda", "MetricName": "IteratorAge",
            "Dimensions": [{"Name": "Resource", "Value": "f:1"}, {"Name": "FunctionName", "Value": "f"}]}}})
    }

    #[test]
    fn a_query_is_read_with_sorted_dimensions() {
        let body =
            json!({"MetricDataQueries": [query("Maximum")], "StartTime": 60.5, "EndTime": "1970-01-01T00:02:00Z"});
        let Ok((CloudWatchRequest::GetMetricData(request), labels)) = parse(&body) else { panic!("refused") };
        assert_eq!(request.queries[0].1.dimensions[0].0, "FunctionName");
        assert_eq!((request.from, request.to), (Timestamp::from_ms(60_500), Timestamp::from_s(120)));
        assert!(!request.ascending);
        assert_eq!(labels["a"], "age");
    }

    #[test]
    fn what_the_sandbox_does_not_compute_is_refused() {
        let message = |queries: Value| {
            let body = json!({"MetricDataQueries": queries, "StartTime": 0, "EndTime": 60});
            parse(&body).map_err(|error| (error.code, error.message)).expect_err("refused")
        };
        assert!(message(json!([{"Id": "e", "Expression": "FILL(m,0)"}])).1.contains("no expressions"));
        assert!(message(json!([query("tm99")])).1.contains("tm99"));
        assert_eq!(message(json!([])).0, "ValidationError");
        assert!(message(json!(vec![query("Sum"); 501])).1.contains("501"));
    }
}
