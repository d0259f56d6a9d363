//! `redrive doctor`: whether this machine, these credentials and this account let redrive work. It
//! reads what redrive reads and changes nothing in the account; on this machine it makes a file in
//! the state directory and removes it again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal};

use crate::aws::Account;
use crate::command::failure::Failure;
use crate::command::{Here, keymap, print, runtime, style};
use crate::config::{Doctor, PolicyName, exit};
use crate::driver::clock::Clock;
use crate::model::permission::{self, Found, OPERATOR, READ_ONLY, actions_in, feature_of};
use crate::model::scope::Scope;
use crate::model::time::spoken;
use crate::operation::progress::plural;
use crate::report;
use crate::report::doctor::{Check, Diagnosis, Permission, State};
use crate::shell;

pub fn run(here: &Here, asked: Doctor, colour: bool) -> Result<u8, Failure> {
    if let Some(name) = asked.policy {
        return print(&(policy(name) + "\n")).map(|()| exit::FINE);
    }
    let mut diagnosis = Diagnosis::default();
    diagnosis.checks.extend([config_file(here, asked.config_error.as_deref()), state_dir(here), terminal(colour)]);
    runtime()?.block_on(account(here, &mut diagnosis));
    print(&report::one(style(asked.output), &diagnosis, report::doctor::text))?;
    Ok(match &asked.config_error {
        Some(_) => exit::USAGE,
        None if diagnosis.is_broken() => exit::UNREACHABLE,
        None => exit::FINE,
    })
}

fn policy(name: PolicyName) -> String {
    let mut actions = actions_in(READ_ONLY);
    let sid = match name {
        PolicyName::ReadOnly => "RedriveLooks",
        // Nobody changes what they cannot see.
        PolicyName::Operator => {
            actions.extend(actions_in(OPERATOR));
            "RedriveOperates"
        }
    };
    permission::policy(sid, actions.iter().map(String::as_str))
}

fn check(name: &str, state: State, found: impl Into<String>) -> Check {
    Check { check: name.to_owned(), state, found: found.into(), advice: None }
}

fn advised(check: Check, advice: impl Into<String>) -> Check {
    Check { advice: Some(advice.into()), ..check }
}

fn config_file(here: &Here, error: Option<&str>) -> Check {
    let path = here.contexts.path.display();
    let keys = keymap(&here.contexts).err().and_then(|why| why.text());
    match (error.or(keys.as_deref()), &here.contexts.text) {
        (Some(error), _) => check("config file", State::Broken, error),
        (None, None) => check("config file", State::Unknown, format!("none, and none is needed ({path})")),
        (None, Some(_)) => {
            let name = &here.place.context.name;
            let current = if name.is_empty() { "no context chosen".to_owned() } else { format!("context {name}") };
            let count = here.contexts.contexts.len();
            check("config file", State::Fine, format!("{path}: {count} contexts, {current}"))
        }
    }
}

fn state_dir(here: &Here) -> Check {
    let dir = &here.state_dir;
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    let tried = fs::create_dir_all(dir).and_then(|()| fs::write(&probe, b"")).and_then(|()| fs::remove_file(&probe));
    match tried {
        Ok(()) => check("state directory", State::Fine, format!("{} can be written", dir.display())),
        Err(error) => advised(
            check("state directory", State::Broken, format!("{}: {error}", dir.display())),
            "the journal is kept there; say where it may be with REDRIVE_STATE_DIR",
        ),
    }
}

fn terminal(colour: bool) -> Check {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return check("terminal", State::Unknown, "not one here: the console needs one, the other commands do not");
    }
    let Some((columns, rows)) = shell::terminal_size() else {
        return check("terminal", State::Doubtful, "its size cannot be read");
    };
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    let colours = match (dumb, colour) {
        (true, _) => "TERM is dumb: the console cannot draw on it",
        (false, true) => "colours",
        (false, false) => "no colours (NO_COLOR or --no-color); signs say the same",
    };
    let found = format!("{columns}×{rows}, {colours}");
    if dumb {
        check("terminal", State::Broken, found)
    } else if columns < 80 || rows < 24 {
        advised(check("terminal", State::Doubtful, found), "80×24 shows everything; 60×16 is the least")
    } else {
        check("terminal", State::Fine, found)
    }
}

async fn account(here: &Here, diagnosis: &mut Diagnosis) {
    let endpoint = here.place.endpoint_url.clone();
    diagnosis.checks.push(check("endpoint", State::Fine, endpoint.unwrap_or_else(|| "AWS's own".to_owned())));
    let account = match Account::connect(here.connect_options()).await {
        Ok(account) => account,
        Err(error) => {
            let text = error.to_string();
            let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
            let found = check("credentials", State::Broken, first);
            diagnosis.checks.push(if rest.is_empty() { found } else { advised(found, rest.replace('\n', " ")) });
            return;
        }
    };
    let identity = account.identity().await;
    let let_in = identity.is_ok();
    diagnosis.checks.push(match identity {
        Ok(identity) => check("identity", State::Fine, format!("account {}, {}", identity.account, identity.arn)),
        Err(error) => check("identity", State::Broken, error.to_string()),
    });
    let ahead_ms = *account.ahead_ms().borrow();
    // Nothing answered, or nothing that would tell.
    let untold = !let_in && ahead_ms == 0;
    let untold = untold.then(|| check("clock", State::Unknown, "no answer to tell the account's by"));
    diagnosis.checks.push(untold.unwrap_or_else(|| clock(ahead_ms)));
    if !let_in {
        diagnosis.checks.push(check("region", State::Unknown, format!("{}: not asked", account.region())));
        return;
    }
    let now = Clock::aws().account_now().plus_ms(*account.ahead_ms().borrow());
    let scope = &here.place.scope;
    let found = account.probe(scope, now).await;
    diagnosis.checks.push(region(&account, scope.prefix()).await);
    if let Scope::Stack(_) = scope {
        diagnosis.checks.push(stack(&account, scope).await);
    }
    permissions(&found, diagnosis);
}

