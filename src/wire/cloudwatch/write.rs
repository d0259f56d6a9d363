//! CloudWatch answers in either encoding. Values are floats in CBOR: the Rust SDK takes nothing else
//! (aws-facts §7).

use bytes::Bytes;

use super::{Encoding, Form, alarm};
use crate::model::service_error::ServiceError;
use crate::pipeline::request::{CloudWatchReply, MetricResult, Reply, Response};
use crate::wire::tree::Tree;
use crate::wire::{answer, mismatched};

pub fn write(form: &Form, response: Response) -> http::Response<Bytes> {
    match response {
        Ok(Reply::CloudWatch(reply)) => encode(form, 200, &tree(form, reply), None),
        Ok(_) => fault(form, &mismatched("cloudwatch")),
        Err(error) => fault(form, &error),
    }
}

fn tree(form: &Form, reply: CloudWatchReply) -> Tree {
    match reply {
        CloudWatchReply::MetricData { results, token } => {
            // An answer that goes on in another page says so per result (aws-facts §2.6).
            let status = if token.is_some() { "PartialData" } else { "Complete" };
            let results = results.into_iter().map(|one| result(form, one, status)).collect();
            let mut members = vec![("MetricDataResults", Tree::List(results)), ("Messages", Tree::List(Vec::new()))];
            members.extend(token.map(|token| ("NextToken", Tree::Text(token))));
            Tree::Map(members)
        }
        CloudWatchReply::Done => Tree::Map(Vec::new()),
        CloudWatchReply::Alarms { alarms, token } => alarm::write(alarms, token),
    }
}

fn result(form: &Form, result: MetricResult, status: &str) -> Tree {
    let label = form.labels.get(&result.id).cloned().unwrap_or(result.label);
    let (times, values) = result.points.into_iter().map(|(at, value)| (Tree::Time(at), Tree::Float(value))).unzip();
    Tree::Map(vec![
        ("Id", Tree::Text(result.id)),
        ("Label", Tree::Text(label)),
        ("Timestamps", Tree::List(times)),
        ("Values", Tree::List(values)),
        ("StatusCode", Tree::text(status)),
    ])
}

fn fault(form: &Form, error: &ServiceError) -> http::Response<Bytes> {
    let body = Tree::Map(vec![
        ("__type", Tree::Text(format!("com.amazonaws.cloudwatch#{}", error.code))),
        ("message", Tree::text(error.message.as_str())),
    ]);
    let side = if error.http >= 500 { "Receiver" } else { "Sender" };
    encode(form, error.http, &body, Some(&format!("{};{side}", error.code)))
}

fn encode(form: &Form, status: u16, tree: &Tree, query_error: Option<&str>) -> http::Response<Bytes> {
    let mut headers: Vec<(&'static str, &str)> =
        query_error.map(|error| ("x-amzn-query-error", error)).into_iter().collect();
    match form.encoding {
        Encoding::Cbor => {
            headers.extend([("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]);
            answer(status, &headers, tree.to_cbor())
        }
        Encoding::Json => {
            headers.push(("content-type", "application/x-amz-json-1.0"));
            answer(status, &headers, tree.to_json().to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::wire::{cbor, members};

    #[test]
    fn whole_values_stay_floats_in_cbor() {
        let form = Form { encoding: Encoding::Cbor, labels: [("a".to_owned(), "mine".to_owned())].into() };
        let points = vec![(Timestamp::from_s(60), 3.0)];
        let reply = CloudWatchReply::MetricData {
            results: vec![MetricResult { id: "a".into(), label: "theirs".into(), points }],
            token: None,
        };
        let answer = write(&form, Ok(Reply::CloudWatch(reply)));
        assert_eq!(answer.headers()["smithy-protocol"], "rpc-v2-cbor");
        // 0xfb: a 64-bit float, of the value 3.0; 0xc1: tag 1, a time.
        let float = [&[0xfb][..], &3.0f64.to_be_bytes()].concat();
        assert!(answer.body().windows(9).any(|window| window == float));
        assert!(answer.body().windows(2).any(|window| window == [0xc1, 0xfb]));
        let object = cbor::object(answer.body()).expect("own CBOR");
        let results = members::Members::new(&object).objects("MetricDataResults").expect("a list");
        assert_eq!(results[0].need_text("Label").as_deref(), Ok("mine"));
    }

    #[test]
    fn errors_are_written_in_the_callers_encoding() {
        let error = ServiceError::new("cloudwatch:GetMetricData", "ValidationError", "no");
        let json = fault(&Form::new(Encoding::Json), &error);
        assert_eq!(json.body().as_ref(), br#"{"__type":"com.amazonaws.cloudwatch#ValidationError","message":"no"}"#);
        let cbor = fault(&Form::new(Encoding::Cbor), &error);
        assert_eq!((cbor.status().as_u16(), &cbor.body()[0]), (400, &0xa2));
        assert_eq!(cbor.headers()["x-amzn-query-error"], "ValidationError;Sender");
    }
}
