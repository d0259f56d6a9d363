//! The qualifiers by which messages are found: the one table behind the console's filter line, its
//! completion, `--where` and its help. What they mean is `query`'s business.

/// How a qualifier is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// `step:send`, `step:send*`
    Name,
    /// `error:"timed out"`: found anywhere in it.
    Text,
    /// `age>2h`
    Duration,
    /// `count>=5`
    Number,
    /// `size>10kb`
    Bytes,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// `attr:tenant`, `attr.tenant:acme*`
    Attribute,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Qualifier {
    pub name: &'static str,
    pub takes: Takes,
    pub help: &'static str,
    pub example: &'static str,
}

const fn q(name: &'static str, takes: Takes, example: &'static str, help: &'static str) -> Qualifier {
    Qualifier { name, takes, help, example }
}

pub const QUALIFIERS: &[Qualifier] = &[
    q("step", Takes::Name, "step:send", "the job's action or step; * stands for anything"),
    q("from", Takes::Name, "from:JobQueue", "the queue, function, topic or rule it came from"),
    q("error", Takes::Text, "error:\"timed out\"", "found in the error the message carries"),
    q(
        "kind",
        Takes::Word(&["letter", "lambda", "stream", "sns", "eventbridge"]),
        "kind:lambda",
        "what sort of dead letter it is",
    ),
    q("form", Takes::Text, "form:text", "found in the body's form: {action,run}, text, an array"),
    q("id", Takes::Name, "id:5fea7756*", "the message's id"),
    q("group", Takes::Name, "group:tenant-7", "its MessageGroupId"),
    q("attr", Takes::Attribute, "attr.tenant:acme*", "it has the attribute (attr:tenant), or the attribute is so"),
    q("is", Takes::Word(&["redriven"]), "is:redriven", "it was redriven before and died again"),
    q("age", Takes::Duration, "age>2h", "how long ago it was sent: s, m, h, d"),
    q("count", Takes::Number, "count>=5", "how often it was received"),
    q("size", Takes::Bytes, "size>10kb", "body and attributes: b, kb, mb"),
];

impl Qualifier {
    /// True when it is written with `:` and not compared.
    pub fn is_named(&self) -> bool {
        !matches!(self.takes, Takes::Duration | Takes::Number | Takes::Bytes)
    }
}

/// The whole language, for help.
pub fn help() -> String {
    let mut text = String::from(
        "EXPR: every word must be found, in id, body, attributes or kind; \"a phrase\" is one word;\n\
         -word leaves out what has it. Qualifiers:\n",
    );
    for qualifier in QUALIFIERS {
        text.push_str(&format!("  {:<22}{}\n", qualifier.example, qualifier.help));
    }
    text.push_str(
        "  jq: .body.step > 2    the rest is a jq program over {body, attributes, meta}; so is an\n\
         \x20                       EXPR that begins with a dot. It must yield something true.\n\
         Example: 'step:send age>2h -is:redriven jq: .body.recipient | endswith(\"@example.com\")'",
    );
    text
}
