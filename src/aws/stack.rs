//! Reads CloudFormation stacks: when each was last changed. One call of a service whose SDK crate
//! costs minutes to build: it goes through `signed`.

use quick_xml::events::Event;

use crate::aws::Account;
use crate::aws::signed::{Api, Protocol};
use crate::model::service_error::ServiceError;
use crate::model::stack::Stack;
use crate::model::time::Timestamp;

pub(super) const CLOUDFORMATION: Api = Api {
    id: "CloudFormation",
    host: "cloudformation",
    signing_name: "cloudformation",
    protocol: Protocol::Query { version: "2010-05-15" },
};
/// The default quota is 2,000 stacks, a page holds about a hundred (at most 1 MB).
const MAX_PAGES: usize = 50;

impl Account {
    /// Every stack of the region that is not deleted.
    ///
    /// # Errors
    /// What CloudFormation refused, on any page.
    pub async fn stacks(&self) -> Result<Vec<Stack>, ServiceError> {
        let action = "cloudformation:DescribeStacks";
        let mut stacks = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let members: Vec<(&str, &str)> = token.iter().map(|token| ("NextToken", token.as_str())).collect();
            let page = page(&self.query(&CLOUDFORMATION, action, &members).await?);
            stacks.extend(page.stacks);
            token = page.token;
            if token.is_none() {
                return Ok(stacks);
            }
        }
        Err(ServiceError { http: 200, ..ServiceError::new(action, "NotAws", format!("more than {MAX_PAGES} pages")) })
    }
}

#[derive(Debug, Default, PartialEq)]
struct Page {
    stacks: Vec<Stack>,
    token: Option<String>,
}

/// `Stacks/member/…`; a member's own lists have members too, and names of their own.
fn page(xml: &str) -> Page {
    let mut page = Page::default();
    let mut path: Vec<String> = Vec::new();
    let mut reader = quick_xml::Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                path.push(start.local_name().as_ref().to_owned());
                if is(&path, &["Stacks", "member"]) {
                    let empty =
                        Stack { name: String::new(), status: String::new(), created_at: None, updated_at: None };
                    page.stacks.push(empty);
                }
            }
            Ok(Event::End(_)) => drop(path.pop()),
            Ok(Event::Text(text)) => take(&mut page, &path, text.as_ref()),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    page.stacks.retain(|stack| !stack.name.is_empty());
    page
}

fn take(page: &mut Page, path: &[String], text: &str) {
    if is(path, &["DescribeStacksResult", "NextToken"]) {
        page.token.get_or_insert_default().push_str(text);
        return;
    }
    let Some(stack) = page.stacks.last_mut() else { return };
    let of = |name| is(path, &["Stacks", "member", name]);
    if of("StackName") {
        stack.name.push_str(text);
    } else if of("StackStatus") {
        stack.status.push_str(text);
    } else if of("CreationTime") {
        stack.created_at = Timestamp::parse(text);
    } else if of("LastUpdatedTime") {
        stack.updated_at = Timestamp::parse(text);
    }
}

pub(super) fn is(path: &[String], end: &[&str]) -> bool {
    path.len() >= end.len() && path.iter().rev().zip(end.iter().rev()).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_told_from_what_is_listed_within_them() {
        let xml = r#"<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
            <DescribeStacksResult><Stacks>
              <member><StackName>courier</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>
                <Outputs><member><OutputKey>StackName</OutputKey><StackName>not it</StackName></member></Outputs>
                <Tags/><StackStatus>UPDATE_COMPLETE</StackStatus>
                <LastUpdatedTime>2026-11-24T00:29:10.120Z</LastUpdatedTime></member>
              <member><StackName>young</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
                <CreationTime>2026-11-24T01:00:00Z</CreationTime></member>
            </Stacks><NextToken>more</NextToken></DescribeStacksResult></DescribeStacksResponse>"#;
        let page = page(xml);
        assert_eq!(page.token.as_deref(), Some("more"));
        let told: Vec<_> = page.stacks.iter().map(|s| (s.name.as_str(), s.status.as_str(), s.changed_at())).collect();
        let at = Timestamp::parse;
        assert_eq!(
            told,
            [
                ("courier", "UPDATE_COMPLETE", at("2026-11-24T00:29:10.120Z")),
                ("young", "CREATE_COMPLETE", at("2026-11-24T01:00:00Z")),
            ]
        );
        assert_eq!(super::page("<html>").stacks, []);
    }
}
