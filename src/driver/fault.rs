//! Faults on the way between an SDK client and the pipeline, for tests of what must survive them: an
//! answer that is lost after the work was done, a connection that is cut, a call that never ends.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The work is done, and the answer is 500.
    AnswerLost,
    /// Nothing is done, and the answer is 500.
    NotDone,
    /// The work is done, and the connection is cut before the answer.
    Cut,
    /// The work is done, and no answer ever comes.
    Silent,
    /// Nothing is done: 429 with `TooManyRequestsException`.
    Throttled,
}

/// Faults to come, shared with the client they were given to.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    planned: Arc<Mutex<VecDeque<(String, Fault)>>>,
}

impl Faults {
    /// The next call of `operation` meets `fault`. An operation is named as its request names it: the
    /// end of `x-amz-target` (`SendMessageBatch`), or a part of `METHOD path` (`PUT /2015-03-31/event`).
    pub fn once(&self, operation: &str, fault: Fault) {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).push_back((operation.to_owned(), fault));
    }

    /// How many faults have not been met yet.
    pub fn left(&self) -> usize {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// `client`, with these faults in its way.
    pub fn over(&self, client: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Faulty { inner: client, faults: self.clone() })
    }

    fn take(&self, call: &str) -> Option<Fault> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let at = planned.iter().position(|(operation, _)| call.contains(operation.as_str()))?;
        planned.remove(at).map(|(_, fault)| fault)
    }
}

struct Faulty {
    inner: SharedHttpClient,
    faults: Faults,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

impl HttpClient for Faulty {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(FaultyConnector { inner, faults: self.faults.clone() })
    }
}

#[derive(Debug)]
struct FaultyConnector {
    inner: SharedHttpConnector,
    faults: Faults,
}

impl HttpConnector for FaultyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or("");
        let name = format!("{} {} {target}", request.method(), request.uri());
        let Some(fault) = self.faults.take(&name) else { return self.inner.call(request) };
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            if !matches!(fault, Fault::NotDone | Fault::Throttled) {
                inner.call(request).await?;
            }
            match fault {
                Fault::AnswerLost | Fault::NotDone => made_up(500, "InternalFailure"),
                Fault::Throttled => made_up(429, "TooManyRequestsException"),
                Fault::Cut => Err(ConnectorError::io("the connection was cut".into())),
                Fault::Silent => std::future::pending().await,
            }
        })
    }
}

fn made_up(status: u16, code: &str) -> Result<HttpResponse, ConnectorError> {
    let answer = http::Response::builder()
        .status(status)
        .header("x-amzn-errortype", code)
        .header("x-amzn-query-error", format!("{code};Receiver"))
        .body(SdkBody::from(format!("{{\"__type\":\"{code}\",\"message\":\"a fault of the test\"}}")));
    let answer = answer.map_err(|error| ConnectorError::other(error.into(), None))?;
    HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_met_once_and_only_by_its_operation() {
        let faults = Faults::default();
        faults.once("SendMessageBatch", Fault::AnswerLost);
        assert_eq!(faults.take("POST http://x/ AmazonSQS.ReceiveMessage"), None);
        assert_eq!(faults.take("POST http://x/ AmazonSQS.SendMessageBatch"), Some(Fault::AnswerLost));
        assert_eq!((faults.take("POST http://x/ AmazonSQS.SendMessageBatch"), faults.left()), (None, 0));
    }
}
