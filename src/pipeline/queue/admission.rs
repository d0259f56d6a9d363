//! What a message must be before a queue takes it (aws-facts §3.1).

use crate::model::message::{Attribute, AttributeValue, MAX_ATTRIBUTES, Outgoing};
use crate::model::service_error::ServiceError;
use crate::pipeline::queue::settings::{MAX_DELAY_S, Settings};
use crate::pipeline::queues::refusal::{invalid, invalid_value, missing, refuse};

/// # Errors
/// The first rule of SQS's that the message breaks.
pub fn check(message: &Outgoing, settings: &Settings) -> Result<(), ServiceError> {
    if message.body.is_empty() {
        return Err(missing("MessageBody"));
    }
    if message.body.chars().any(|c| !is_allowed(c)) {
        return Err(refuse("InvalidMessageContents", 400, CONTENTS));
    }
    if let Some(delay_s) = message.delay_s.filter(|delay_s| *delay_s > MAX_DELAY_S) {
        return Err(invalid_value(delay_s, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900."));
    }
    check_order(message, settings)?;
    let count = message.attributes.len();
    if count > MAX_ATTRIBUTES {
        return Err(invalid(format!(
            "Number of message attributes [{count}] exceeds the allowed maximum [{MAX_ATTRIBUTES}]."
        )));
    }
    for (name, attribute) in &message.attributes {
        check_name(name)?;
        check_attribute(name, attribute)?;
    }
    let max_bytes = settings.max_message_bytes;
    if message.size_bytes() > usize::try_from(max_bytes).unwrap_or(usize::MAX) {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {max_bytes} bytes."
        )));
    }
    Ok(())
}

/// What makes a message of a FIFO queue, and must not stand on one of a standard queue; a group may
/// (aws-facts §3.8).
fn check_order(message: &Outgoing, settings: &Settings) -> Result<(), ServiceError> {
    const WRONG_KIND: &str = "The request include parameter that is not valid for this queue type.";
    for (name, value) in [("MessageGroupId", &message.group_id), ("MessageDeduplicationId", &message.deduplication_id)]
    {
        if let Some(text) = value.as_ref().filter(|text| !is_order_id(text)) {
            let reason =
                format!("{name} can only include alphanumeric and punctuation characters. 1 to 128 in length.");
            return Err(invalid_value(text, name, &reason));
        }
    }
    match &message.deduplication_id {
        Some(id) if !settings.fifo => return Err(invalid_value(id, "MessageDeduplicationId", WRONG_KIND)),
        _ if !settings.fifo => return Ok(()),
        None if !settings.content_based_deduplication => {
            return Err(invalid(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
            ));
        }
        _ => {}
    }
    if message.group_id.is_none() {
        return Err(missing("MessageGroupId"));
    }
    match message.delay_s {
        // Delays of a FIFO queue are the queue's.
        Some(delay_s) if delay_s > 0 => Err(invalid_value(delay_s, "DelaySeconds", WRONG_KIND)),
        _ => Ok(()),
    }
}

/// 1 to 128 letters, digits and punctuation marks.
fn is_order_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

const CONTENTS: &str = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.";
const MAX_NAME: usize = 256;

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let characters = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    let lower = name.to_ascii_lowercase();
    let reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
    if name.is_empty() || name.len() > MAX_NAME || !characters || dots {
        return Err(invalid(format!("Message (user) attribute name '{name}' is invalid.")));
    }
    if reserved {
        return Err(invalid(format!("Message (user) attribute name '{name}' uses a reserved prefix.")));
    }
    Ok(())
}

