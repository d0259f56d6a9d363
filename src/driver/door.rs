//! The SDK's in-process door: an HTTP client for `aws-sdk-*` whose requests go to the pipeline instead
//! of a socket. Everything before it (serializers, signing, retries) and after it (parsers, error
//! codes) is the SDK's own.

use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use crate::driver::service::Service;

/// The door. Its connector ignores the SDK's time-outs: they would count real time, and what is
/// waited for here (a long poll) takes sandbox time. Dropping a call cancels it in the pipeline.
#[derive(Clone)]
pub(super) struct InProcess {
    service: Service,
}

impl InProcess {
    pub(super) fn client(service: Service) -> SharedHttpClient {
        SharedHttpClient::new(InProcess { service })
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = self.service.clone();
        HttpConnectorFuture::new(async move {
            let answer = service.call(plain(request)?).await.map_err(|stopped| ConnectorError::io(stopped.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The SDK's request as a plain one; every operation the console uses has its body in memory.
fn plain(request: HttpRequest) -> Result<http::Request<Bytes>, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    match body.bytes() {
        Some(bytes) => Ok(http::Request::from_parts(parts, Bytes::copy_from_slice(bytes))),
        None => Err(ConnectorError::user("the sandbox takes no streamed request bodies".into())),
    }
}
