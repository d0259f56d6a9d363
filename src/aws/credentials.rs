//! Credentials that can be had anew while the program runs: the chain that finds them is asked again
//! after they have run out, and built again after the account has refused them, so that a login
//! elsewhere is all it takes. It asks nobody who the credentials belong to.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_async::time::{SystemTimeSource, TimeSource};
use tokio::sync::{OnceCell, watch};

/// Where credentials are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    /// Of this profile and of nothing else: the SDK's default chain would prefer keys in the
    /// environment to it, and fall back to the instance's, which is another account.
    pub profile: Option<String>,
    /// Assumed with what was found.
    pub role: Option<String>,
    pub region: Option<Region>,
}

/// A provider for the SDK's clients, which must keep no cache of their own beside it.
#[derive(Debug, Clone)]
pub(super) struct Renewing {
    chain: Chain,
    held: watch::Sender<Arc<Held>>,
}

/// What one look came to; callers that come meanwhile wait for the same look.
#[derive(Debug, Default)]
struct Held {
    provider: OnceCell<SharedCredentialsProvider>,
    credentials: OnceCell<Credentials>,
}

impl Chain {
    async fn build(&self) -> SharedCredentialsProvider {
        let config = ProviderConfig::default()
            .with_region(self.region.clone())
            .with_behavior_version(Some(BehaviorVersion::latest()));
        let base = match &self.profile {
            Some(profile) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build(),
            ),
            None => {
                let mut chain = DefaultCredentialsChain::builder().configure(config);
                chain.set_region(self.region.clone());
                SharedCredentialsProvider::new(chain.build().await)
            }
        };
        let Some(role) = &self.role else { return base };
        let mut builder = AssumeRoleProvider::builder(role).session_name(SESSION);
        if let Some(region) = &self.region {
            builder = builder.region(region.clone());
        }
        SharedCredentialsProvider::new(builder.build_from_provider(base).await)
    }
}

impl Renewing {
    pub(super) fn new(chain: Chain) -> Self {
        Renewing { chain, held: watch::Sender::new(Arc::default()) }
    }

    /// The account refused what is held: everything is looked for anew, files read again.
    pub(super) fn renew(&self) {
        self.held.send_replace(Arc::default());
    }

    async fn current(&self) -> Result<Credentials, CredentialsError> {
        let held = Arc::clone(&self.held.borrow());
        let found = self.look(&held).await?;
        if !is_over(&found, SystemTimeSource::new().now()) {
            return Ok(found);
        }
        // The chain is kept: what it refreshes by itself (a session token of SSO) it knows best.
        let provider =
            held.provider.get().cloned().map_or_else(OnceCell::new, |provider| OnceCell::new_with(Some(provider)));
        let next = Arc::new(Held { provider, credentials: OnceCell::new() });
        self.held.send_if_modified(|now| {
            let first = Arc::ptr_eq(now, &held);
            if first {
                *now = next;
            }
            first
        });
        let held = Arc::clone(&self.held.borrow());
        self.look(&held).await
    }

    async fn look(&self, held: &Held) -> Result<Credentials, CredentialsError> {
        let provider = held.provider.get_or_init(|| self.chain.build()).await;
        held.credentials.get_or_try_init(|| provider.provide_credentials()).await.cloned()
    }
}

impl ProvideCredentials for Renewing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.current())
    }
}

/// A request that is signed now must still be good when it arrives.
fn is_over(credentials: &Credentials, now: SystemTime) -> bool {
    credentials.expiry().is_some_and(|expiry| expiry <= now + MARGIN)
}

const MARGIN: Duration = Duration::from_secs(60);
/// What a role's sessions are called in CloudTrail.
const SESSION: &str = "redrive";

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn renewing(found: Credentials) -> Renewing {
        let renewing = Renewing::new(Chain::default());
        let held = Held {
            provider: OnceCell::new_with(Some(SharedCredentialsProvider::new(found))),
            credentials: OnceCell::new(),
        };
        renewing.held.send_replace(Arc::new(held));
        renewing
    }

    #[tokio::test]
    async fn what_has_run_out_is_looked_for_again_and_what_has_not_is_kept() {
        let lasting = Credentials::new("lasting", "s", None, None, "test");
        let kept = renewing(lasting);
        kept.current().await.expect("there");
        let before = Arc::clone(&kept.held.borrow());
        kept.current().await.expect("there");
        assert!(Arc::ptr_eq(&before, &kept.held.borrow()), "asked once");
        let over = renewing(Credentials::new("over", "s", None, Some(UNIX_EPOCH), "test"));
        over.current().await.expect("there");
        let before = Arc::clone(&over.held.borrow());
        over.current().await.expect("the provider has no better");
        assert!(!Arc::ptr_eq(&before, &over.held.borrow()), "asked again");
        kept.renew();
        assert!(kept.held.borrow().provider.get().is_none(), "files are read again");
    }
}
