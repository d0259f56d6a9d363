//! The pipeline's own web service: post an automation, look at a run, search the events.

use bytes::Bytes;
use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{answer, body, mismatched};
use crate::model::service_error::ServiceError;
use crate::pipeline::request::{Reply, Response, WebRequest};

/// Documents a search answers unless `limit` asks otherwise.
const DEFAULT_EVENTS: u32 = 100;
/// Documents a search answers at most.
const MAX_EVENTS: u32 = 1000;

pub fn read(request: &http::Request<Bytes>) -> Result<WebRequest, ServiceError> {
    let path = request.uri().path();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::POST, ["automations"]) => match body::json_text(request.body()) {
            Ok(text) => Ok(WebRequest::PostAutomation { body: text.to_owned() }),
            Err(error) => Err(refusal("web:PostAutomation", error.http(), error.to_string())),
        },
        (&Method::GET, ["runs", id]) => Ok(WebRequest::GetRun { id: decoded(id) }),
        (&Method::GET, ["events"]) => {
            let query = request.uri().query().unwrap_or("");
            let limit = match parameter(query, "limit") {
                None => DEFAULT_EVENTS,
                Some(text) => match text.parse() {
                    Ok(n) if (1..=MAX_EVENTS).contains(&n) => n,
                    _ => {
                        return Err(refusal(
                            "web:SearchEvents",
                            400,
                            format!("limit: expected 1 to {MAX_EVENTS}, got {text}"),
                        ));
                    }
                },
            };
            Ok(WebRequest::SearchEvents { q: parameter(query, "q").unwrap_or_default(), limit })
        }
        (_, ["automations"] | ["runs", _] | ["events"]) => {
            Err(refusal("web", 405, format!("{} is not allowed on {path}", request.method())))
        }
        _ => {
            let known =
                "POST /automations, GET /runs/{id}, GET /events?q=…, and the SQS, Lambda, CloudWatch and STS APIs";
            Err(refusal("web", 404, format!("nothing is at {path}; there are {known}")))
        }
    }
}

pub fn write(response: Response) -> http::Response<Bytes> {
    match response {
        Ok(Reply::Web(reply)) => answer(reply.status, &JSON, reply.body),
        Ok(_) => fault(&mismatched("web")),
        Err(error) => fault(&error),
    }
}

/// In the form of an automation's faults, so that a caller reads one form; no path is at fault.
fn fault(error: &ServiceError) -> http::Response<Bytes> {
    answer(error.http, &JSON, json!({"faults": [{"path": "", "message": error.message}]}).to_string())
}

fn refusal(action: &str, http: u16, message: String) -> ServiceError {
    let mut error = ServiceError::new(action, "BadRequest", message);
    error.http = http;
    error
}

/// One parameter of a query string, decoded as browsers and `curl --data-urlencode` encode it.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(decoded(&pair.replace('+', " ")))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[cfg(test)]
mod tests {
    use super::*;

    fn get(uri: &str) -> Result<WebRequest, ServiceError> {
        read(&http::Request::get(uri).body(Bytes::new()).expect("valid"))
    }

    #[test]
    fn searches_are_decoded() {
        let expected = WebRequest::SearchEvents { q: "run:a b+c".into(), limit: 5 };
        assert_eq!(get("/events?limit=5&q=run%3Aa+b%2Bc"), Ok(expected));
        assert_eq!(get("/runs/a%2Fb"), Ok(WebRequest::GetRun { id: "a/b".into() }));
    }

    #[test]
    fn faults_have_their_status() {
        let status = |uri: &str| get(uri).map_err(|error| error.http);
        assert_eq!(status("/events?limit=0"), Err(400));
        assert_eq!(status("/automations"), Err(405));
        assert_eq!(status("/else"), Err(404));
    }
}
