//! Reads CloudFormation stacks: when each was last changed.

use crate::aws::Account;
use crate::aws::cloudformation::Page;
use crate::model::service_error::ServiceError;
use crate::model::stack::Stack;
use crate::model::time::Timestamp;

impl Account {
    /// Every stack of the region that is not deleted.
    ///
    /// # Errors
    /// What CloudFormation refused, on any page.
    pub async fn stacks(&self) -> Result<Vec<Stack>, ServiceError> {
        self.cloudformation_pages("cloudformation:DescribeStacks", &[], page).await
    }
}

fn page(xml: &str) -> Page<Stack> {
    let new = || Stack { name: String::new(), status: String::new(), created_at: None, updated_at: None };
    let mut page = Page::read(xml, ["DescribeStacksResult", "Stacks"], new, |stack, name, text| match name {
        "StackName" => stack.name.push_str(text),
        "StackStatus" => stack.status.push_str(text),
        "CreationTime" => stack.created_at = Timestamp::parse(text),
        "LastUpdatedTime" => stack.updated_at = Timestamp::parse(text),
        _ => {}
    });
    page.items.retain(|stack| !stack.name.is_empty());
    page
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
        let told: Vec<_> = page.items.iter().map(|s| (s.name.as_str(), s.status.as_str(), s.changed_at())).collect();
        let at = Timestamp::parse;
        assert_eq!(
            told,
            [
                ("courier", "UPDATE_COMPLETE", at("2026-11-24T00:29:10.120Z")),
                ("young", "CREATE_COMPLETE", at("2026-11-24T01:00:00Z")),
            ]
        );
        assert_eq!(super::page("<html>").items, []);
    }
}
