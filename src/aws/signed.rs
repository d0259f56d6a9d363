//! Asks AWS services whose SDK crate is not worth minutes of build for a call or two. It goes the
//! SDK's own way (orchestrator, SigV4, retries, time-outs) with the account's credentials, HTTP client
//! and endpoint; only the protocol's few lines are written here. Reads only: it repeats what failed,
//! so a change must not go through here.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_smithy_runtime::client::defaults::default_http_client_plugin_v2;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::{RuntimePlugin, StaticRuntimePlugin};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use aws_types::service_config::ServiceConfigKey;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::aws::Account;
use crate::aws::failure::refused;
use crate::aws::observer::Observer;
use crate::aws::said::Said;
use crate::model::service_error::ServiceError;

/// A service as it is called (aws-facts §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// The SDK's name of it: `CloudWatch Logs`. The meter and `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS` go by it.
    pub id: &'static str,
    /// The first labels of its host: `logs`, `streams.dynamodb`.
    pub host: &'static str,
    /// The name it is signed for: `logs`, `dynamodb`.
    pub signing_name: &'static str,
    pub protocol: Protocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.0 or 1.1: its content type and the target's prefix, `Logs_20140328`.
    Json { content_type: &'static str, target: &'static str },
    /// A posted form, answered in XML: the version of the API, `2010-05-15`.
    Query { version: &'static str },
    /// Paths that are asked for as they are: S3.
    Rest,
}

pub const JSON_1_0: &str = "application/x-amz-json-1.0";
pub const JSON_1_1: &str = "application/x-amz-json-1.1";

/// What every such call shares. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    config: SdkConfig,
    region: String,
    retries: RetryConfig,
    http_client: Option<SharedHttpClient>,
    components: RuntimeComponentsBuilder,
}

impl Account {
    /// Calls an operation of a service that speaks AWS JSON. `action` is its IAM name,
    /// `logs:FilterLogEvents`; the operation is the part behind the colon.
    ///
    /// # Errors
    /// What the service refused, or why it could not be reached.
    pub async fn json(&self, api: &Api, action: &str, body: &Value) -> Result<Value, ServiceError> {
        self.signed
            .call(api, action, Asked::posted(body.to_string()), |answer| Ok(serde_json::from_slice(answer)?))
            .await
    }

    /// Calls an operation of a service that speaks AWS query; the answer is XML, not yet parsed.
    ///
    /// # Errors
    /// What the service refused, or why it could not be reached.
    pub async fn query(&self, api: &Api, action: &str, members: &[(&str, &str)]) -> Result<String, ServiceError> {
        let Protocol::Query { version } = api.protocol else {
            return Err(ServiceError::new(action, "NotSent", format!("{} takes no forms", api.id)));
        };
        let own = [("Action", operation(action)), ("Version", version)];
        let form: Vec<String> = own
            .iter()
            .chain(members)
            .map(|(name, value)| format!("{}={}", utf8_percent_encode(name, FORM), utf8_percent_encode(value, FORM)))
            .collect();
        self.signed.call(api, action, Asked::posted(form.join("&")), xml).await
    }

    /// Gets a path of a service that answers paths; `members` are its query.
    ///
    /// # Errors
    /// What the service refused, or why it could not be reached.
    pub async fn get(
        &self,
        api: &Api,
        action: &str,
        path: &[&str],
        members: &[(&str, &str)],
    ) -> Result<String, ServiceError> {
        let encoded = |text: &str| utf8_percent_encode(text, FORM).to_string();
        let path: String = path.iter().map(|part| format!("/{}", utf8_percent_encode(part, PATH))).collect();
        let query: Vec<String> =
            members.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let uri = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        let asked = Asked { method: "GET", uri, body: String::new() };
        self.signed.call(api, action, asked, |answer| Ok(std::str::from_utf8(answer)?.to_owned())).await
    }
}

/// One request, but for what the protocol says of it.
#[derive(Debug)]
struct Asked {
    method: &'static str,
    uri: String,
    body: String,
}

impl Asked {
    fn posted(body: String) -> Self {
        Asked { method: "POST", uri: "/".to_owned(), body }
    }
}

impl Signed {
    pub(super) fn new(config: &SdkConfig, region: &str, retries: RetryConfig, observer: Observer) -> Self {
        let mut components = RuntimeComponentsBuilder::new("signed")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
            .with_interceptor(observer)
            .with_interceptor(ServiceClockSkewInterceptor::new())
            .with_retry_classifier(HttpStatusCodeClassifier::default())
            .with_retry_classifier(TransientErrorClassifier::<Said>::new())
            .with_retry_classifier(AwsErrorCodeClassifier::<Said>::new())
            .with_retry_classifier(ServiceClockSkewClassifier::<Said>::new())
            .with_identity_cache(config.identity_cache())
            .with_sleep_impl(config.sleep_impl())
            .with_time_source(config.time_source());
        if let Some(credentials) = config.credentials_provider() {
            // One resolver for all calls: the cache of identities goes by it.
            components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
        }
        Signed {
            config: config.clone(),
            region: region.to_owned(),
            retries,
            http_client: config.http_client().or_else(network),
            components,
        }
    }

