//! The stack that everything is deployed by: functions, mappings, table and bucket, and the queues in a
//! stack nested in it.

use crate::model::service_error::ServiceError;
use crate::pipeline::Pipeline;
use crate::pipeline::request::Reply;
use crate::pipeline::stack_request::StackResource;

/// The stack's name.
pub const STACK: &str = "courier-automations";
/// The one nested in it.
const NESTED: &str = "courier-automations-queues";
/// Resources a page of the answer holds at most, as CloudFormation's.
const PAGE: usize = 100;

impl Pipeline {
    /// By name or ARN, from the token on.
    pub(super) fn stack_resources(&self, stack: &str, token: Option<&str>) -> Result<Reply, ServiceError> {
        let invalid = |message: String| ServiceError::new(ACTION, "ValidationError", message);
        let made = match stack {
            STACK => self.made_by_stack(),
            name if name == NESTED || name == self.nested_stack() => self.made_by_nested(),
            name => return Err(invalid(format!("Stack with id {name} does not exist"))),
        };
        let start = match token {
            None => 0,
            Some(token) => token
                .parse::<usize>()
                .ok()
                .filter(|start| *start < made.len())
                .ok_or_else(|| invalid(format!("Invalid NextToken {token}")))?,
        };
        let end = made.len().min(start + PAGE);
        let token = (end < made.len()).then(|| end.to_string());
        Ok(Reply::StackResources { resources: made[start..end].to_vec(), token })
    }

    fn made_by_stack(&self) -> Vec<StackResource> {
        let blueprint = self.blueprint();
        let functions = blueprint.functions.iter().map(|f| made("AWS::Lambda::Function", f.name.as_str()));
        let mappings = blueprint.mappings.iter().map(|m| made("AWS::Lambda::EventSourceMapping", m.id.as_str()));
        functions
            .chain(mappings)
            .chain([
                made("AWS::DynamoDB::Table", &blueprint.table.name),
                made("AWS::S3::Bucket", &blueprint.bucket.name),
                made("AWS::CloudFormation::Stack", &self.nested_stack()),
            ])
            .collect()
    }

    fn made_by_nested(&self) -> Vec<StackResource> {
        let blueprint = self.blueprint();
        let url = |name: &str| format!("{}/{}/{name}", blueprint.sqs_endpoint, blueprint.account);
        blueprint.queues.iter().map(|queue| made("AWS::SQS::Queue", &url(queue.name.as_str()))).collect()
    }

    fn nested_stack(&self) -> String {
        let blueprint = self.blueprint();
        let (region, account) = (&blueprint.region, &blueprint.account);
        format!("arn:aws:cloudformation:{region}:{account}:stack/{NESTED}/5b9e2f10-0000-4000-8000-000000000001")
    }
}

fn made(kind: &'static str, id: &str) -> StackResource {
    let logical = id.rsplit(['/', ':']).next().unwrap_or_default();
    let logical_id = logical.chars().filter(char::is_ascii_alphanumeric).collect();
    StackResource { kind, logical_id, physical_id: id.to_owned() }
}

const ACTION: &str = "cloudformation:ListStackResources";
