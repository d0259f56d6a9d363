//! The AWS query protocol: a form goes in, XML comes out. STS `GetCallerIdentity` is answered here,
//! CloudFormation's in `stack`; every other action is refused by name.

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use quick_xml::escape::escape;

use super::{answer, body, mismatched};
use crate::model::service_error::ServiceError;
use crate::pipeline::request::{Reply, Response};

/// What a form asks.
#[derive(Debug)]
pub enum Asked {
    Identity,
    /// All of them, or the one of that name.
    Stacks(Option<String>),
    /// Of the stack of that name or ARN, from that token on.
    Resources {
        stack: String,
        token: Option<String>,
    },
}

pub fn read(form: &[u8]) -> Result<Asked, ServiceError> {
    let form = body::text(form).map_err(|error| {
        let mut refusal = ServiceError::new("query", "InvalidQueryParameter", error.to_string());
        refusal.http = error.http();
        refusal
    })?;
    let member = |name: &str| {
        let value = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
    };
    let action = member("Action").unwrap_or_default();
    match action.as_str() {
        "GetCallerIdentity" => return Ok(Asked::Identity),
        "DescribeStacks" => return Ok(Asked::Stacks(member("StackName"))),
        "ListStackResources" => {
            let stack = member("StackName").ok_or_else(|| {
                let message = "1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null";
                ServiceError::new(action.as_str(), "ValidationError", message)
            })?;
            return Ok(Asked::Resources { stack, token: member("NextToken") });
        }
        _ => {}
    }
    let message = format!(
        "The action {action} is not valid for this endpoint. In the query protocol only GetCallerIdentity, DescribeStacks and ListStackResources are answered; SQS and \
         CloudWatch are served in JSON and CBOR, which every current SDK speaks."
    );
    Err(ServiceError::new(action.as_str(), "InvalidAction", message))
}

pub fn write(response: Response) -> http::Response<Bytes> {
    match response {
        Ok(Reply::Identity { account, arn, user_id }) => xml(
            200,
            &format!(
                "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult><Arn>{}</Arn><UserId>{}</UserId>\
                 <Account>{}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata>\
                 </GetCallerIdentityResponse>",
                escape(&arn),
                escape(&user_id),
                escape(&account)
            ),
        ),
        Ok(_) => refusal(&mismatched("sts:GetCallerIdentity")),
        Err(error) => refusal(&error),
    }
}

pub(super) fn refusal(error: &ServiceError) -> http::Response<Bytes> {
    let side = if error.http >= 500 { "Receiver" } else { "Sender" };
    xml(
        error.http,
        &format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{side}</Type><Code>{}</Code><Message>{}</Message></Error>\
             <RequestId>sandbox</RequestId></ErrorResponse>",
            escape(&error.code),
            escape(&error.message)
        ),
    )
}

pub(super) fn xml(status: u16, body: &str) -> http::Response<Bytes> {
    answer(status, &[("content-type", "text/xml")], body.to_owned())
}

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_answered_and_escaped() {
        assert!(read(b"Action=GetCallerIdentity&Version=2011-06-15").is_ok());
        let reply = Reply::Identity { account: "1".into(), arn: "a<b>".into(), user_id: "u".into() };
        let answer = write(Ok(reply));
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(text.contains("<Arn>a&lt;b&gt;</Arn>") && text.contains("<Account>1</Account>"), "{text}");
    }

    #[test]
    fn another_action_is_named_in_the_refusal() {
        let error = read(b"Action=ReceiveMessage&QueueUrl=x").expect_err("refused");
        assert_eq!(error.code, "InvalidAction");
        assert!(error.message.contains("ReceiveMessage"));
    }
}
