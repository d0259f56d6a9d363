//! Sees every request leave and every answer arrive: counts the one, reads the `Date` of the other.
//! It changes neither.

use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextRef,
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::date_time::Format;
use tokio::sync::watch;

use crate::aws::meter::Meter;
use crate::aws::skew;
use crate::model::time::Timestamp;

#[derive(Debug, Clone)]
pub(super) struct Observer {
    meter: Arc<Meter>,
    dates: Arc<watch::Sender<Option<Timestamp>>>,
    /// Learnt from clients whose time source is this machine's.
    ahead_ms: Option<Arc<watch::Sender<i64>>>,
}

impl Observer {
    pub(super) fn new(
        meter: Arc<Meter>,
        dates: watch::Sender<Option<Timestamp>>,
        ahead_ms: Option<watch::Sender<i64>>,
    ) -> Self {
        Observer { meter, dates: Arc::new(dates), ahead_ms: ahead_ms.map(Arc::new) }
    }

    /// The same, for clients whose time is corrected already.
    pub(super) fn without_skew(&self) -> Self {
        Observer { ahead_ms: None, ..self.clone() }
    }
}

impl Intercept for Observer {
    fn name(&self) -> &'static str {
        "Observer"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let metrics = cfg.load::<Asks>().map_or(0, |asks| asks.0);
        self.meter.sent(cfg.load::<Metadata>().map_or("", |metadata| metadata.service()), metrics);
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        if let Some(date) = date.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok()) {
            if let (Some(ahead_ms), Some(local)) = (&self.ahead_ms, components.time_source()) {
                ahead_ms.send_replace(skew::ahead_ms(date.secs(), local.now()));
            }
            self.dates.send_replace(Some(Timestamp::from_s(date.secs())));
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let status = answer.status().as_u16();
        let code = answer.headers().get("x-amzn-query-error").unwrap_or("");
        let says = |word: &str| {
            let body = answer.body().bytes().unwrap_or_default();
            code.contains(word) || body.windows(word.len()).any(|part| part == word.as_bytes())
        };
        if status == 429 || (status >= 400 && (says("hrottl") || says("TooManyRequests"))) {
            self.meter.told_slower();
        }
        Ok(())
    }
}

/// How many metrics a call asks for: each is paid for whenever the call is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asks(pub(super) usize);

impl Storable for Asks {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Asks {
    fn name(&self) -> &'static str {
        "Asks"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        cfg.interceptor_state().store_put(*self);
        Ok(())
    }
}
