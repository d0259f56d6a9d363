//! The rule of a composite alarm: `ALARM("a") AND NOT (OK(b) OR TRUE)`, read as AWS writes it.

use crate::model::alarm::AlarmState;
use crate::model::id::{AlarmName, Arn};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The named alarm is in this state.
    Is(AlarmState, AlarmName),
    Constant(bool),
    Not(Box<Rule>),
    And(Vec<Rule>),
    Or(Vec<Rule>),
}

/// Why a rule cannot be read, and at which character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the alarm rule cannot be read at character {at}: expected {expected}")]
pub struct RuleError {
    pub at: usize,
    pub expected: &'static str,
}

impl Rule {
    /// # Errors
    /// Where it stops being a rule.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let rule = reader.any_of()?;
        reader.blanks();
        if reader.at < text.len() { Err(reader.wants("AND, OR or the end")) } else { Ok(rule) }
    }

    /// The alarms it names, each once, in its order.
    pub fn names(&self) -> Vec<AlarmName> {
        let mut names = Vec::new();
        self.collect(&mut names);
        names
    }

    /// Whether it holds, given each alarm's state; an alarm that is not there is in none.
    pub fn holds(&self, state: &impl Fn(&AlarmName) -> Option<AlarmState>) -> bool {
        match self {
            Rule::Is(wanted, name) => state(name) == Some(*wanted),
            Rule::Constant(constant) => *constant,
            Rule::Not(rule) => !rule.holds(state),
            Rule::And(rules) => rules.iter().all(|rule| rule.holds(state)),
            Rule::Or(rules) => rules.iter().any(|rule| rule.holds(state)),
        }
    }

    fn collect(&self, names: &mut Vec<AlarmName>) {
        match self {
            Rule::Is(_, name) if !names.contains(name) => names.push(name.clone()),
            Rule::Is(..) | Rule::Constant(_) => {}
            Rule::Not(rule) => rule.collect(names),
            Rule::And(rules) | Rule::Or(rules) => rules.iter().for_each(|rule| rule.collect(names)),
        }
    }
}

/// The alarm's name in its ARN; a name stays what it is.
pub fn name_of(text: &str) -> AlarmName {
    let arn = Arn::from(text);
    let after = text.split_once(":alarm:").filter(|_| arn.service() == "cloudwatch").map(|(_, name)| name);
    AlarmName::from(after.unwrap_or(text))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn any_of(&mut self) -> Result<Rule, RuleError> {
        let mut rules = vec![self.all_of()?];
        while self.word("OR") {
            rules.push(self.all_of()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::Or(rules) })
    }

    fn all_of(&mut self) -> Result<Rule, RuleError> {
        let mut rules = vec![self.one()?];
        while self.word("AND") {
            rules.push(self.one()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::And(rules) })
    }

    fn one(&mut self) -> Result<Rule, RuleError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wants("fewer levels"));
        }
        let rule = self.one_within();
        self.depth -= 1;
        rule
    }

    fn one_within(&mut self) -> Result<Rule, RuleError> {
        if self.word("NOT") {
            return Ok(Rule::Not(Box::new(self.one()?)));
        }
        if self.sign('(') {
            let rule = self.any_of()?;
            return if self.sign(')') { Ok(rule) } else { Err(self.wants("a closing bracket")) };
        }
        for (word, constant) in [("TRUE", true), ("FALSE", false)] {
            if self.word(word) {
                return Ok(Rule::Constant(constant));
            }
        }
        for state in [AlarmState::Alarm, AlarmState::Ok, AlarmState::InsufficientData] {
            if self.word(state.as_str()) {
                return self.name().map(|name| Rule::Is(state, name));
            }
        }
        Err(self.wants("ALARM, OK, INSUFFICIENT_DATA, NOT, TRUE, FALSE or a bracket"))
    }

    /// `("a name")`, `(a-name)`, `(arn)`.
    fn name(&mut self) -> Result<AlarmName, RuleError> {
        if !self.sign('(') {
            return Err(self.wants("a bracket and an alarm's name"));
        }
        self.blanks();
        let rest = &self.text[self.at..];
        let (name, length) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"').ok_or_else(|| self.wants("a closing quotation mark"))?;
                (&quoted[..end], end + 2)
            }
            None => {
                let end = rest.find(')').ok_or_else(|| self.wants("a closing bracket"))?;
                (rest[..end].trim_end(), end)
            }
        };
        if name.is_empty() {
            return Err(self.wants("an alarm's name"));
        }
        let name = name_of(name);
        self.at += length;
        if self.sign(')') { Ok(name) } else { Err(self.wants("a closing bracket")) }
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn sign(&mut self, sign: char) -> bool {
        self.blanks();
        let found = self.text[self.at..].starts_with(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        found
    }

    /// A word of its own: `OR` and not `ORDER`.
    fn word(&mut self, word: &str) -> bool {
        self.blanks();
        let Some(rest) = self.text[self.at..].strip_prefix(word) else { return false };
        let found = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn wants(&self, expected: &'static str) -> RuleError {
        RuleError { at: self.text[..self.at].chars().count() + 1, expected }
    }
}

/// Deeper than any rule that AWS takes (100 children, 10,240 characters).
const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &str, firing: &[&str]) -> bool {
        let state = |name: &AlarmName| {
            Some(if firing.contains(&name.as_str()) { AlarmState::Alarm } else { AlarmState::Ok })
                .filter(|_| name.as_str() != "gone")
        };
        Rule::parse(rule).unwrap_or_else(|error| panic!("{rule}: {error}")).holds(&state)
    }

    #[test]
    fn rules_are_read_with_or_weaker_than_and() {
        let table = [
            (r#"ALARM("a b") OR ALARM(c)"#, &["c"][..], true),
            (r#"ALARM("a b") AND ALARM(c)"#, &["c"], false),
            ("ALARM(a) OR ALARM(b) AND ALARM(c)", &["a"], true),
            ("(ALARM(a) OR ALARM(b)) AND ALARM(c)", &["a"], false),
            ("ALARM(a)AND NOT(ALARM(b))", &["a"], true),
            ("NOT NOT OK(a)", &[], true),
            ("OK(gone) OR INSUFFICIENT_DATA(gone) OR ALARM(gone)", &[], false),
            ("TRUE AND NOT FALSE", &[], true),
            ("ALARM(arn:aws:cloudwatch:eu-west-1:1:alarm:a)", &["a"], true),
            (r#"  ALARM ( "OR" )  "#, &["OR"], true),
        ];
        for (rule, firing, wanted) in table {
            assert_eq!(holds(rule, firing), wanted, "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_where_it_ends_to_be_one() {
        let deep = "(".repeat(5_000);
        let table = [
            ("", 1),
            ("ALARM(a) XOR ALARM(b)", 10),
            ("ALARM(a", 7),
            ("ALARM()", 7),
            ("ALARM(\"a)", 7),
            ("ALARM(a) AND", 13),
            ("ORDER(a)", 1),
            ("é", 1),
        ];
        for (text, at) in table {
            assert_eq!(Rule::parse(text).map_err(|error| error.at), Err(at), "{text}");
        }
        assert!(Rule::parse(&deep).is_err());
    }

    #[test]
    fn names_are_told_once_in_their_order() {
        let rule = Rule::parse("ALARM(b) OR (OK(a) AND NOT ALARM(b))").expect("a rule");
        assert_eq!(rule.names(), ["b".into(), "a".into()]);
        assert_eq!(name_of("arn:aws:cloudwatch:r:1:alarm:with:colon").as_str(), "with:colon");
        assert_eq!(name_of("plain").as_str(), "plain");
    }
}
