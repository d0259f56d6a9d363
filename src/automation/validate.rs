//! JSON to [`Automation`]: every fault is found and named by its path, not only the first.

use std::sync::Arc;

use serde_json::Value;

use crate::automation::accessor::refers;
use crate::automation::condition::Condition;
use crate::automation::definition::{Action, AddToBatch, Automation, Delay, Step};
use crate::automation::duration;
use crate::automation::fault::Fault;
use crate::automation::field::{Check, Fields};
use crate::automation::merge::Merge;
use crate::model::time::Timestamp;

/// Steps of one automation; a limit of ours.
pub const MAX_STEPS: usize = 1000;
/// The longest `max_wait_period` of a batch: 60 days (aws-facts §9).
const MAX_BATCH_WAIT_MS: i64 = 60 * 24 * 3600 * 1000;

/// Reads `value` as an automation. `path` is where it stands, for the faults.
///
/// # Errors
/// Every fault, in the order of the text.
pub fn automation(value: &Value, path: &str) -> Result<Automation, Vec<Fault>> {
    let mut check = Check::default();
    let steps = check.steps(value, path);
    let token = value.get("cancelation_token").filter(|v| !v.is_null());
    if let Some(token) = token {
        check.text_or_reference(token, &format!("{path}.cancelation_token"));
    }
    if value.get("cancellation_token").is_some() {
        check.fault(&format!("{path}.cancellation_token"), "is spelled `cancelation_token`, with one l");
    }
    if !check.faults.is_empty() {
        return Err(check.faults);
    }
    Ok(Automation { steps, cancelation_token: token.cloned(), source: value.clone(), notes: check.notes })
}

impl Check {
    fn steps(&mut self, automation: &Value, path: &str) -> Vec<Step> {
        let Some(members) = automation.as_object() else {
            self.fault(path, "must be an object with `steps`");
            return Vec::new();
        };
        let path = format!("{path}.steps");
        let steps = match members.get("steps") {
            Some(Value::Array(steps)) => steps,
            Some(_) => {
                self.fault(&path, "must be a list of steps");
                return Vec::new();
            }
            None => {
                self.fault(&path, "is required");
                return Vec::new();
            }
        };
        if steps.is_empty() {
            self.fault(&path, "must hold at least one step");
        }
        if steps.len() > MAX_STEPS {
            self.fault(&path, &format!("holds {} steps; at most {MAX_STEPS} are taken", steps.len()));
            return Vec::new();
        }
        let mut names: Vec<&str> = Vec::new();
        let mut read = Vec::with_capacity(steps.len());
        for (index, step) in steps.iter().enumerate() {
            let path = format!("{path}[{index}]");
            if let Some(name) = step.get("ref").and_then(Value::as_str) {
                if names.contains(&name) {
                    self.fault(&format!("{path}.ref"), &format!("{name:?} is the name of an earlier step"));
                }
                names.push(name);
            }
            read.extend(self.step(step, &path));
        }
        read
    }