fn clock(ahead_ms: i64) -> Check {
    // Seconds while they count, then tens of them: an answer takes its time.
    let to_ms = if ahead_ms.abs() < 60_000 { 1_000 } else { 10_000 };
    let by = spoken((ahead_ms.abs() + to_ms / 2) / to_ms * to_ms);
    let way = if ahead_ms > 0 { "slow" } else { "fast" };
    match ahead_ms.abs() {
        0..2_000 => check("clock", State::Fine, "agrees with the account's within 2 s"),
        2_000..60_000 => check("clock", State::Fine, format!("{by} {way}: corrected")),
        _ => advised(
            check("clock", State::Doubtful, format!("this machine's clock is {by} {way}: corrected here")),
            "set this machine's clock: other AWS tools are refused from 5 minutes on",
        ),
    }
}

/// A region where nothing is may well be the wrong one.
async fn region(account: &Account, prefix: Option<&str>) -> Check {
    let region = account.region();
    let (mappings, queues) = tokio::join!(account.mappings(), account.list_queues(prefix));
    let (Ok(mappings), Ok(queues)) = (mappings, queues) else {
        return check("region", State::Unknown, format!("{region}: what is there cannot be listed"));
    };
    let found = format!(
        "{region}: {}, {}",
        plural(mappings.len() as u64, "event source mapping", "event source mappings"),
        plural(queues.len() as u64, "queue", "queues")
    );
    if !mappings.is_empty() || !queues.is_empty() {
        return check("region", State::Fine, found);
    }
    let named = prefix.map_or(String::new(), |prefix| format!(" called {prefix}…"));
    let advice = format!("nothing{named} here: is it the right --region, account and --prefix?");
    advised(check("region", State::Doubtful, found), advice)
}

/// A stack that is not there is the likeliest reason for seeing nothing.
async fn stack(account: &Account, scope: &Scope) -> Check {
    match account.resolved(scope).await {
        Ok(Scope::Named { names, .. }) => {
            check("stack", State::Fine, format!("{}: {} resources", scope.label(), names.len()))
        }
        Ok(_) => check("stack", State::Unknown, scope.label()),
        Err(error) => advised(
            check("stack", State::Broken, error.to_string()),
            "is it the right --region, account and --stack? nested stacks go by their ARN",
        ),
    }
}

fn permissions(found: &BTreeMap<&'static str, Found>, diagnosis: &mut Diagnosis) {
    let mut missing = Vec::new();
    for action in actions_in(READ_ONLY) {
        let (state, said) = match found.get(action.as_str()) {
            Some(Found::Allowed) => (State::Fine, "allowed".to_owned()),
            Some(Found::Denied(_)) => {
                missing.push(action.clone());
                (State::Broken, "not allowed".to_owned())
            }
            Some(Found::Unclear(why)) => (State::Doubtful, why.clone()),
            Some(Found::Untried(why)) => (State::Unknown, format!("not checked: {why}")),
            None => (State::Unknown, "not checked: it is asked only when it is needed".to_owned()),
        };
        diagnosis.permissions.push(row(action, state, said));
    }
    for action in actions_in(OPERATOR) {
        diagnosis.permissions.push(row(action, State::Unknown, "not checked: it would change something".to_owned()));
    }
    if !missing.is_empty() {
        let text = permission::policy("RedriveMissing", missing.iter().map(String::as_str));
        diagnosis.policy = serde_json::from_str(&text).ok();
    }
}

fn row(action: String, state: State, found: String) -> Permission {
    Permission { feature: feature_of(&action).to_owned(), action, state, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_minutes_are_said_plainly_and_two_seconds_are_not() {
        assert_eq!(clock(1_500).state, State::Fine);
        let slow = clock(600_000);
        assert_eq!(slow.state, State::Doubtful);
        assert!(slow.found.contains("10 m slow") || slow.found.contains("10 m 0 s slow"), "{}", slow.found);
        assert!(clock(-600_000).found.contains("fast"));
    }

    #[test]
    fn what_is_missing_becomes_the_least_policy_and_writes_are_never_tried() {
        let found = BTreeMap::from([
            ("sqs:ListQueues", Found::Denied("no".to_owned())),
            ("lambda:ListFunctions", Found::Allowed),
        ]);
        let mut diagnosis = Diagnosis::default();
        permissions(&found, &mut diagnosis);
        let policy = diagnosis.policy.as_ref().expect("something is missing");
        assert_eq!(policy["Statement"][0]["Action"], serde_json::json!(["sqs:ListQueues"]));
        let of = |action: &str| diagnosis.permissions.iter().find(|row| row.action == action).expect("listed");
        assert_eq!(of("sqs:SendMessage").found, "not checked: it would change something");
        assert_eq!(
            (of("lambda:ListFunctions").state, of("sqs:ListQueues").feature.as_str()),
            (State::Fine, "what there is")
        );
        assert!(diagnosis.is_broken());
    }

    #[test]
    fn an_operators_policy_holds_what_looking_needs_too() {
        let (looks, operates) = (actions_in(&policy(PolicyName::ReadOnly)), actions_in(&policy(PolicyName::Operator)));
        assert!(looks.iter().all(|action| operates.contains(action)) && operates.len() > looks.len());
        assert!(operates.contains(&"sqs:ReceiveMessage".to_owned()));
    }
}
