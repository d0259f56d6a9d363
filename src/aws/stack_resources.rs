//! What a CloudFormation stack made, by the names other services know it by.

use std::collections::BTreeSet;

use crate::aws::Account;
use crate::aws::cloudformation::Page;
use crate::model::scope::Scope;
use crate::model::service_error::ServiceError;

const NESTED: &str = "AWS::CloudFormation::Stack";

impl Account {
    /// A stack as a scope of names: what it made and what the stacks directly in it made. Every other
    /// scope is itself.
    ///
    /// # Errors
    /// What CloudFormation refused: `Stack with id shop does not exist`.
    pub async fn resolved(&self, scope: &Scope) -> Result<Scope, ServiceError> {
        let Scope::Stack(stack) = scope else { return Ok(scope.clone()) };
        let mut names = BTreeSet::new();
        let mut nested = Vec::new();
        for resource in self.stack_resources(stack).await? {
            match resource.kind.as_str() {
                NESTED => nested.push(resource.id),
                _ => drop(names.insert(resource.name())),
            }
        }
        for stack in nested {
            let made = self.stack_resources(&stack).await?;
            names.extend(made.iter().filter(|resource| resource.kind != NESTED).map(Resource::name));
        }
        Ok(Scope::Named { label: scope.label(), names })
    }

    async fn stack_resources(&self, stack: &str) -> Result<Vec<Resource>, ServiceError> {
        let action = "cloudformation:ListStackResources";
        let mut resources = self.cloudformation_pages(action, &[("StackName", stack)], page).await?;
        resources.retain(|resource| !resource.id.is_empty() && resource.status != "DELETE_COMPLETE");
        Ok(resources)
    }
}

#[derive(Debug, Default, PartialEq)]
struct Resource {
    /// `AWS::SQS::Queue`
    kind: String,
    /// The physical id, which each service makes as it likes.
    id: String,
    status: String,
}

impl Resource {
    /// What the service itself calls it: a queue's physical id is its URL, and some are ARNs.
    fn name(&self) -> String {
        let last = |by: char| self.id.rsplit(by).next().unwrap_or_default().to_owned();
        match self.kind.as_str() {
            "AWS::SQS::Queue" => last('/'),
            _ if self.id.starts_with("arn:") => last(':').rsplit('/').next().unwrap_or_default().to_owned(),
            _ => self.id.clone(),
        }
    }
}

fn page(xml: &str) -> Page<Resource> {
    let list = ["ListStackResourcesResult", "StackResourceSummaries"];
    Page::read(xml, list, Resource::default, |resource, name, text| match name {
        "ResourceType" => resource.kind.push_str(text),
        "PhysicalResourceId" => resource.id.push_str(text),
        "ResourceStatus" => resource.status.push_str(text),
        _ => {}
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_named_as_their_services_name_them() {
        let member = |kind: &str, id: &str, status: &str| {
            format!(
                "<member><LogicalResourceId>X</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId>\
                 <ResourceType>{kind}</ResourceType><ResourceStatus>{status}</ResourceStatus>\
                 <DriftInformation><StackResourceDriftStatus>NOT_CHECKED</StackResourceDriftStatus></DriftInformation></member>"
            )
        };
        let xml = format!(
            "<ListStackResourcesResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
             <ListStackResourcesResult><StackResourceSummaries>{}{}{}{}</StackResourceSummaries><NextToken>n</NextToken>\
             </ListStackResourcesResult></ListStackResourcesResponse>",
            member("AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/Jobs", "CREATE_COMPLETE"),
            member("AWS::Lambda::Function", "JobWorker", "UPDATE_COMPLETE"),
            member(
                "AWS::Lambda::Alias",
                "arn:aws:lambda:eu-west-1:123456789012:function:JobWorker:live",
                "CREATE_COMPLETE"
            ),
            member("AWS::Lambda::EventSourceMapping", "6f2b0a8e-1111", "CREATE_COMPLETE"),
        );
        let page = page(&xml);
        assert_eq!(page.token.as_deref(), Some("n"));
        let names: Vec<String> = page.items.iter().map(Resource::name).collect();
        assert_eq!(names, ["Jobs", "JobWorker", "live", "6f2b0a8e-1111"]);
        assert_eq!(super::page("<html>"), Page::default());
    }
}