fn check_attribute(name: &str, attribute: &Attribute) -> Result<(), ServiceError> {
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let fits = match (&attribute.value, kind) {
        (AttributeValue::Text(text), "String") => !text.is_empty() && text.chars().all(is_allowed),
        (AttributeValue::Text(text), "Number") => text.parse::<f64>().is_ok_and(f64::is_finite),
        (AttributeValue::Binary(bytes), "Binary") => !bytes.is_empty(),
        (_, "String" | "Number" | "Binary") => false,
        _ => {
            return Err(invalid(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            )));
        }
    };
    if fits {
        return Ok(());
    }
    Err(invalid(format!(
        "The message attribute '{name}' must contain a non-empty value of the set type '{}'.",
        attribute.data_type
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Outgoing {
        Outgoing { body: text.to_owned(), ..Outgoing::default() }
    }

    fn with(name: &str, attribute: Attribute) -> Outgoing {
        let mut message = body("b");
        message.attributes.insert(name.to_owned(), attribute);
        message
    }

    fn code(message: &Outgoing) -> Option<String> {
        let settings = Settings { max_message_bytes: 1024, ..Settings::default() };
        check(message, &settings).err().map(|error| error.code)
    }

    #[test]
    fn order_is_asked_of_a_fifo_queue_and_a_group_is_taken_by_both() {
        let text = |text: &str| Some(text.to_owned());
        let (group, both) = (
            Outgoing { group_id: text("g"), ..body("b") },
            Outgoing { group_id: text("g"), deduplication_id: text("d"), ..body("b") },
        );
        assert_eq!(code(&group), None);
        assert_eq!(code(&both).as_deref(), Some("InvalidParameterValue"));
        assert_eq!(
            code(&Outgoing { group_id: text("no space"), ..body("b") }).as_deref(),
            Some("InvalidParameterValue")
        );
        let fifo = Settings { fifo: true, ..Settings::default() };
        let by_content = Settings { content_based_deduplication: true, ..fifo.clone() };
        let code = |message: &Outgoing, settings| check(message, settings).err().map(|error| error.code);
        assert_eq!(code(&both, &fifo), None);
        assert_eq!(code(&group, &fifo).as_deref(), Some("InvalidParameterValue"), "nothing to deduplicate by");
        assert_eq!(code(&group, &by_content), None);
        assert_eq!(code(&body("b"), &by_content).as_deref(), Some("MissingParameter"));
        assert_eq!(code(&Outgoing { delay_s: Some(0), ..both.clone() }, &fifo), None);
        assert_eq!(code(&Outgoing { delay_s: Some(1), ..both }, &fifo).as_deref(), Some("InvalidParameterValue"));
    }

    #[test]
    fn bodies_are_checked() {
        assert_eq!(code(&body("fine\t\u{10ffff}")), None);
        assert_eq!(code(&body("")).as_deref(), Some("MissingParameter"));
        assert_eq!(code(&body("\u{1b}[2J")).as_deref(), Some("InvalidMessageContents"));
        assert_eq!(code(&body("\u{ffff}")).as_deref(), Some("InvalidMessageContents"));
        assert_eq!(code(&body(&"x".repeat(1024))), None);
        assert_eq!(code(&body(&"x".repeat(1025))).as_deref(), Some("InvalidParameterValue"));
    }

    #[test]
    fn attributes_are_checked_and_counted_in_the_size() {
        let number =
            |text: &str| Attribute { data_type: "Number.int".into(), value: AttributeValue::Text(text.into()) };
        assert_eq!(code(&with("n", number("-1.5e3"))), None);
        assert!(code(&with("n", number("many"))).is_some());
        assert!(code(&with("AWS.n", number("1"))).is_some());
        assert!(code(&with("a..b", number("1"))).is_some());
        assert!(code(&with("n", Attribute { data_type: "Colour".into(), ..number("1") })).is_some());
        assert!(code(&with("n", Attribute::text(""))).is_some());
        assert!(code(&with("n", Attribute::text("x".repeat(1024)))).is_some());
        let mut many = body("b");
        many.attributes = (0..11).map(|i| (format!("a{i}"), Attribute::text("v"))).collect();
        assert!(code(&many).is_some());
        assert!(code(&Outgoing { delay_s: Some(901), ..body("b") }).is_some());
    }
}
