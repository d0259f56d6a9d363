//! CloudWatch Logs' filter patterns, as far as people write them: terms (all of them), `"phrases"`,
//! `?any ?of ?these`, `-not`, and `{ $.level = "ERROR" && $.code > 400 }` over JSON. Case counts.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// All of the first, one of the second where there are any, none of the third.
    Terms { all: Vec<String>, any: Vec<String>, none: Vec<String> },
    /// One of these groups, all of whose tests hold.
    Json(Vec<Vec<Test>>),
}

#[derive(Debug, Clone, PartialEq)]
struct Test {
    path: Vec<String>,
    operator: Operator,
    value: String,
    /// It was not quoted and is a number.
    number: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// In this order: a longer one is not taken for its beginning.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Pattern {
    /// # Errors
    /// Why the pattern cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(inside) = text.strip_prefix('{') {
            let inside = inside.strip_suffix('}').ok_or("a { without its }")?;
            let groups = inside.split("||").map(|group| group.split("&&").map(test).collect());
            return Ok(Pattern(Kind::Json(groups.collect::<Result<_, _>>()?)));
        }
        if text.starts_with('[') || text.starts_with('%') {
            return Err("space-delimited and regular-expression patterns are not understood here".to_owned());
        }
        terms(text)
    }

    pub fn takes(&self, line: &str) -> bool {
        match &self.0 {
            Kind::Terms { all, any, none } => {
                all.iter().all(|term| line.contains(term.as_str()))
                    && (any.is_empty() || any.iter().any(|term| line.contains(term.as_str())))
                    && !none.iter().any(|term| line.contains(term.as_str()))
            }
            Kind::Json(groups) => match serde_json::from_str::<Value>(line) {
                Ok(value) => groups.iter().any(|tests| tests.iter().all(|test| test.holds(&value))),
                Err(_) => false,
            },
        }
    }
}

fn terms(text: &str) -> Result<Pattern, String> {
    let (mut all, mut any, mut none) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let kind = rest.chars().next().filter(|c| matches!(c, '?' | '-'));
        rest = kind.map_or(rest, |_| &rest[1..]);
        let (term, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quotation mark without its other")?,
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        let terms = match kind {
            Some('?') => &mut any,
            Some(_) => &mut none,
            None => &mut all,
        };
        if !term.is_empty() {
            terms.push(term.to_owned());
        }
        rest = after.trim_start();
    }
    Ok(Pattern(Kind::Terms { all, any, none }))
}

fn test(text: &str) -> Result<Test, String> {
    let text = text.trim();
    let found = OPERATORS.iter().filter_map(|(sign, operator)| Some((text.find(sign)?, *sign, *operator)));
    let (at, sign, operator) = found.min_by_key(|(at, ..)| *at).ok_or(format!("{text:?} compares nothing"))?;
    let path = text[..at].trim().strip_prefix("$.").ok_or(format!("{text:?} names no member ($.name)"))?;
    let value = text[at + sign.len()..].trim();
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let number = if quoted.is_some() { None } else { value.parse().ok() };
    let value = quoted.unwrap_or(value).to_owned();
    Ok(Test { path: path.split('.').map(str::to_owned).collect(), operator, value, number })
}

impl Test {
    fn holds(&self, line: &Value) -> bool {
        let Some(found) = self.path.iter().try_fold(line, |value, name| value.get(name)) else { return false };
        if let (Some(wanted), Some(found)) = (self.number, found.as_f64()) {
            return match self.operator {
                Operator::Equal => found == wanted,
                Operator::NotEqual => found != wanted,
                Operator::Less => found < wanted,
                Operator::LessOrEqual => found <= wanted,
                Operator::Greater => found > wanted,
                Operator::GreaterOrEqual => found >= wanted,
            };
        }
        let spelled = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        match self.operator {
            Operator::Equal => wild(&self.value, &spelled),
            Operator::NotEqual => !wild(&self.value, &spelled),
            _ => false,
        }
    }
}

/// `*` at either end stands for anything.
fn wild(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) => text.contains(pattern.trim_matches('*')),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => text == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(pattern: &str, line: &str) -> bool {
        Pattern::parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}")).takes(line)
    }

    #[test]
    fn terms_phrases_choices_and_exclusions() {
        let line = "[ERROR] KeyError: Task timed out after 3.00 seconds";
        for pattern in
            ["", "ERROR", "ERROR KeyError", "\"timed out\"", "?WARN ?ERROR", "?x ?\"Task timed\"", "ERROR -INFO"]
        {
            assert!(takes(pattern, line), "{pattern}");
        }
        for pattern in ["error", "ERROR INFO", "\"out timed\"", "?WARN ?INFO", "ERROR -KeyError", "-ERROR"] {
            assert!(!takes(pattern, line), "{pattern}");
        }
    }

    #[test]
    fn members_of_json_lines() {
        let line = r#"{"level":"ERROR","code":503,"error":{"kind":"ProviderError"}}"#;
        for pattern in [
            r#"{ $.level = "ERROR" }"#,
            "{ $.level = ERROR && $.code >= 500 }",
            "{ $.code < 100 || $.error.kind = \"Provider*\" }",
            "{ $.level != \"INFO\" }",
        ] {
            assert!(takes(pattern, line), "{pattern}");
            assert!(!takes(pattern, "no JSON"), "{pattern}");
        }
        for pattern in [r#"{ $.level = "WARN" }"#, "{ $.code > 503 }", "{ $.gone = 1 }", "{ $.gone != 1 }"] {
            assert!(!takes(pattern, line), "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["{ $.a = 1", "\"open", "{ level = 1 }", "{ $.a }", "[ip, user]", "%regex%"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
