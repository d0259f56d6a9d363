//! Objects of S3 buckets, listed and read, path-style. A service whose SDK crate costs minutes to build: it
//! goes through `signed`.

use quick_xml::events::Event;

use crate::aws::Account;
use crate::aws::said::written;
use crate::aws::signed::{Api, Protocol};
use crate::model::object::{Listing, Object, Place};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

const S3: Api = Api { id: "S3", host: "s3", signing_name: "s3", protocol: Protocol::Rest };

impl Account {
    /// The objects of a place in the order of their keys, at most so many pages of a thousand.
    ///
    /// # Errors
    /// What S3 refused.
    pub async fn objects(&self, place: &Place, pages: u32) -> Result<Listing, ServiceError> {
        const LIST: &str = "s3:ListObjectsV2";
        let mut listing = Listing { is_cut: true, ..Listing::default() };
        let mut token: Option<String> = None;
        while listing.requests < pages {
            let mut members = vec![("list-type", "2")];
            if !place.prefix.is_empty() {
                members.push(("prefix", place.prefix.as_str()));
            }
            members.extend(token.as_deref().map(|token| ("continuation-token", token)));
            let page = read(&self.get(&S3, LIST, &[&place.bucket], &members).await?);
            let page = page.ok_or_else(|| unread(LIST, "this is no listing of objects"))?;
            listing.requests += 1;
            listing.objects.extend(page.objects);
            token = page.token;
            if token.is_none() {
                listing.is_cut = false;
                return Ok(listing);
            }
        }
        Ok(listing)
    }

    /// An object's text.
    ///
    /// # Errors
    /// What S3 refused; `NotRead` when it is no text.
    pub async fn object(&self, bucket: &str, key: &str) -> Result<String, ServiceError> {
        self.get(&S3, "s3:GetObject", &[bucket, key], &[]).await
    }
}

#[derive(Debug, Default, PartialEq)]
struct Page {
    objects: Vec<Object>,
    token: Option<String>,
}

/// A `ListBucketResult`; `None` for anything else. An object without key or time is left out.
fn read(xml: &str) -> Option<Page> {
    let mut page = Page::default();
    let mut path: Vec<String> = Vec::new();
    let mut at: Fields = Fields::default();
    let mut is_listing = false;
    let mut reader = quick_xml::Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                path.push(start.local_name().as_ref().to_owned());
                is_listing |= path == ["ListBucketResult"];
                if path == ["ListBucketResult", "Contents"] {
                    at = Fields::default();
                }
            }
            Ok(Event::End(_)) => {
                if path == ["ListBucketResult", "Contents"] {
                    page.objects.extend(std::mem::take(&mut at).object());
                }
                path.pop();
            }
            Ok(Event::Eof) | Err(_) => return is_listing.then_some(page),
            Ok(event) => match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["ListBucketResult", "NextContinuationToken"] => {
                    page.token.get_or_insert_default().push_str(&written(&event));
                }
                ["ListBucketResult", "Contents", name] => at.put(name, &written(&event)),
                _ => {}
            },
        }
    }
}

/// The texts of one `Contents`.
#[derive(Debug, Default)]
struct Fields {
    key: String,
    modified: String,
    etag: String,
    size: String,
}

impl Fields {
    fn put(&mut self, name: &str, text: &str) {
        match name {
            "Key" => self.key.push_str(text),
            "LastModified" => self.modified.push_str(text),
            "ETag" => self.etag.push_str(text),
            "Size" => self.size.push_str(text),
            _ => {}
        }
    }

    fn object(self) -> Option<Object> {
        let modified_at = Timestamp::parse(&self.modified)?;
        let etag = self.etag.trim_matches('"').to_owned();
        (!self.key.is_empty()).then(|| Object {
            key: self.key,
            size: self.size.parse().unwrap_or(0),
            modified_at,
            etag,
        })
    }
}

fn unread(action: &str, why: &str) -> ServiceError {
    ServiceError { http: 0, ..ServiceError::new(action, "NotRead", why) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_with_its_entities_and_its_token() {
        let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <Name>b</Name><Prefix>a</Prefix><NextContinuationToken>1ueG&amp;==</NextContinuationToken><IsTruncated>true</IsTruncated>\
            <Contents><Key>a &amp; b/&#233;.json</Key><LastModified>2026-01-01T00:00:07.000Z</LastModified>\
            <ETag>&quot;d41d-2&quot;</ETag><Size>34</Size><Owner><ID>me</ID></Owner></Contents>\
            <Contents><Key>torn</Key></Contents></ListBucketResult>";
        let page = read(xml).expect("a listing");
        assert_eq!(page.token.as_deref(), Some("1ueG&=="));
        let [object] = page.objects.as_slice() else { panic!("{page:?}") };
        assert_eq!((object.key.as_str(), object.etag.as_str(), object.size), ("a & b/é.json", "d41d-2", 34));
        assert_eq!(object.modified_at, Timestamp::parse("2026-01-01T00:00:07Z").expect("a time"));
        assert_eq!(read("<ListBucketResult/>"), None, "an empty element is no answer of S3");
        assert_eq!(read("<html><body>"), None);
        assert_eq!(read("<ListBucketResult></ListBucketResult>"), Some(Page::default()));
    }
}
