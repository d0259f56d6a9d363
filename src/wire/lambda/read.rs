//! Lambda requests from method, path, query, headers and body.

use bytes::Bytes;
use http::Method;
use percent_encoding::percent_decode_str;

use super::{Shape, mapping};
use crate::model::id::{Arn, FunctionName, MappingId};
use crate::model::service_error::ServiceError;
use crate::pipeline::request::{InvokeKind, LambdaRequest};
use crate::wire::body;
use crate::wire::json::Object;
use crate::wire::members::{MemberError, Members};

/// The request, and the shape of its answer.
pub fn read(request: &http::Request<Bytes>) -> Result<(LambdaRequest, Shape), ServiceError> {
    let path = request.uri().path();
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    // The date of the API comes first; the operation does not depend on it.
    match segments.get(1..).unwrap_or_default() {
        ["event-source-mappings", rest @ ..] => mappings(request, rest).map(|request| (request, Shape::Plain)),
        ["functions", rest @ ..] => functions(request, rest),
        ["account-settings"] if *request.method() == Method::GET => {
            Ok((LambdaRequest::GetAccountSettings, Shape::Plain))
        }
        _ => Err(unknown(request)),
    }
}

fn mappings(request: &http::Request<Bytes>, rest: &[&str]) -> Result<LambdaRequest, ServiceError> {
    match (request.method(), rest) {
        (&Method::GET, []) => {
            let action = "lambda:ListEventSourceMappings";
            Ok(LambdaRequest::ListMappings {
                source: parameter(request, "EventSourceArn").map(Arn::new),
                function: parameter(request, "FunctionName").map(|name| function_name(&name).to_string()),
                max: page_size(request, action)?,
                marker: parameter(request, "Marker"),
            })
        }
        (&Method::GET, [id]) => Ok(LambdaRequest::GetMapping(MappingId::from(*id))),
        (&Method::PUT, [id]) => {
            let action = "lambda:UpdateEventSourceMapping";
            let object = object(request, action)?;
            let update = mapping::read_update(Members::new(&object)).map_err(|error| malformed(action, &error))?;
            Ok(LambdaRequest::UpdateMapping { id: MappingId::from(*id), update })
        }
        _ => Err(unknown(request)),
    }
}

fn functions(request: &http::Request<Bytes>, rest: &[&str]) -> Result<(LambdaRequest, Shape), ServiceError> {
    let plain = |request: LambdaRequest| Ok((request, Shape::Plain));
    let name = || function_name(rest.first().copied().unwrap_or(""));
    match (request.method(), rest) {
        (&Method::GET, []) => {
            let max = page_size(request, "lambda:ListFunctions")?;
            plain(LambdaRequest::ListFunctions { max, marker: parameter(request, "Marker") })
        }
        (&Method::GET, [_]) => Ok((LambdaRequest::GetFunction(name()), Shape::Function)),
        (&Method::GET, [_, "configuration"]) => Ok((LambdaRequest::GetFunction(name()), Shape::Configuration)),
        // The archive is not looked at: the sandbox's functions are its own.
        (&Method::PUT, [_, "code"]) => Ok((LambdaRequest::UpdateCode(name()), Shape::Configuration)),
        (&Method::GET, [_, "concurrency"]) => plain(LambdaRequest::GetConcurrency(name())),
        (&Method::PUT, [_, "concurrency"]) => {
            let action = "lambda:PutFunctionConcurrency";
            let object = object(request, action)?;
            let reserved = Members::new(&object)
                .need_number("ReservedConcurrentExecutions")
                .map_err(|error| malformed(action, &error))?;
            plain(LambdaRequest::PutConcurrency(name(), reserved))
        }
        (&Method::DELETE, [_, "concurrency"]) => plain(LambdaRequest::DeleteConcurrency(name())),
        (&Method::GET, [_, "event-invoke-config"]) => plain(LambdaRequest::GetAsynchronous(name())),
        (&Method::PUT, [_, "event-invoke-config"]) => plain(put_asynchronous(request, name())?),
        (&Method::GET, [_, "recursion-config"]) => plain(LambdaRequest::GetRecursion(name())),
        (&Method::PUT, [_, "recursion-config"]) => {
            let action = "lambda:PutFunctionRecursionConfig";
            let object = object(request, action)?;
            let text = Members::new(&object).need_text("RecursiveLoop").map_err(|error| malformed(action, &error))?;
            let allow = match text.as_str() {
                "Allow" => true,
                "Terminate" => false,
                other => {
                    return Err(invalid(action, format!("RecursiveLoop: expected Allow or Terminate, got {other}")));
                }
            };
            plain(LambdaRequest::PutRecursion(name(), allow))
        }
        (&Method::GET, [_, "policy"]) => plain(LambdaRequest::GetPolicy(name())),
        (&Method::POST, [_, "invocations"]) => plain(invoke(request, name())?),
        _ => Err(unknown(request)),
    }
}

/// Of the configuration only the destination is the sandbox's; `Put` replaces it whole.
fn put_asynchronous(request: &http::Request<Bytes>, name: FunctionName) -> Result<LambdaRequest, ServiceError> {
    let action = "lambda:PutFunctionEventInvokeConfig";
    let object = object(request, action)?;
    let on_failure = match Members::new(&object).object("DestinationConfig") {
        Ok(Some(config)) => config.object("OnFailure"),
        other => other,
    };
    let to = on_failure.and_then(|on_failure| on_failure.map_or(Ok(None), |m| m.text("Destination")));
    let to = to.map_err(|error| malformed(action, &error))?;
    Ok(LambdaRequest::PutAsynchronous(name, to.filter(|arn| !arn.is_empty()).map(Arn::new)))
}

