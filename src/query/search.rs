//! Finding messages by what a person types: words, phrases, qualifiers, negation, jq. The console's
//! filter line and `--where` speak this one language. A fault is an error with its place, never a
//! search that silently finds something else: what is found may be deleted next.

mod parse;
mod test;

use std::fmt;

use crate::model::message::Message;
use crate::model::time::Timestamp;
use crate::query::filter::Word;
use crate::query::kind::Kind;
use crate::query::search::test::Test;

pub use crate::query::search::parse::complete;

/// An expression ready to be asked.
#[derive(Debug, Clone)]
pub struct Search {
    terms: Vec<Term>,
    jq: Option<String>,
}

#[derive(Debug, Clone)]
struct Term {
    negated: bool,
    test: Test,
}

/// What is wrong with an expression, and where: characters before the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub at: usize,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.at + 1, self.what)
    }
}

impl std::error::Error for Fault {}

/// Which of the terms a kind answers for all its messages: words are looked for loosely in its text
/// once a kind, not once a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InKind(Vec<bool>);

impl Search {
    /// `None` when there is nothing to look for: everything matches.
    ///
    /// # Errors
    /// What cannot be understood, and where.
    pub fn new(text: &str) -> Result<Option<Self>, Fault> {
        let (terms, jq) = parse::parse(text)?;
        Ok((!terms.is_empty() || jq.is_some()).then_some(Search { terms, jq }))
    }

    /// The jq program that must agree too; [`Search::takes`] does not ask it.
    pub fn jq(&self) -> Option<&str> {
        self.jq.as_deref()
    }

    /// True when jq is all there is.
    pub fn is_jq_alone(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn in_kind(&self, kind: &Kind) -> InKind {
        let text = kind.to_string();
        let mut loose = Word::matcher();
        InKind(
            self.terms
                .iter()
                .map(|term| match &term.test {
                    Test::Word(word) => loose.finds(word, &text),
                    _ => false,
                })
                .collect(),
        )
    }

    /// True when every term but jq agrees. `now` is what ages are counted to.
    pub fn takes(&self, message: &Message, kind: &Kind, in_kind: &InKind, now: Timestamp) -> bool {
        self.terms.iter().enumerate().all(|(index, term)| {
            let known = in_kind.0.get(index).copied().unwrap_or(false);
            (known || term.test.takes(message, kind, now)) != term.negated
        })
    }

    /// The same without having asked the kind before.
    pub fn takes_one(&self, message: &Message, kind: &Kind, now: Timestamp) -> bool {
        self.takes(message, kind, &self.in_kind(kind), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attribute, Attributes, SystemAttributes};
    use crate::query::kind::kind_of;

    const NOW: Timestamp = Timestamp::from_s(1_000_000);

    fn message() -> Message {
        Message {
            id: "5fea7756-0ea4-451a-a703-a558b933e274".into(),
            receipt: "r".into(),
            body: r#"{"run":"r-1","step":2,"action":"send","to":"ann@example.com"}"#.to_owned(),
            attributes: Attributes::from([
                ("tenant".to_owned(), Attribute::text("acme-eu")),
                ("ErrorMessage".to_owned(), Attribute::text("SMTP timed out after 10 s")),
            ]),
            system: SystemAttributes {
                sent_at: NOW.plus_s(-3 * 3600),
                receive_count: 6,
                dead_letter_source: Some("arn:aws:sqs:r:1:JobQueue".into()),
                group_id: Some("g-7".to_owned()),
                ..SystemAttributes::default()
            },
        }
    }

    fn takes(text: &str) -> bool {
        let search = Search::new(text).unwrap_or_else(|fault| panic!("{text}: {fault}")).expect("a term");
        search.takes_one(&message(), &kind_of(&message()), NOW)
    }

    #[test]
    fn qualifiers_words_phrases_and_negation_must_all_agree() {
        for found in [
            "step:send",
            "step:SE*",
            "from:JobQueue",
            "from:*queue",
            "error:\"timed out\"",
            "kind:letter",
            "id:5fea7756*",
            "group:g-7",
            "attr:tenant",
            "attr.tenant:acme*",
            "age>2h",
            "age<=3h",
            "age>=2h30m",
            "count>=5",
            "count:6",
            "count=6",
            "size>100b",
            "size<1kb",
            "form:run",
            "ann",
            "jq jobqueue",
            "\"ann@example.com\"",
            "-bob",
            "-step:invoke -age>1d",
            "step:send ann -\"bob\"",
            "\"step\"",
            "https://x -http://y -12:30 -\":2\" https",
        ] {
            let wanted = !found.contains("https");
            assert_eq!(takes(found), wanted, "{found}");
        }
        for missing in [
            "step:sen",
            "from:Job",
            "error:refused",
            "kind:sns",
            "age>4h",
            "count<6",
            "-ann",
            "-step:send",
            "attr:x",
            "attr.tenant:beta",
            "is:redriven",
            "ann bob",
        ] {
            assert!(!takes(missing), "{missing}");
        }
    }

    #[test]
    fn a_fault_is_told_with_its_place_and_never_taken_for_text() {
        for (text, at, said) in [
            ("ann setp:send", 4, "no qualifier"),
            ("-setp:send", 1, "no qualifier"),
            ("age>2x", 4, "duration"),
            ("age:2h", 3, "age>2h"),
            ("count>many", 6, "number"),
            ("size>10zb", 5, "10kb"),
            ("kind:letters", 5, "letter, lambda"),
            ("step:", 5, "nothing"),
            ("step>send", 4, "step:send"),
            ("a \"b c", 2, "not closed"),
            ("error:\"b c", 6, "not closed"),
            ("-", 0, "nothing"),
            ("jq:", 3, "program"),
            ("-jq: .a", 1, "cannot"),
            ("attr.:x", 6, "attribute"),
        ] {
            let fault = Search::new(text).expect_err(text);
            assert_eq!(fault.at, at, "{text}: {fault}");
            assert!(fault.what.contains(said), "{text}: {fault}");
        }
    }

    #[test]
    fn the_rest_behind_jq_is_one_program() {
        let jq = |text: &str| Search::new(text).expect("valid").and_then(|search| search.jq().map(str::to_owned));
        assert_eq!(jq("step:send jq: .body.a | . > \"x y\" "), Some(".body.a | . > \"x y\"".to_owned()));
        assert_eq!(jq(" .body.step == 2"), Some(".body.step == 2".to_owned()));
        assert_eq!(jq("jobqueue"), None);
        assert!(Search::new("  ").expect("valid").is_none());
    }

    #[test]
    fn a_qualifier_begun_is_completed() {
        assert_eq!(complete("st"), Some("step:".to_owned()));
        assert_eq!(complete("step:send -fr"), Some("step:send -from:".to_owned()));
        assert_eq!(complete("ag"), Some("age>".to_owned()));
        assert_eq!(complete("kind:ev"), Some("kind:eventbridge ".to_owned()));
        assert_eq!(complete("a"), Some("a".to_owned()), "attr or age: no further in common");
        assert_eq!(complete("xyz"), None);
        assert_eq!(complete("jq: .bo"), None);
        assert_eq!(complete(""), None);
    }
}