    async fn call<T>(
        &self,
        api: &Api,
        action: &str,
        asked: Asked,
        read: fn(&[u8]) -> Result<T, BoxError>,
    ) -> Result<T, ServiceError>
    where
        T: std::fmt::Debug + Send + Sync + 'static,
    {
        let (api, name) = (*api, operation(action).to_owned());
        let Some(client) = self.http_client.clone() else {
            return Err(ServiceError::new(action, "NotSent", "this build has no HTTP client"));
        };
        let mut builder = Operation::builder()
            .service_name(api.id)
            .operation_name(name.clone())
            .behavior_version(BehaviorVersion::latest())
            .http_client(client)
            .endpoint_url(&self.endpoint(&api))
            .with_connection_poisoning()
            .runtime_plugin(self.signing(&api));
        if let Some(time_outs) = self.config.timeout_config() {
            builder = builder.timeout_config(time_outs.clone());
        }
        builder = if self.retries.has_retry() { builder.standard_retry(&self.retries) } else { builder.no_retry() };
        let operation = builder
            .serializer(move |asked: Asked| request(&api, &name, asked))
            .deserializer(move |response: &HttpResponse| {
                if !response.status().is_success() {
                    return Err(OrchestratorError::operation(Said::read(response)));
                }
                read(response.body().bytes().unwrap_or_default()).map_err(OrchestratorError::other)
            })
            .build();
        operation.invoke(asked).await.map_err(|error| refused(action, &error))
    }

    fn signing(&self, api: &Api) -> StaticRuntimePlugin {
        let mut layer = Layer::new("signed");
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(Region::new(self.region.clone()))),
            name: Some(SigningName::from(api.signing_name)),
            signing_options: options(api),
            ..SigV4OperationSigningConfig::default()
        });
        StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(self.components.clone())
    }

    /// The endpoint asked for on the command line, the one configured for this service, the one
    /// configured for all, or AWS's own, in this order, as the SDK's clients have it.
    fn endpoint(&self, api: &Api) -> String {
        let given = self.config.endpoint_url().map(str::to_owned);
        if self.config.get_origin("endpoint_url").is_client_config()
            && let Some(url) = given
        {
            return url;
        }
        let key =
            ServiceConfigKey::builder().service_id(api.id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        let of_service = key.ok().and_then(|key| self.config.service_config().and_then(|found| found.load_config(key)));
        of_service.or(given).unwrap_or_else(|| aws_endpoint(api.host, &self.region))
    }
}

/// S3 signs paths as they are sent, and wants the body's digest said.
fn options(api: &Api) -> SigningOptions {
    let mut options = SigningOptions::default();
    if api.protocol == Protocol::Rest {
        options.double_uri_encode = false;
        options.normalize_uri_path = false;
        options.content_sha256_header = true;
    }
    options
}

fn request(api: &Api, operation: &str, asked: Asked) -> Result<HttpRequest, BoxError> {
    let length = asked.body.len().to_string();
    let mut request = HttpRequest::new(SdkBody::from(asked.body));
    request.set_method(asked.method)?;
    request.set_uri(asked.uri)?;
    let headers = request.headers_mut();
    if api.protocol != Protocol::Rest {
        headers.insert("content-length", length);
    }
    headers.insert("user-agent", concat!("redrive/", env!("CARGO_PKG_VERSION")));
    match api.protocol {
        Protocol::Json { content_type, target } => {
            headers.insert("content-type", content_type);
            headers.insert("x-amz-target", format!("{target}.{operation}"));
        }
        Protocol::Rest => {}
        Protocol::Query { .. } => {
            headers.insert("content-type", "application/x-www-form-urlencoded");
        }
    }
    Ok(request)
}

fn aws_endpoint(host: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{host}.{region}.{domain}")
}

fn operation(action: &str) -> &str {
    action.split_once(':').map_or(action, |(_, operation)| operation)
}

/// Something that is no XML at all is said to be so here, not by whoever looks for an element.
fn xml(answer: &[u8]) -> Result<String, BoxError> {
    let text = std::str::from_utf8(answer)?;
    if text.trim_start().starts_with('<') { Ok(text.to_owned()) } else { Err("no XML".into()) }
}

/// One client for all calls: each keeps a pool of connections of its own.
fn network() -> Option<SharedHttpClient> {
    let plugin = default_http_client_plugin_v2(BehaviorVersion::latest())?;
    plugin.runtime_components(&RuntimeComponentsBuilder::new("signed")).http_client()
}

/// What a form leaves as it is (RFC 3986, unreserved).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What S3 leaves as it is in a path.
const PATH: &AsciiSet = &FORM.remove(b'/');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_aws_own_also_in_china() {
        assert_eq!(aws_endpoint("logs", "eu-west-1"), "https://logs.eu-west-1.amazonaws.com");
        assert_eq!(
            aws_endpoint("streams.dynamodb", "cn-north-1"),
            "https://streams.dynamodb.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(operation("logs:FilterLogEvents"), "FilterLogEvents");
    }
}
