//! Values that refer to the run's context: `{"$ref": "data.foo.bar"}`, `${data.foo}` inside a text,
//! and bare paths in conditions (aws-facts §9).

use serde_json::{Map, Value};

/// How deep values are followed; JSON parsers here stop at 128, so nothing real is cut.
const MAX_DEPTH: usize = 128;

/// Where references look: the run's context as requested, what earlier steps changed of it, and the
/// recipient.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// `data`, `profile`, `brand`, `template` as the request gave them.
    pub context: &'a Value,
    /// `data`, `profile` or `refs` that earlier steps replaced; wins over `context`.
    pub overlay: Option<&'a Value>,
    pub recipient: Option<&'a str>,
}

impl Scope<'_> {
    /// The value at `data.items[0].name`; `None` when the path leads nowhere.
    pub fn lookup(&self, path: &str) -> Option<Value> {
        let mut segments = segments(path)?.into_iter();
        let first = segments.next()?;
        let overlaid = self.overlay.and_then(|overlay| overlay.get(&first));
        let root = match overlaid.or_else(|| self.context.get(&first)) {
            Some(value) => value,
            None if first == "recipient" && segments.len() == 0 => return self.recipient.map(Value::from),
            None => return None,
        };
        let found = segments.try_fold(root, |value, segment| match value {
            Value::Array(elements) => elements.get(segment.parse::<usize>().ok()?),
            value => value.get(&segment),
        });
        found.cloned()
    }

    /// `value` with every reference in it replaced. A reference that leads nowhere becomes null, or
    /// nothing inside a text.
    pub fn resolve(&self, value: &Value) -> Value {
        self.resolve_at(value, 0)
    }

    fn resolve_at(&self, value: &Value, depth: usize) -> Value {
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        match value {
            Value::Object(members) => match reference(members) {
                Some(path) => self.lookup(path).unwrap_or(Value::Null),
                None => {
                    let resolved = members.iter().map(|(k, v)| (k.clone(), self.resolve_at(v, depth + 1)));
                    Value::Object(resolved.collect())
                }
            },
            Value::Array(elements) => elements.iter().map(|v| self.resolve_at(v, depth + 1)).collect(),
            Value::String(text) if text.contains("${") => self.interpolate(text),
            other => other.clone(),
        }
    }

    /// A text that is one `${…}` and nothing else becomes the value itself, not its spelling.
    fn interpolate(&self, text: &str) -> Value {
        if let Some(path) = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'))
            && !path.contains("${")
        {
            return self.lookup(path.trim()).unwrap_or(Value::Null);
        }
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((path, tail)) = after.split_once('}') else {
                out.push_str("${");
                rest = after;
                continue;
            };
            match self.lookup(path.trim()) {
                None | Some(Value::Null) => {}
                Some(Value::String(value)) => out.push_str(&value),
                Some(value) => out.push_str(&value.to_string()),
            }
            rest = tail;
        }
        out.push_str(rest);
        Value::String(out)
    }
}

/// The path of `{"$ref": "…"}`, which has that one member.
pub fn reference(members: &Map<String, Value>) -> Option<&str> {
    if members.len() == 1 { members.get("$ref").and_then(Value::as_str) } else { None }
}

/// True when `value` holds a reference, at any depth: only then must it be resolved.
pub fn refers(value: &Value) -> bool {
    match value {
        Value::Object(members) => reference(members).is_some() || members.values().any(refers),
        Value::Array(elements) => elements.iter().any(refers),
        Value::String(text) => text.contains("${"),
        _ => false,
    }
}

/// `data.items[0].name` as `data`, `items`, `0`, `name`; `None` when it is no path.
pub fn segments(path: &str) -> Option<Vec<String>> {
    let mut segments = Vec::new();
    for part in path.split('.') {
        let (name, mut indexes) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part, ""),
        };
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
        if name.is_empty() || !name.chars().all(plain) {
            return None;
        }
        segments.push(name.to_owned());
        while !indexes.is_empty() {
            let (index, rest) = indexes.strip_prefix('[')?.split_once(']')?;
            if index.is_empty() || !index.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            segments.push(index.to_owned());
            indexes = rest;
        }
    }
    Some(segments)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_replaced_wherever_they_stand() {
        let context = json!({"data": {"n": 3, "items": [{"name": "a"}], "who": "Ada"}, "profile": {"x": 1}});
        let overlay = json!({"profile": {"x": 2}});
        let scope = Scope { context: &context, overlay: Some(&overlay), recipient: Some("user-1") };
        let value = json!({
            "whole": "${data.n}", "text": "n=${data.n} ${data.who}${data.nothing}!", "ref": {"$ref": "data.items[0].name"},
            "deep": [{"$ref": "profile.x"}], "recipient": {"$ref": "recipient"}, "open": "a ${data", "missing": "${data.no}",
        });
        let resolved = json!({
            "whole": 3, "text": "n=3 Ada!", "ref": "a", "deep": [2], "recipient": "user-1", "open": "a ${data",
            "missing": null,
        });
        assert_eq!(scope.resolve(&value), resolved);
        assert!(refers(&value) && !refers(&resolved["deep"]));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[${}a-c.\\[\\]0-9é]{0,24}") {
            let context = json!({"a": {"b": [1, {"c": 2}]}});
            let scope = Scope { context: &context, overlay: None, recipient: None };
            let _ = scope.lookup(&text);
            let _ = scope.resolve(&json!({ "t": text }));
        }
    }
}
