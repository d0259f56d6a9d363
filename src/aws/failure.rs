//! From the SDK's errors to ours: what a service said is kept whole, what it did not say is named.
//! For a change the question is only whether it can have happened; `Unknown` is the answer whenever
//! it cannot be ruled out.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::model::service_error::{Outcome, ServiceError};

/// For a read: why there is no answer. Codes of our own, where no service gave one: `NoCredentials`,
/// `NotSent`, `Unreachable`, `TimedOut`, `NotAws` (something else answered) and `HttpNNN`.
pub(super) fn refused<E>(action: &str, error: &SdkError<E, HttpResponse>) -> ServiceError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let raw = error.raw_response();
    let (code, message) = match error {
        SdkError::ServiceError(_) if error.code().is_some_and(|code| !code.is_empty()) => {
            (error.code().unwrap_or_default().to_owned(), error.message().map_or_else(String::new, str::to_owned))
        }
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => match raw {
            Some(raw) => stranger(raw, error),
            None => ("NotAws".to_owned(), cause(error)),
        },
        SdkError::TimeoutError(_) => ("TimedOut".to_owned(), "no answer in time".to_owned()),
        SdkError::ConstructionFailure(_) => ("NotSent".to_owned(), cause(error)),
        _ if credentials(error).is_some() => ("NoCredentials".to_owned(), cause(error)),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ("TimedOut".to_owned(), cause(error)),
        _ => (ServiceError::UNREACHABLE.to_owned(), cause(error)),
    };
    let mut said = ServiceError {
        action: action.to_owned(),
        code,
        message,
        http: raw.map_or(0, |raw| raw.status().as_u16()),
        request_id: raw.and_then(request_id),
    };
    if let Some(advice) = what_now(&said) {
        let sep = if said.message.is_empty() { "" } else { "; " };
        said.message.push_str(&format!("{sep}{advice}"));
    }
    said
}

/// What helps, where it is not the service's to say.
fn what_now(said: &ServiceError) -> Option<&'static str> {
    match said.code.as_str() {
        _ if said.is_expired() => Some("log in again (`aws sso login`), or choose another --profile"),
        "NoCredentials" => Some("log in again (`aws sso login`), or choose another --profile"),
        "NotAws" | "Http404" | "Http405" => Some("is it an endpoint of this service?"),
        ServiceError::UNREACHABLE => Some("are network, --region and --endpoint-url right?"),
        _ => None,
    }
}

/// For a change: `Refused` only when it is certain that nothing was done.
pub(super) fn outcome<T, E>(action: &str, result: Result<T, SdkError<E, HttpResponse>>) -> Outcome<T>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let error = match result {
        Ok(value) => return Outcome::Done(value),
        Err(error) => error,
    };
    let said = refused(action, &error);
    if certainly_not_done(&error, said.http) { Outcome::Refused(said) } else { Outcome::Unknown(said.to_string()) }
}

fn certainly_not_done<E>(error: &SdkError<E, HttpResponse>, http: u16) -> bool
where
    E: Error + Send + Sync + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => true,
        // A 4xx is the service's own no, even when its body cannot be read; 408 is a time-out.
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => (400..500).contains(&http) && http != 408,
        SdkError::DispatchFailure(_) => credentials(error).is_some() || never_connected(error),
        _ => false,
    }
}

/// The connection was never made, so nothing was sent on it.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|source| {
        source.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
            || source.to_string() == HYPER_CONNECT
    })
}

fn credentials<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    sources(error).find_map(|source| source.downcast_ref::<CredentialsError>())
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// An answer without a code of AWS's: most likely not AWS at all.
fn stranger(raw: &HttpResponse, error: &(dyn Error + 'static)) -> (String, String) {
    let status = raw.status().as_u16();
    let content_type = raw.headers().get("content-type").unwrap_or("").to_owned();
    let body = raw.body().bytes().unwrap_or_default();
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let looks_like = if content_type.contains("html") {
        Some("HTML")
    } else if start == Some(&b'<') {
        Some("XML")
    } else {
        None
    };
    match looks_like {
        Some(what) => (
            "NotAws".to_owned(),
            format!(
                "the endpoint answered {status} with {what}, which is not this service's protocol{}",
                excerpt(body)
            ),
        ),
        None if (200..300).contains(&status) => {
            let what = if content_type.is_empty() { "no content type".to_owned() } else { content_type };
            ("NotAws".to_owned(), format!("the answer ({what}) cannot be read: {}", cause(error)))
        }
        None => (format!("Http{status}"), excerpt(body).trim_start_matches(": ").to_owned()),
    }
}

/// The readable start of a body: `: Bad Gateway`.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..EXCERPT_BYTES.min(body.len())).unwrap_or_default());
    let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| title);
    let said: String = match title {
        Some(title) => title.to_owned(),
        None if text.trim_start().starts_with('<') => String::new(),
        None => text.into_owned(),
    };
    let line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
    if line.trim().is_empty() { String::new() } else { format!(": {}", line.trim()) }
}

fn request_id(raw: &HttpResponse) -> Option<String> {
    ["x-amzn-requestid", "x-amz-request-id"].iter().find_map(|name| raw.headers().get(*name)).map(str::to_owned)
}

/// The innermost causes, which say more than "dispatch failure".
pub(super) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for source in sources(error).skip(1) {
        let text = source.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    let keep = parts.len().saturating_sub(2);
    let text = parts.split_off(keep).join(": ");
    if text.is_empty() { Plain(error).to_string() } else { text }
}

struct Plain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", DisplayErrorContext(self.0))
    }
}

/// How hyper's client words an error met before any byte was sent.
const HYPER_CONNECT: &str = "client error (Connect)";
/// Enough of a body to find its title in.
const EXCERPT_BYTES: usize = 2_048;
