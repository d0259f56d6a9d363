//! From what was asked for on the command line to a connected [`Account`]: region, credentials,
//! endpoint, time-outs, retries. It finds out early what is missing and says how to give it; it asks
//! AWS nothing itself.

use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::error::display::DisplayErrorContext;
use thiserror::Error;
use tokio::sync::watch;

use crate::aws::credentials::{Chain, Renewing};
use crate::aws::failure::cause;
use crate::aws::meter::Meter;
use crate::aws::observer::Observer;
use crate::aws::pace::Pace;
use crate::aws::signed::Signed;
use crate::aws::skew::Corrected;
use crate::aws::{Account, Clients};

#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    pub region: Option<String>,
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// ARN of a role to assume with the credentials found.
    pub role: Option<String>,
    /// The in-process door. With one there are no time-outs and no retries: both would count real
    /// time, and the door neither hangs nor loses anything.
    pub http_client: Option<SharedHttpClient>,
    /// Made-up credentials instead of configured ones.
    pub test_credentials: bool,
    /// Through a door too, as with an account far away: repeat reads, and keep to Lambda's turns.
    pub as_remote: bool,
}

impl ConnectOptions {
    fn is_remote(&self) -> bool {
        self.http_client.is_none() || self.as_remote
    }
}

#[derive(Debug, Error)]
pub enum ConnectError {
    #[error(
        "no region: give one with --region eu-west-1, AWS_REGION, or `region = …` in the profile in ~/.aws/config\n\
         (`redrive sandbox` needs neither region nor credentials)"
    )]
    NoRegion,
    #[error(
        "no AWS credentials ({why}): log in with `aws sso login --profile NAME`, then `redrive --profile NAME`, or keep \
         it with `redrive context init`\n\
         `redrive sandbox` opens a whole pipeline to look at and to break; it needs no account"
    )]
    NoCredentials { why: String },
    #[error(
        "profile {name:?} is in neither ~/.aws/config nor ~/.aws/credentials\n\
         `aws configure list-profiles` names those that are"
    )]
    UnknownProfile { name: String },
    #[error("credentials of {whose} cannot be used: {why}\nlog in again (`aws sso login`) or choose another --profile")]
    BadCredentials { whose: String, why: String },
    #[error("endpoint {url:?} {why}; it should look like http://127.0.0.1:4566 or https://host")]
    BadEndpoint { url: String, why: &'static str },
    #[error("region {name:?} is no name of a region; it should look like eu-west-1")]
    BadRegion { name: String },
}

impl Account {
    /// Resolves region and credentials as every AWS tool does (environment, profile, SSO, role,
    /// process, container, instance) and prepares the clients. Sends nothing to the services used.
    ///
    /// # Errors
    /// What is missing or wrong, with how to give it.
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        if let Some(url) = &options.endpoint_url {
            check_endpoint(url)?;
        }
        let in_process = options.http_client.is_some();
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = options.region.clone() {
            loader = loader.region(Region::new(region));
        }
        let mut renewing = None;
        if !options.test_credentials {
            let mut region = options.region.clone().map(Region::new);
            if let Some(profile) = &options.profile {
                region = region_beside(profile, options.region.clone()).await;
                loader = loader.profile_name(profile).region(region.clone());
            }
            let chain = Chain { profile: options.profile.clone(), role: options.role.clone(), region };
            let provider = Renewing::new(chain);
            // What it holds it can drop; what a cache of the client's holds nobody can.
            loader = loader.credentials_provider(provider.clone()).identity_cache(IdentityCache::no_cache());
            renewing = Some(provider);
        }
        if let Some(url) = &options.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if options.test_credentials {
            loader = loader.credentials_provider(made_up());
            // Nothing of the machine's own configuration is looked for, the instance's above all.
            if options.region.is_none() {
                loader = loader.region(Region::from_static("us-east-1"));
            }
        }
        if let Some(client) = options.http_client.clone() {
            loader = loader.http_client(client).stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        }
        loader = loader.timeout_config(if in_process { TimeoutConfig::disabled() } else { time_outs() });
        let config = loader.load().await;
        let region = config.region().map(ToString::to_string);
        if !options.test_credentials {
            check_credentials(&config, options.profile.as_deref(), region.is_none()).await?;
        }
        let region = region.filter(|name| !name.is_empty()).ok_or(ConnectError::NoRegion)?;
        if !is_host_label(&region) {
            return Err(ConnectError::BadRegion { name: region });
        }
        Ok(assemble(&config, region, &options, renewing))
    }
}

