//! The no of a service that is asked without an SDK crate of its own: its code and message, read as
//! the SDK reads them out of JSON and XML, so that retries and `failure` treat it the same.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quick_xml::events::Event;
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Said(ErrorMetadata);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Error for Said {}

impl ProvideErrorMetadata for Said {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl Said {
    /// From an answer that is no success. Without a code in it somebody else answered.
    pub(super) fn read(response: &HttpResponse) -> Self {
        let body = response.body().bytes().unwrap_or_default();
        let (code, message) = match serde_json::from_slice::<Value>(body) {
            Ok(document) => in_json(&document),
            Err(_) => in_xml(body),
        };
        let header = response.headers().get("x-amzn-errortype").map(bare);
        let mut meta = ErrorMetadata::builder();
        if let Some(code) = header.or(code).filter(|code| !code.is_empty()) {
            meta = meta.code(code);
        }
        if let Some(message) = message {
            meta = meta.message(message);
        }
        Said(meta.build())
    }
}

fn in_json(document: &Value) -> (Option<String>, Option<String>) {
    let text = |names: &[&str]| names.iter().find_map(|name| document.get(name)).and_then(Value::as_str);
    (text(&["__type", "code"]).map(bare), text(&["message", "Message", "errorMessage"]).map(str::to_owned))
}

/// `com.amazonaws.logs#LimitExceededException:http://…` is `LimitExceededException`.
fn bare(code: &str) -> String {
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    code.split_once(':').map_or(code, |(code, _)| code).trim().to_owned()
}

/// `<Code>` and `<Message>`, wherever AWS's query protocol or S3 puts them.
fn in_xml(body: &[u8]) -> (Option<String>, Option<String>) {
    let (mut code, mut message) = (None, None);
    let mut reader = quick_xml::Reader::from_reader(body);
    let (mut element, mut buffer) = (String::new(), Vec::new());
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => element = start.local_name().as_ref().to_owned(),
            Ok(Event::End(_)) => element.clear(),
            Ok(Event::Eof) | Err(_) => return (code, message),
            Ok(event) => {
                let slot = match element.as_str() {
                    "Code" => &mut code,
                    "Message" => &mut message,
                    _ => continue,
                };
                slot.get_or_insert_with(String::new).push_str(&written(&event));
            }
        }
        buffer.clear();
    }
}

/// The text of an event; an entity comes as an event of its own.
pub(super) fn written(event: &Event<'_>) -> String {
    match event {
        Event::Text(text) => text.as_ref().to_owned(),
        Event::CData(text) => text.as_ref().to_owned(),
        Event::GeneralRef(entity) => match entity.as_ref() {
            "lt" => "<".to_owned(),
            "gt" => ">".to_owned(),
            "amp" => "&".to_owned(),
            "quot" => "\"".to_owned(),
            "apos" => "'".to_owned(),
            _ => entity.resolve_char_ref().ok().flatten().map(String::from).unwrap_or_default(),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lose_their_namespace_and_their_address() {
        assert_eq!(bare("com.amazonaws.logs#ThrottlingException"), "ThrottlingException");
        assert_eq!(bare("AccessDeniedException:http://internal.amazon.com/coral/"), "AccessDeniedException");
        let document = serde_json::json!({"__type": "a.b#C", "Message": "no"});
        assert_eq!(in_json(&document), (Some("C".to_owned()), Some("no".to_owned())));
    }

    #[test]
    fn both_shapes_of_xml_are_read_and_nonsense_is_nothing() {
        let query = b"<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
            <Message>Stack [a &lt;b&gt;] &#38; more</Message></Error><RequestId>r</RequestId></ErrorResponse>";
        assert_eq!(in_xml(query), (Some("ValidationError".to_owned()), Some("Stack [a <b>] & more".to_owned())));
        let storage =
            b"<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message><![CDATA[gone]]></Message></Error>";
        assert_eq!(in_xml(storage), (Some("NoSuchKey".to_owned()), Some("gone".to_owned())));
        assert_eq!(in_xml(b"<html><title>502"), (None, None));
        assert_eq!(in_xml(b"not XML"), (None, None));
    }
}
