//! What each action does when its step runs, and how the run goes on from there.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::automation::definition::{Action, AddToBatch, Delay};
use crate::automation::duration;
use crate::automation::event::Status;
use crate::automation::fault::HandlerError;
use crate::automation::job_worker::Work;
use crate::automation::merge::Merge;
use crate::automation::order::{Answer, Batch, Order};
use crate::automation::request::{Request, context_of};
use crate::model::time::Timestamp;

/// How a run goes on after a step.
pub(in crate::automation) enum Flow {
    Next {
        status: Status,
        detail: Option<Value>,
    },
    /// No further step: the run has ended here.
    End {
        status: Status,
        detail: Option<Value>,
    },
    /// The same step again when it is due.
    Wait {
        due: Timestamp,
    },
}

impl Flow {
    pub fn next(status: Status) -> Flow {
        Flow::Next { status, detail: None }
    }

    /// The step can never succeed, however often it is delivered: no error, which would be retried,
    /// but the end of the run, said in its event.
    fn error(why: impl Into<String>) -> Flow {
        Flow::End { status: Status::Error, detail: Some(json!({"error": why.into()})) }
    }
}

/// Runs the step. Effects of a repeated job are left out; what later steps need is read again.
///
/// # Errors
/// The world outside failed.
pub(in crate::automation) fn execute(work: &mut Work<'_>) -> Result<Flow, HandlerError> {
    let step = work.step;
    match &step.action {
        action @ Action::Send { .. } => {
            if !work.is_repeated() {
                work.context.perform(work.job, action)?;
            }
            Ok(Flow::next(Status::Processed))
        }
        action @ Action::SendList { data_source, .. } => {
            if !work.is_repeated() {
                let answer = work.context.perform(work.job, action)?;
                if let (Some((_, merge)), Answer::Data(data)) = (data_source, answer) {
                    let merged = merge.apply(&work.current("data"), &data);
                    work.change("data", merged);
                }
            }
            Ok(Flow::next(Status::Processed))
        }
        Action::Delay(delay) => Ok(wait(work, delay)),
        Action::Cancel { token } => Ok(match work.text(token) {
            None => Flow::error("`cancelation_token` is empty"),
            Some(token) => {
                if !work.is_repeated() {
                    work.orders.push(Order::Cancel(token.as_str().into()));
                }
                let detail = Some(json!({"cancelation_token": token}));
                Flow::Next { status: Status::Processed, detail }
            }
        }),
        Action::UpdateProfile { profile, recipient, merge } => {
            Ok(update_profile(work, profile, recipient.as_ref(), *merge))
        }
        action @ Action::FetchData { merge, .. } => {
            // Read again when repeated: the steps that follow need the answer.
            if let Answer::Data(data) = work.context.perform(work.job, action)? {
                let merged = merge.apply(&work.current("data"), &data);
                work.change("data", merged);
            }
            Ok(Flow::next(Status::Processed))
        }
        Action::Invoke { template, context } => Ok(invoke(work, template, context.as_ref())),
        Action::AddToBatch(batch) => Ok(add_to_batch(work, batch)),
        Action::GetProfile { user, path, merge } => Ok(get_profile(work, user, path, *merge)),
        Action::Other(_) => Ok(Flow::next(Status::NotProcessed)),
    }
}

fn wait(work: &Work<'_>, delay: &Delay) -> Flow {
    let now = work.now();
    let due = match (work.job.due, delay) {
        (Some(due), _) => due,
        (None, Delay::For { ms }) => now.plus_ms(*ms),
        (None, Delay::Until { at_ms }) => Timestamp::from_ms(*at_ms),
        (None, Delay::Given { value, until }) => {
            let Some(text) = work.text(value) else { return Flow::error("the reference gives no time to wait") };
            let given = if *until {
                Timestamp::parse(&text).ok_or_else(|| format!("{text:?} is no time"))
            } else {
                duration::parse(&text).map(|ms| now.plus_ms(ms)).map_err(|error| error.to_string())
            };
            match given {
                Ok(due) => due,
                Err(why) => return Flow::error(why),
            }
        }
    };
    if due > now { Flow::Wait { due } } else { Flow::next(Status::Processed) }
}

fn update_profile(work: &mut Work<'_>, profile: &Value, recipient: Option<&Value>, merge: Merge) -> Flow {
    let named = recipient.map(|r| work.text(r));
    let recipient: Arc<str> = match (named, &work.request.recipient) {
        (Some(Some(named)), _) => named.into(),
        (None, Some(own)) => own.clone(),
        (Some(None), _) | (None, None) => return Flow::error("nobody's profile: no `recipient_id` and no recipient"),
    };
    let old = work.context.profile(&recipient).map_or(Value::Null, |p| (*p).clone());
    // A repeated job finds its own change already merged; merging again would not be the same for
    // `soft-merge` and `none`.
    let new = if work.is_repeated() { old } else { merge.apply(&old, &work.resolve(profile)) };
    if !work.is_repeated() {
        let order = Order::PutProfile { recipient: recipient.clone(), profile: Arc::new(new.clone()) };
        work.orders.push(order);
    }
    if work.request.recipient.as_ref() == Some(&recipient) {
        work.change("profile", new);
    }
    Flow::next(Status::Processed)
}