fn assemble(config: &SdkConfig, region: String, options: &ConnectOptions, renewing: Option<Renewing>) -> Account {
    let in_process = options.http_client.is_some();
    let meter = Arc::new(Meter::default());
    let (sender, dates) = watch::channel(None);
    let (skew, ahead_ms) = watch::channel(0);
    let observer = Observer::new(Arc::clone(&meter), sender, Some(skew));
    let reads =
        if options.is_remote() { RetryConfig::standard().with_max_attempts(5) } else { RetryConfig::disabled() };
    let pace = Pace::new();
    let lambda = |at_once| in_turn(options, &pace, at_once);
    let waits = || if in_process { TimeoutConfig::disabled() } else { patient() };
    // A change is never repeated: it is signed right at once, by what the reads have learnt.
    let corrected = Corrected { ahead_ms: ahead_ms.clone() };
    let changes = Clients {
        sqs: sent_once(config, corrected.clone(), &observer, in_process),
        lambda: aws_sdk_lambda::Client::from_conf(
            aws_sdk_lambda::config::Builder::from(config)
                .retry_config(RetryConfig::disabled())
                .time_source(corrected)
                .timeout_config(waits())
                .http_client(lambda(true))
                .interceptor(observer.without_skew())
                .build(),
        ),
    };
    let looks = Clients {
        sqs: aws_sdk_sqs::Client::from_conf(
            aws_sdk_sqs::config::Builder::from(config)
                .retry_config(reads.clone())
                .interceptor(observer.clone())
                .build(),
        ),
        lambda: aws_sdk_lambda::Client::from_conf(
            aws_sdk_lambda::config::Builder::from(config)
                .retry_config(reads.clone())
                .timeout_config(waits())
                .http_client(lambda(false))
                .interceptor(observer.clone())
                .build(),
        ),
    };
    let cloudwatch = aws_sdk_cloudwatch::config::Builder::from(config)
        .retry_config(reads.clone())
        .interceptor(observer.clone())
        .build();
    let sts =
        aws_sdk_sts::config::Builder::from(config).retry_config(reads.clone()).interceptor(observer.clone()).build();
    Account {
        changes,
        reads: looks,
        cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch),
        sts: aws_sdk_sts::Client::from_conf(sts),
        signed: Signed::new(config, &region, reads, observer),
        in_process,
        region,
        pace: options.is_remote().then_some(pace),
        endpoint_url: options.endpoint_url.clone(),
        test_credentials: options.test_credentials,
        meter,
        dates,
        ahead_ms,
        renewing,
    }
}

/// The client of what is received, sent and deleted. A call is there with its body and is answered with ten
/// messages at most: its attempt is the operation, and its time is up before a stream would count as stalled.
fn sent_once(config: &SdkConfig, time: Corrected, observer: &Observer, in_process: bool) -> aws_sdk_sqs::Client {
    let once = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .disable_operation_timeout()
        .build();
    let config = aws_sdk_sqs::config::Builder::from(config)
        .retry_config(RetryConfig::disabled())
        .time_source(time)
        .timeout_config(if in_process { TimeoutConfig::disabled() } else { once })
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(observer.without_skew());
    aws_sdk_sqs::Client::from_conf(config.build())
}