fn invoke(request: &http::Request<Bytes>, function: FunctionName) -> Result<LambdaRequest, ServiceError> {
    let action = "lambda:Invoke";
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let kind = match header("x-amz-invocation-type") {
        None | Some("RequestResponse") => InvokeKind::RequestResponse,
        Some("Event") => InvokeKind::Event,
        Some("DryRun") => InvokeKind::DryRun,
        Some(other) => return Err(invalid(action, format!("X-Amz-Invocation-Type: {other} is not one"))),
    };
    let payload = body::json_text(request.body()).map_err(|error| {
        let mut refusal = ServiceError::new(action, "InvalidRequestContentException", error.to_string());
        refusal.http = error.http();
        refusal
    })?;
    // A function that is invoked with nothing gets an empty object.
    let payload = if payload.trim().is_empty() { "{}" } else { payload };
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(payload) {
        let text = format!("Could not parse request body into json: {error}");
        return Err(ServiceError::new(action, "InvalidRequestContentException", text));
    }
    let log_tail = header("x-amz-log-type") == Some("Tail");
    Ok(LambdaRequest::Invoke { function, payload: payload.to_owned(), kind, log_tail })
}

/// The bare name in a name, a name with a version or alias, an ARN or a partial ARN (aws-facts §1.1).
fn function_name(text: &str) -> FunctionName {
    let after = text.split_once("function:").map_or(text, |(_, rest)| rest);
    FunctionName::from(after.split(':').next().unwrap_or(after))
}

fn parameter(request: &http::Request<Bytes>, name: &str) -> Option<String> {
    let query = request.uri().query()?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned()).filter(|text| !text.is_empty())
}

fn page_size(request: &http::Request<Bytes>, action: &str) -> Result<Option<u32>, ServiceError> {
    let Some(text) = parameter(request, "MaxItems") else { return Ok(None) };
    match text.parse() {
        Ok(n) if n > 0 => Ok(Some(n)),
        _ => Err(invalid(action, format!("MaxItems: expected a number of 1 or more, got {text}"))),
    }
}

fn object<'a>(request: &'a http::Request<Bytes>, action: &str) -> Result<Object<'a>, ServiceError> {
    if request.body().is_empty() {
        return Ok(Object::default());
    }
    body::json_object(request.body()).map_err(|error| {
        let mut refusal = ServiceError::new(action, "SerializationException", error.to_string());
        refusal.http = error.http();
        refusal
    })
}

fn malformed(action: &str, error: &MemberError) -> ServiceError {
    let code = match error {
        MemberError::Missing(_) | MemberError::Unsupported(_) => "InvalidParameterValueException",
        MemberError::Type { .. } => "SerializationException",
    };
    ServiceError::new(action, code, error.to_string())
}

fn invalid(action: &str, message: String) -> ServiceError {
    ServiceError::new(action, "InvalidParameterValueException", message)
}

fn unknown(request: &http::Request<Bytes>) -> ServiceError {
    let message = format!("{} {} is not an operation the sandbox answers", request.method(), request.uri().path());
    let mut error = ServiceError::new("lambda", "UnknownOperationException", message);
    error.http = 404;
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, uri: &str, body: &str) -> Result<LambdaRequest, ServiceError> {
        let request = http::Request::builder().method(method).uri(uri).body(Bytes::from(body.to_owned()));
        read(&request.expect("valid")).map(|(request, _)| request)
    }

    #[test]
    fn paths_are_read_with_and_without_trailing_slash() {
        for uri in
            ["/2015-03-31/event-source-mappings?FunctionName=f", "/2015-03-31/event-source-mappings/?FunctionName=f"]
        {
            let expected =
                LambdaRequest::ListMappings { source: None, function: Some("f".into()), max: None, marker: None };
            assert_eq!(request("GET", uri, ""), Ok(expected));
        }
        assert_eq!(
            request("GET", "/2015-03-31/event-source-mappings/u-1/", ""),
            Ok(LambdaRequest::GetMapping("u-1".into()))
        );
    }

    #[test]
    fn a_function_is_known_by_any_of_its_names() {
        for name in [
            "f",
            "f:live",
            "arn:aws:lambda:r:1:function:f",
            "arn%3Aaws%3Alambda%3Ar%3A1%3Afunction%3Af%3A%24LATEST",
            "1:function:f",
        ] {
            let uri = format!("/2015-03-31/functions/{name}/policy");
            assert_eq!(request("GET", &uri, ""), Ok(LambdaRequest::GetPolicy("f".into())), "{name}");
        }
    }

    #[test]
    fn faults_are_told() {
        let code = |method, uri, body| request(method, uri, body).map_err(|error| error.code);
        assert_eq!(code("GET", "/2015-03-31/functions?MaxItems=x", ""), Err("InvalidParameterValueException".into()));
        assert_eq!(
            code("PUT", "/2017-10-31/functions/f/concurrency", "{}"),
            Err("InvalidParameterValueException".into())
        );
        assert_eq!(code("POST", "/2015-03-31/functions/f/code", ""), Err("UnknownOperationException".into()));
        assert_eq!(code("PUT", "/2015-03-31/event-source-mappings/u", "[1]"), Err("SerializationException".into()));
    }
}
