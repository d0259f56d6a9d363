//! CloudFormation's `DescribeStacks` and `ListStackResources`, as they are answered in the query protocol:
//! XML.

use bytes::Bytes;
use quick_xml::escape::escape;

use super::identity::{refusal, xml};
use super::mismatched;
use super::stack_resources::written;
use crate::model::stack::Stack;
use crate::pipeline::request::{Reply, Response};

pub fn write(response: Response) -> http::Response<Bytes> {
    match response {
        Ok(Reply::Stacks(stacks)) => {
            let members: String = stacks.iter().map(member).collect();
            xml(
                200,
                &format!(
                    "<DescribeStacksResponse xmlns=\"{NAMESPACE}\"><DescribeStacksResult><Stacks>{members}</Stacks>\
                     </DescribeStacksResult><ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata>\
                     </DescribeStacksResponse>"
                ),
            )
        }
        Ok(Reply::StackResources { resources, token }) => xml(200, &written(&resources, token.as_deref())),
        Ok(_) => refusal(&mismatched("cloudformation:DescribeStacks")),
        Err(error) => refusal(&error),
    }
}

fn member(stack: &Stack) -> String {
    let time = |name: &str, at: Option<crate::model::time::Timestamp>| {
        at.map(|at| format!("<{name}>{at}</{name}>")).unwrap_or_default()
    };
    let name = escape(&stack.name);
    format!(
        "<member><StackId>{name}</StackId><StackName>{name}</StackName>{}{}<StackStatus>{}</StackStatus></member>",
        time("CreationTime", stack.created_at),
        time("LastUpdatedTime", stack.updated_at),
        escape(&stack.status)
    )
}

const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