    /// `None` when the step cannot be read at all; a fault says why.
    fn step(&mut self, step: &Value, path: &str) -> Option<Step> {
        let Some(members) = step.as_object() else {
            self.fault(path, "must be an object with `action`");
            return None;
        };
        let condition = self.condition(members.get("if"), &format!("{path}.if"));
        let reference = match members.get("ref") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) if !name.is_empty() && !name.contains('.') => Some(Arc::from(name.as_str())),
            Some(_) => {
                self.fault(&format!("{path}.ref"), "must be a name without dots");
                None
            }
        };
        let action = match members.get("action") {
            Some(Value::String(action)) if !action.is_empty() => action.as_str(),
            Some(_) => {
                self.fault(&format!("{path}.action"), "must be the name of an action");
                return None;
            }
            None => {
                self.fault(&format!("{path}.action"), "is required");
                return None;
            }
        };
        let fields = Fields { members, path };
        let action = self.action(action, &fields)?;
        let detail = detail(&action);
        Some(Step { action, condition, reference, detail })
    }

    fn condition(&mut self, value: Option<&Value>, path: &str) -> Option<Condition> {
        match value {
            None | Some(Value::Null) => None,
            Some(Value::Bool(literal)) => Some(Condition::Literal(Value::Bool(*literal))),
            Some(Value::String(text)) => match Condition::parse(text) {
                Ok(condition) => Some(condition),
                Err(error) => {
                    self.fault(path, &error.to_string());
                    None
                }
            },
            // `{"$ref": …}` reads the same as JSON and inside a condition.
            Some(reference @ Value::Object(_)) if refers(reference) => {
                self.condition(Some(&Value::String(reference.to_string())), path)
            }
            Some(_) => {
                self.fault(path, "must be a condition, as text");
                None
            }
        }
    }

    fn action(&mut self, action: &str, fields: &Fields<'_>) -> Option<Action> {
        match action {
            "send" => self.send(fields),
            "send-list" => self.send_list(fields),
            "delay" => self.delay(fields),
            "cancel" => Some(Action::Cancel { token: self.required_text(fields, "cancelation_token")? }),
            "update-profile" => self.update_profile(fields),
            "fetch-data" => {
                let webhook = self.webhook(fields.get("webhook"), &fields.at("webhook"));
                let merge = self.merge(fields, "merge_strategy");
                Some(Action::FetchData { webhook: webhook?, merge })
            }
            "invoke" => {
                let context = fields.get("context");
                if context.is_some_and(|c| !c.is_object()) {
                    self.fault(&fields.at("context"), "must be an object");
                }
                let template = self.required_text(fields, "template");
                Some(Action::Invoke { template: template?, context: context.cloned() })
            }
            "add-to-batch" => self.add_to_batch(fields).map(Action::AddToBatch),
            "get-profile" => self.get_profile(fields),
            unknown => {
                let message = format!("the action {unknown:?} is not known: it is kept, and will be passed over");
                self.notes.push(Fault::new(fields.at("action"), message));
                Some(Action::Other(Arc::new(unknown.to_owned())))
            }
        }
    }

    fn send(&mut self, fields: &Fields<'_>) -> Option<Action> {
        if let Some(message) = fields.get("message") {
            if !message.is_object() {
                self.fault(&fields.at("message"), "must be an object");
            } else {
                if message.get("to").is_none_or(Value::is_null) {
                    self.fault(&fields.at("message.to"), "is required");
                }
                if message.get("template").is_none() && message.get("content").is_none() {
                    self.fault(&fields.at("message"), "needs `template` or `content`");
                }
            }
            return Some(Action::Send { recipient: None, template: None, message: Some(message.clone()) });
        }
        let recipient = self.required_text(fields, "recipient");
        let template = self.required_text(fields, "template");
        Some(Action::Send { recipient: Some(recipient?), template: Some(template?), message: None })
    }

    fn send_list(&mut self, fields: &Fields<'_>) -> Option<Action> {
        let list = self.required_text(fields, "list");
        let template = self.optional_text(fields, "template");
        let data_source = match fields.get("data_source") {
            None => None,
            Some(source) => {
                let path = fields.at("data_source");
                let webhook = self.webhook(source.get("webhook"), &format!("{path}.webhook"));
                let merge = match source.as_object() {
                    Some(members) => self.merge(&Fields { members, path: &path }, "merge_strategy"),
                    None => Merge::Replace,
                };
                webhook.map(|w| (w, merge))
            }
        };
        Some(Action::SendList { list: list?, template, data_source })
    }

    fn delay(&mut self, fields: &Fields<'_>) -> Option<Action> {
        match (fields.get("duration"), fields.get("until")) {
            (Some(_), Some(_)) => {
                self.fault(fields.path, "has both `duration` and `until`; give one");
                None
            }
            (None, None) => {
                self.fault(fields.path, "needs `duration` (\"5 minutes\") or `until` (ISO 8601)");
                None
            }
            (Some(value), None) if refers(value) => {
                Some(Action::Delay(Delay::Given { value: value.clone(), until: false }))
            }
            (None, Some(value)) if refers(value) => {
                Some(Action::Delay(Delay::Given { value: value.clone(), until: true }))
            }
            (Some(value), None) => {
                let ms = self.duration(value, &fields.at("duration"), duration::parse)?;
                Some(Action::Delay(Delay::For { ms }))
            }
            (None, Some(value)) => match value.as_str().and_then(Timestamp::parse) {
                Some(at) => Some(Action::Delay(Delay::Until { at_ms: at.ms() })),
                None => {
                    self.fault(&fields.at("until"), "is no time (expected 2026-01-01T00:00:00Z)");
                    None
                }
            },
        }
    }

    fn update_profile(&mut self, fields: &Fields<'_>) -> Option<Action> {
        let recipient = self.optional_text(fields, "recipient_id");
        let merge = self.merge(fields, "merge");
        match fields.get("profile") {
            Some(profile) if profile.is_object() => {
                Some(Action::UpdateProfile { profile: profile.clone(), recipient, merge })
            }
            Some(_) => {
                self.fault(&fields.at("profile"), "must be an object");
                None
            }
            None => {
                self.fault(&fields.at("profile"), "is required");
                None
            }
        }
    }

    fn add_to_batch(&mut self, fields: &Fields<'_>) -> Option<AddToBatch> {
        let batch = self.required_text(fields, "batch_id");
        let mut period = |name: &str| match fields.get(name) {
            Some(value) => self.duration(value, &fields.at(name), duration::parse_iso),
            None => {
                self.fault(&fields.at(name), "is required");
                None
            }
        };
        let (wait_ms, max_wait_ms) = (period("wait_period"), period("max_wait_period"));
        if max_wait_ms.is_some_and(|ms| ms > MAX_BATCH_WAIT_MS) {
            self.fault(&fields.at("max_wait_period"), "is longer than 60 days");
        }
        if let (Some(wait), Some(max)) = (wait_ms, max_wait_ms)
            && wait > max
        {
            self.fault(&fields.at("wait_period"), "is longer than `max_wait_period`");
        }
        let max_items = match fields.get("max_items") {
            None => None,
            Some(value) => {
                // A number, or a number as text: the designer writes both.
                let number = value.as_u64().or_else(|| value.as_str().and_then(|t| t.parse().ok()));
                let number = number.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
                if number.is_none() {
                    self.fault(&fields.at("max_items"), "must be a whole number above 0");
                }
                number
            }
        };
        self.retain(fields);
        let category = self.optional_text(fields, "category_key");
        Some(AddToBatch { batch: batch?, wait_ms: wait_ms?, max_wait_ms: max_wait_ms?, max_items, category })
    }

    fn retain(&mut self, fields: &Fields<'_>) {
        let path = fields.at("retain");
        let Some(retain) = fields.get("retain") else {
            self.fault(&path, "is required");
            return;
        };
        let kind = retain.get("type").and_then(Value::as_str);
        match kind {
            Some("first" | "last") => {}
            Some("highest" | "lowest") if retain.get("sort_key").is_some_and(Value::is_string) => {}
            Some("highest" | "lowest") => {
                self.fault(&format!("{path}.sort_key"), "is required with highest and lowest")
            }
            _ => self.fault(&format!("{path}.type"), "must be first, last, highest or lowest"),
        }
    }

    fn get_profile(&mut self, fields: &Fields<'_>) -> Option<Action> {
        let user = self.required_text(fields, "user_id");
        let merge = self.merge(fields, "merge_strategy");
        let path = match fields.get("path") {
            None => Some("profile".to_owned()),
            Some(Value::String(path)) if path == "profile" || path.starts_with("data.") => Some(path.clone()),
            Some(_) => {
                self.fault(&fields.at("path"), "must be `profile` or begin with `data.`");
                None
            }
        };
        Some(Action::GetProfile { user: user?, path: path?, merge })
    }
}

