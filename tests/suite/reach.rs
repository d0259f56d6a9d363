//! Within reach: a sandbox, and an account as everybody reads it, through the door.

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::driver::sandbox::{ENDPOINT, Sandbox, SandboxOptions};
use redrive::scenario;

/// As the console connects to a sandbox.
pub async fn account(region: &str, client: SharedHttpClient) -> Account {
    let options = ConnectOptions {
        region: Some(region.to_owned()),
        endpoint_url: Some(ENDPOINT.to_owned()),
        http_client: Some(client),
        test_credentials: true,
        ..ConnectOptions::default()
    };
    Account::connect(options).await.expect("nothing is missing")
}

/// A built-in scenario when its console opens, at a speed of one: next to nothing happens while it is read.
pub async fn opened(name: &str) -> (Sandbox, Account) {
    let scenario = scenario::find(name).expect("built in");
    let history_s = scenario.history_s;
    let blueprint = scenario.blueprint(history_s);
    let options = SandboxOptions { scenario: name.to_owned(), blueprint, seed: 7, speed: 1.0, history_s };
    let sandbox = Sandbox::start(options).expect("it fits together");
    let account = account(sandbox.region(), sandbox.client()).await;
    (sandbox, account)
}