/// Asks the credentials provider once, so that what is missing is said before a screen opens.
async fn check_credentials(config: &SdkConfig, profile: Option<&str>, no_region: bool) -> Result<(), ConnectError> {
    let Some(provider) = config.credentials_provider() else {
        return Err(ConnectError::NoCredentials { why: "none configured".to_owned() });
    };
    let Err(error) = provider.provide_credentials().await else { return Ok(()) };
    let why = DisplayErrorContext(&error).to_string();
    if let Some(name) = profile
        && why.contains("was not defined")
    {
        return Err(ConnectError::UnknownProfile { name: name.to_owned() });
    }
    match error {
        // Without a region the chain cannot ask STS or SSO either: the region is what to give first.
        _ if no_region && !matches!(error, CredentialsError::CredentialsNotLoaded(_)) => Err(ConnectError::NoRegion),
        CredentialsError::CredentialsNotLoaded(_) => {
            let by_environment = std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
            let why = match (profile, by_environment) {
                (Some(name), _) => format!("profile {name:?} is not in ~/.aws, or holds none"),
                (None, Some(name)) => format!("AWS_PROFILE {name:?} is not in ~/.aws, or holds none"),
                (None, None) => "none in the environment, in ~/.aws, or from an instance".to_owned(),
            };
            Err(ConnectError::NoCredentials { why })
        }
        _ => {
            let whose = profile.map_or("the default chain".to_owned(), |name| format!("profile {name:?}"));
            Err(ConnectError::BadCredentials { whose, why: first_line(&cause(&error)) })
        }
    }
}

/// The region a profile of `~/.aws/config` names.
pub async fn region_of_profile(profile: &str) -> Option<String> {
    let of_profile = ProfileFileRegionProvider::builder().profile_name(profile).build();
    RegionProviderChain::first_try(of_profile).region().await.map(|region| region.to_string())
}

/// The region given, the environment's, or the profile's; never the instance's.
async fn region_beside(profile: &str, given: Option<String>) -> Option<Region> {
    let of_profile = ProfileFileRegionProvider::builder().profile_name(profile).build();
    RegionProviderChain::first_try(given.map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(of_profile)
        .region()
        .await
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or(text).chars().take(400).collect()
}

fn check_endpoint(url: &str) -> Result<(), ConnectError> {
    let bad = |why| Err(ConnectError::BadEndpoint { url: url.to_owned(), why });
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return bad("has no http:// or https://");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return bad("has a blank in it");
    }
    let Some(host) = host_of(url).filter(|host| !host.is_empty()) else { return bad("has no host") };
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    let port = authority.strip_prefix(host).unwrap_or("");
    match port.strip_prefix(':') {
        Some(digits) if digits.parse::<u16>().is_err() => bad("has a port that is none"),
        None if !port.is_empty() => bad("has a host that is none"),
        _ => Ok(()),
    }
}

/// The host part, brackets of an IPv6 address included.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    if let Some(end) = authority.find(']') {
        return authority.get(..=end);
    }
    authority.split(':').next()
}

/// What may stand in a host name, where the SDK puts the region.
fn is_host_label(name: &str) -> bool {
    name.len() <= 63
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn made_up() -> Credentials {
    Credentials::new("test", "test", None, None, "redrive test credentials")
}

/// The way to Lambda: an account far away is asked no oftener than its turns allow.
fn in_turn(options: &ConnectOptions, pace: &Pace, at_once: bool) -> SharedHttpClient {
    let limit = options.http_client.is_none().then_some(ATTEMPT_TIMEOUT);
    let client = options.http_client.clone().unwrap_or_else(over_the_network);
    if options.is_remote() { pace.over(client, at_once, limit) } else { client }
}

/// The SDK's own client, made here so that something can stand before it.
fn over_the_network() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_with_connector_fn(|settings, components| {
        let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
        let mut connector = aws_smithy_http_client::ConnectorBuilder::default().tls_provider(provider);
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

/// For calls that wait for their turn first; how long one may last once it has begun is seen to there.
fn patient() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(TURN_TIMEOUT).build()
}

fn time_outs() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// A host that does not take a connection in this time is not reachable.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);
/// Longer than the longest wait of a receive (1 s), a slow page of 500 metrics included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// A read with its retries: somebody waits in front of it.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
/// A queue for a turn that is longer than this is no queue any more.
const TURN_TIMEOUT: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_checked_before_anything_is_sent() {
        for good in ["http://127.0.0.1:4566", "https://host", "http://[::1]:4566/", "http://a.localhost:1/x?y"] {
            assert!(check_endpoint(good).is_ok(), "{good}");
        }
        for bad in
            ["127.0.0.1:4566", "ftp://x", "http://", "http://:4566", "http://a b", "http://h:99999", "http://h:x"]
        {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
    }
}
