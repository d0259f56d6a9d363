//! What the calls of CloudFormation have in common: pages of members, in XML. A service whose SDK crate
//! costs minutes to build: it goes through `signed`.

use quick_xml::events::Event;

use crate::aws::Account;
use crate::aws::signed::{Api, Protocol};
use crate::model::service_error::ServiceError;

const CLOUDFORMATION: Api = Api {
    id: "CloudFormation",
    host: "cloudformation",
    signing_name: "cloudformation",
    protocol: Protocol::Query { version: "2010-05-15" },
};
/// The default quota is 2,000 stacks, and a stack has at most 500 resources; a page holds about a
/// hundred of either (at most 1 MB).
const MAX_PAGES: usize = 50;

/// One answer, and where the next begins.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub token: Option<String>,
}

impl Account {
    /// Every page of an action, `members` being what is asked each time.
    pub(super) async fn cloudformation_pages<T>(
        &self,
        action: &str,
        members: &[(&str, &str)],
        read: impl Fn(&str) -> Page<T>,
    ) -> Result<Vec<T>, ServiceError> {
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut members = members.to_vec();
            members.extend(token.as_deref().map(|token| ("NextToken", token)));
            let page = read(&self.query(&CLOUDFORMATION, action, &members).await?);
            items.extend(page.items);
            token = page.token;
            if token.is_none() {
                return Ok(items);
            }
        }
        Err(ServiceError { http: 200, ..ServiceError::new(action, "NotAws", format!("more than {MAX_PAGES} pages")) })
    }
}

impl<T> Page<T> {
    /// Reads `RESULT/LIST/member/…`: each member begins as `new`, and `field` gives it a text by the name
    /// of its element. A member's own lists have members too, and names of their own.
    pub(super) fn read(
        xml: &str,
        [result, list]: [&str; 2],
        new: impl Fn() -> T,
        field: impl Fn(&mut T, &str, &str),
    ) -> Self {
        let mut page = Page { items: Vec::new(), token: None };
        let mut path: Vec<String> = Vec::new();
        let mut reader = quick_xml::Reader::from_str(xml);
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    path.push(start.local_name().as_ref().to_owned());
                    if is(&path, &[list, "member"]) {
                        page.items.push(new());
                    }
                }
                Ok(Event::End(_)) => drop(path.pop()),
                Ok(Event::Text(text)) if is(&path, &[result, "NextToken"]) => {
                    page.token.get_or_insert_default().push_str(text.as_ref());
                }
                Ok(Event::Text(text)) => {
                    if let (Some(item), Some((name, above))) = (page.items.last_mut(), path.split_last())
                        && is(above, &[list, "member"])
                    {
                        field(item, name, text.as_ref());
                    }
                }
                Ok(Event::Eof) | Err(_) => return page,
                Ok(_) => {}
            }
        }
    }
}

fn is(path: &[String], end: &[&str]) -> bool {
    path.len() >= end.len() && path.iter().rev().zip(end.iter().rev()).all(|(a, b)| a == b)
}
