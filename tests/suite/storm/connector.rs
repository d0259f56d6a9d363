//! Bad weather between the SDK's clients and the sandbox's door, on the wire: refused, lost on the way
//! there or back, slow, one entry of a batch failed, a message handed out again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use redrive::driver::simulated::Simulated;
use redrive::model::time::Timestamp;
use redrive::pipeline::request::{Request, SqsRequest};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::storm::fault::{Chance, Faults};

pub struct Weather {
    pub chance: Chance,
    pub faults: Faults,
    pub began_at: Timestamp,
}

#[derive(Clone)]
pub struct Stormy {
    inner: SharedHttpClient,
    weather: Arc<Mutex<Weather>>,
    site: Arc<Simulated>,
}

impl Stormy {
    pub fn client(site: &Arc<Simulated>, weather: &Arc<Mutex<Weather>>) -> SharedHttpClient {
        let stormy = Stormy { inner: site.client(), weather: Arc::clone(weather), site: Arc::clone(site) };
        SharedHttpClient::new(stormy)
    }
}

impl fmt::Debug for Stormy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stormy")
    }
}

impl HttpClient for Stormy {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        let (weather, site) = (Arc::clone(&self.weather), Arc::clone(&self.site));
        SharedHttpConnector::new(Road { inner, weather, site })
    }
}

#[derive(Clone)]
struct Road {
    inner: SharedHttpConnector,
    weather: Arc<Mutex<Weather>>,
    site: Arc<Simulated>,
}

impl fmt::Debug for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Road")
    }
}

/// What one request meets, drawn before it leaves.
struct Fate {
    there_ms: i64,
    back_ms: i64,
    throttled: bool,
    lost_before: bool,
    lost_after: bool,
    /// A lost answer is a cut connection, or a 500.
    cut: bool,
    /// It arrives although whoever sent it may be dead by then.
    detached: bool,
}

impl HttpConnector for Road {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let extends = request.headers().get("x-amz-target").is_some_and(|to| to.contains("ChangeMessageVisibility"));
        let (road, fate) = (self.clone(), self.fate(extends));
        HttpConnectorFuture::new(async move {
            if !fate.detached {
                return road.travel(request, fate).await;
            }
            let travel = tokio::spawn(async move { road.travel(request, fate).await });
            travel.await.map_err(|error| ConnectorError::other(error.into(), None))?
        })
    }
}

impl Road {
    fn weather(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self, extends: bool) -> Fate {
        let now = self.site.clock().account_now();
        let mut weather = self.weather();
        let Weather { chance, faults, began_at } = &mut *weather;
        let held = faults.no_extending.is_some_and(|(from, until)| (from..until).contains(&now.ms_since(*began_at)));
        Fate {
            there_ms: chance.latency_ms(faults),
            back_ms: chance.latency_ms(faults),
            throttled: chance.happens(faults.throttle) || (held && extends),
            lost_before: chance.happens(faults.lost_before),
            lost_after: chance.happens(faults.lost_after),
            cut: chance.draw(2) == 0,
            detached: chance.draw(2) == 0,
        }
    }

    async fn travel(&self, mut request: HttpRequest, fate: Fate) -> Result<HttpResponse, ConnectorError> {
        sleep(ms(fate.there_ms)).await;
        let answer = if fate.throttled {
            made_up(400, "RequestThrottled")
        } else if fate.lost_before {
            lost(fate.cut)
        } else {
            let answer = self.arrive(&mut request).await;
            if fate.lost_after { lost(fate.cut) } else { answer }
        };
        sleep(ms(fate.back_ms)).await;
        answer
    }

    async fn arrive(&self, request: &mut HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or("").to_owned();
        let mut body = json_of(request.body());
        if target.ends_with("ReceiveMessage") {
            // The pipeline would answer a long poll from a second ahead of everybody's time.
            body["WaitTimeSeconds"] = json!(0);
        }
        let failed = if target.ends_with("Batch") { self.fail_some(&mut body) } else { Vec::new() };
        if body["Entries"].as_array().is_some_and(Vec::is_empty) {
            return answer_of(&json!({"Successful": [], "Failed": failed}));
        }
        let queue = body["QueueUrl"].as_str().unwrap_or("").to_owned();
        *request.body_mut() = SdkBody::from(body.to_string());
        let answer = self.inner.call(take(request)).await?;
        if target.ends_with("ReceiveMessage") {
            let empty = self.hand_out_again(&queue, &json_of(answer.body()));
            if empty {
                sleep(ms(1_000)).await;
            }
        }
        if failed.is_empty() {
            return Ok(answer);
        }
        let mut said = json_of(answer.body());
        match said["Failed"].as_array_mut() {
            Some(others) => others.extend(failed),
            None => said["Failed"] = json!(failed),
        }
        answer_of(&said)
    }

    /// Takes entries out of a batch; what is answered for them.
    fn fail_some(&self, body: &mut Value) -> Vec<Value> {
        let mut weather = self.weather();
        let Weather { chance, faults, .. } = &mut *weather;
        let Some(entries) = body["Entries"].as_array_mut() else { return Vec::new() };
        let refused = chance.refused(faults, entries.len());
        let failed = refused.iter().map(
            |n| json!({"Id": entries[*n]["Id"], "Code": "InternalError", "Message": "try again", "SenderFault": false}),
        );
        let failed: Vec<Value> = failed.collect();
        let mut at = 0;
        entries.retain(|_| {
            at += 1;
            !refused.contains(&(at - 1))
        });
        failed
    }

    /// Ends the lease of some messages behind the receiver's back; whether there were none.
    fn hand_out_again(&self, queue: &str, body: &Value) -> bool {
        let none = Vec::new();
        let messages = body["Messages"].as_array().unwrap_or(&none);
        for message in messages {
            let again = {
                let mut weather = self.weather();
                let Weather { chance, faults, .. } = &mut *weather;
                chance.happens(faults.redeliver)
            };
            if let Some(receipt) = message["ReceiptHandle"].as_str().filter(|_| again) {
                let ask =
                    SqsRequest::ChangeVisibility { queue: queue.into(), receipt: receipt.into(), visibility_s: 0 };
                self.site.ask(Request::Sqs(ask));
            }
        }
        messages.is_empty()
    }
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

fn json_of(body: &SdkBody) -> Value {
    body.bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or(Value::Null)
}

fn take(request: &mut HttpRequest) -> HttpRequest {
    std::mem::replace(request, HttpRequest::new(SdkBody::empty()))
}

fn answer_of(body: &Value) -> Result<HttpResponse, ConnectorError> {
    response(200, "", body.to_string())
}

fn lost(cut: bool) -> Result<HttpResponse, ConnectorError> {
    match cut {
        true => Err(ConnectorError::io("the connection was cut".into())),
        false => made_up(500, "InternalFailure"),
    }
}

fn made_up(status: u16, code: &str) -> Result<HttpResponse, ConnectorError> {
    response(status, code, json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": "the weather"}).to_string())
}

fn response(status: u16, code: &str, body: String) -> Result<HttpResponse, ConnectorError> {
    let mut answer = http::Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    if !code.is_empty() {
        answer = answer.header("x-amzn-query-error", format!("{code};Sender"));
    }
    let answer = answer.body(SdkBody::from(body)).map_err(|error| ConnectorError::other(error.into(), None))?;
    HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
}
