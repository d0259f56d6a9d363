//! CloudFormation's answer to `ListStackResources`: XML.

use quick_xml::escape::escape;

use crate::pipeline::stack_request::StackResource;

pub fn written(resources: &[StackResource], token: Option<&str>) -> String {
    let members: String = resources.iter().map(member).collect();
    let token = token.map(|token| format!("<NextToken>{}</NextToken>", escape(token))).unwrap_or_default();
    format!(
        "<ListStackResourcesResponse xmlns=\"{NAMESPACE}\"><ListStackResourcesResult><StackResourceSummaries>{members}\
         </StackResourceSummaries>{token}</ListStackResourcesResult><ResponseMetadata><RequestId>sandbox</RequestId>\
         </ResponseMetadata></ListStackResourcesResponse>"
    )
}

fn member(resource: &StackResource) -> String {
    format!(
        "<member><LogicalResourceId>{}</LogicalResourceId><PhysicalResourceId>{}</PhysicalResourceId>\
         <ResourceType>{}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>",
        escape(&resource.logical_id),
        escape(&resource.physical_id),
        resource.kind
    )
}

const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