/// The template of a send that names one literally: made once, shared by every run's event.
fn detail(action: &Action) -> Option<Arc<String>> {
    match action {
        Action::Send { template: Some(template), .. } | Action::SendList { template: Some(template), .. }
            if !refers(template) =>
        {
            Some(Arc::new(serde_json::json!({ "template": template }).to_string()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_action_is_read() {
        let steps = json!({"cancelation_token": "t-${data.id}", "steps": [
            {"action": "send", "recipient": "u", "template": "welcome", "if": "data.n > 1", "ref": "first"},
            {"action": "send", "message": {"to": {"user_id": "u"}, "content": {"title": "t"}}},
            {"action": "send-list", "list": "l", "template": "t",
             "data_source": {"webhook": {"url": "https://x.example"}, "merge_strategy": "soft-merge"}},
            {"action": "delay", "duration": "5 minutes"},
            {"action": "delay", "until": "2026-01-01T00:00:00Z"},
            {"action": "delay", "duration": {"$ref": "data.wait"}},
            {"action": "cancel", "cancelation_token": "t"},
            {"action": "update-profile", "profile": {"a": 1}, "merge": "overwrite"},
            {"action": "fetch-data", "webhook": {"method": "GET", "url": "https://x.example/${data.id}"}},
            {"action": "invoke", "template": "other"},
            {"action": "add-to-batch", "batch_id": "b", "wait_period": "PT1M", "max_wait_period": "PT5M",
             "retain": {"type": "highest", "sort_key": "data.n"}, "max_items": "10"},
            {"action": "get-profile", "user_id": "u", "path": "data.who"},
            {"action": "fax", "number": 1},
        ]});
        let automation = automation(&steps, "automation").expect("all of it is right");
        assert_eq!(automation.steps.len(), 13);
        assert_eq!(automation.source, steps);
        assert_eq!(automation.notes.len(), 1);
        assert_eq!(automation.notes[0].path, "automation.steps[12].action");
        assert_eq!(automation.steps[12].action, Action::Other(Arc::new("fax".into())));
    }

    #[test]
    fn all_faults_are_reported_each_with_its_path() {
        let value = json!({"cancellation_token": "two", "steps": [
            {"action": "delay", "duration": "5 minuts", "if": "data.n >"},
            {"recipient": "u"},
            {"action": "send", "template": 7},
            "send",
            {"action": "fetch-data", "webhook": {"url": "ftp://x", "method": "LOOK"}, "merge_strategy": "mix"},
            {"action": "add-to-batch", "batch_id": "b", "wait_period": "PT10M", "max_wait_period": "5 minutes",
             "retain": {"type": "any"}},
            {"action": "delay"},
            {"action": "send", "recipient": "u", "template": "t", "ref": "a.b"},
        ]});
        let faults = automation(&value, "automation").expect_err("much of it is wrong");
        let paths: Vec<&str> = faults.iter().map(|f| f.path.strip_prefix("automation.").unwrap_or(&f.path)).collect();
        assert_eq!(
            paths,
            [
                "steps[0].if",
                "steps[0].duration",
                "steps[1].action",
                "steps[2].recipient",
                "steps[2].template",
                "steps[3]",
                "steps[4].webhook.url",
                "steps[4].webhook.method",
                "steps[4].merge_strategy",
                "steps[5].max_wait_period",
                "steps[5].retain.type",
                "steps[6]",
                "steps[7].ref",
                "cancellation_token",
            ]
        );
        assert!(faults[1].to_string().starts_with("automation.steps[0].duration: \"5 minuts\" is no duration"));
        for (value, path) in [(json!(3), "a"), (json!({}), "a.steps"), (json!({"steps": []}), "a.steps")] {
            assert_eq!(automation(&value, "a").expect_err("wrong")[0].path, path);
        }
    }
}