fn get_profile(work: &mut Work<'_>, user: &Value, path: &str, merge: Merge) -> Flow {
    let Some(user) = work.text(user) else { return Flow::error("`user_id` is empty") };
    let Some(profile) = work.context.profile(&user) else {
        let detail = Some(json!({"user_id": user, "found": false}));
        return Flow::Next { status: Status::Processed, detail };
    };
    match path.strip_prefix("data.") {
        None => {
            let merged = merge.apply(&work.current("profile"), &profile);
            work.change("profile", merged);
        }
        Some(inner) => {
            let mut data = work.current("data");
            put_at(&mut data, inner, |old| merge.apply(old, &profile));
            work.change("data", data);
        }
    }
    Flow::next(Status::Processed)
}

/// Changes the value at `path` inside `root`, making objects on the way where there are none.
fn put_at(root: &mut Value, path: &str, change: impl FnOnce(&Value) -> Value) {
    let mut at = root;
    for segment in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(members) = at else { return };
        at = members.entry(segment).or_insert(Value::Null);
    }
    *at = change(at);
}

fn invoke(work: &mut Work<'_>, template: &Value, context: Option<&Value>) -> Flow {
    let Some(name) = work.text(template) else { return Flow::error("`template` is empty") };
    let Some(automation) = work.context.template(&name) else {
        return Flow::error(format!("there is no automation template {name:?}"));
    };
    let given = context.map(|c| work.resolve(c)).unwrap_or(Value::Null);
    let mut members = Map::new();
    for member in ["brand", "data", "profile", "template"] {
        let value = match context_of(&given).get(member) {
            Some(given) => given.clone(),
            None => work.current(member),
        };
        if !value.is_null() {
            members.insert(member.to_owned(), value);
        }
    }
    let recipient = given.get("recipient").and_then(Value::as_str).map(Arc::from);
    let run = work.job.run.child(work.job.step);
    if !work.is_repeated() {
        work.orders.push(Order::PutRequest(Arc::new(Request {
            run,
            accepted: work.now(),
            automation,
            context: Arc::new(Value::Object(members)),
            recipient: recipient.or_else(|| work.request.recipient.clone()),
        })));
    }
    Flow::Next { status: Status::Processed, detail: Some(json!({"template": name, "invoked": run.to_string()})) }
}

/// The run that opens a batch waits until it closes and goes on; the others leave their item and
/// end.
fn add_to_batch(work: &mut Work<'_>, step: &AddToBatch) -> Flow {
    let Some(name) = work.text(&step.batch) else { return Flow::error("`batch_id` is empty") };
    let category = step.category.as_ref().and_then(|c| work.text(c)).unwrap_or_default();
    let key: Arc<str> = format!("{name}/{category}").into();
    let me = work.job.identity();
    let now = work.now();
    let open = work.context.batch(&key);
    if let Some(batch) = open.filter(|b| b.owner == me) {
        // Only a job that has waited closes its batch: that is how a repeated delivery tells an
        // owner from a member.
        if batch.due > now || work.job.due.is_none() {
            return Flow::Wait { due: batch.due };
        }
        work.orders.push(Order::CloseBatch { key });
        return Flow::Next { status: Status::Processed, detail: Some(json!({"items": batch.items})) };
    }
    if work.job.due.is_some() {
        // An owner once more: the batch is closed already.
        return Flow::next(Status::Processed);
    }
    if work.is_repeated() {
        return Flow::End { status: Status::Processed, detail: None };
    }
    let due = now.plus_ms(step.wait_ms);
    match open {
        None => {
            let batch = Batch { owner: me, opened: now, due, items: 1 };
            work.orders.push(Order::AddToBatch { key, item: me, batch });
            Flow::Wait { due }
        }
        Some(open) => {
            let items = open.items.saturating_add(1);
            let full = step.max_items.is_some_and(|max| items >= max);
            let latest = open.opened.plus_ms(step.max_wait_ms);
            let due = if full { now } else { due.min(latest).max(open.due) };
            work.orders.push(Order::AddToBatch { key, item: me, batch: Batch { due, items, ..open } });
            let detail = Some(json!({"batch": name, "owner": open.owner.run.to_string()}));
            Flow::End { status: Status::Processed, detail }
        }
    }
}
