//! What a CloudFormation stack made, by the names other services know it by. A service whose SDK crate
//! costs minutes to build: it goes through `signed`.

use std::collections::BTreeSet;

use quick_xml::events::Event;

use crate::aws::Account;
use crate::aws::stack::{CLOUDFORMATION, is};
use crate::model::scope::Scope;
use crate::model::service_error::ServiceError;

/// A stack has at most 500 resources, a page holds about a hundred of them.
const MAX_PAGES: usize = 50;
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
        let mut resources = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut members = vec![("StackName", stack)];
            members.extend(token.as_deref().map(|token| ("NextToken", token)));
            let page = page(&self.query(&CLOUDFORMATION, action, &members).await?);
            resources.extend(page.resources);
            token = page.token;
            if token.is_none() {
                resources.retain(|resource| !resource.id.is_empty() && resource.status != "DELETE_COMPLETE");
                return Ok(resources);
            }
        }
        Err(ServiceError { http: 200, ..ServiceError::new(action, "NotAws", format!("more than {MAX_PAGES} pages")) })
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

#[derive(Debug, Default, PartialEq)]
struct Page {
    resources: Vec<Resource>,
    token: Option<String>,
}

/// `StackResourceSummaries/member/…`
fn page(xml: &str) -> Page {
    let mut page = Page::default();
    let mut path: Vec<String> = Vec::new();
    let mut reader = quick_xml::Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                path.push(start.local_name().as_ref().to_owned());
                if is(&path, &["StackResourceSummaries", "member"]) {
                    page.resources.push(Resource::default());
                }
            }
            Ok(Event::End(_)) => drop(path.pop()),
            Ok(Event::Text(text)) => take(&mut page, &path, text.as_ref()),
            Ok(Event::Eof) | Err(_) => return page,
            Ok(_) => {}
        }
    }
}

fn take(page: &mut Page, path: &[String], text: &str) {
    if is(path, &["ListStackResourcesResult", "NextToken"]) {
        page.token.get_or_insert_default().push_str(text);
        return;
    }
    let Some(resource) = page.resources.last_mut() else { return };
    let of = |name| is(path, &["StackResourceSummaries", "member", name]);
    if of("ResourceType") {
        resource.kind.push_str(text);
    } else if of("PhysicalResourceId") {
        resource.id.push_str(text);
    } else if of("ResourceStatus") {
        resource.status.push_str(text);
    }
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
        let names: Vec<String> = page.resources.iter().map(Resource::name).collect();
        assert_eq!(names, ["Jobs", "JobWorker", "live", "6f2b0a8e-1111"]);
        assert_eq!(super::page("<html>"), Page::default());
    }
}
