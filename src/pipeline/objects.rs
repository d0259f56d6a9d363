//! S3 as it is asked: which buckets there are, and their objects in the order of their keys. Requests are
//! written out when somebody reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::automation::identity::RunId;
use crate::automation::request::{PREFIX, Request, object_key};
use crate::model::id::Arn;
use crate::model::md5;
use crate::model::object::Object;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::bucket::Stored;
use crate::pipeline::object_request::{ObjectReply, ObjectRequest};

/// Objects on a page at most, whatever is asked for.
const PAGE: usize = 1_000;
/// A bucket that nothing writes to until a mapping is told to.
pub const SPARE_BUCKET: &str = "FailureStore";

impl Pipeline {
    /// Whether the account has such a bucket: those of the blueprint and one to spare.
    pub(super) fn has_bucket(&self, name: &str) -> bool {
        let named = |arn: &Arn| arn.as_str().strip_prefix(BUCKET_ARN) == Some(name);
        name == self.blueprint.bucket.name
            || name == self.blueprint.table.payload_bucket
            || name == SPARE_BUCKET
            || self.blueprint.mappings.iter().filter_map(|m| m.settings.on_failure.as_ref()).any(named)
    }

    /// Whether what a mapping gives up can go there.
    pub(super) fn has_destination(&self, arn: &Arn) -> bool {
        match arn.as_str().strip_prefix(BUCKET_ARN) {
            Some(bucket) => self.has_bucket(bucket),
            None => self.queues.name_of(arn).is_some(),
        }
    }

    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`.
    pub(super) fn objects(&self, ask: &ObjectRequest) -> Result<ObjectReply, ServiceError> {
        match ask {
            ObjectRequest::List { bucket, prefix, after, max } => {
                self.need_bucket("s3:ListObjectsV2", bucket)?;
                let max = (*max).min(PAGE);
                let mut objects = self.listed(bucket, prefix, after.as_deref().unwrap_or(""), max + 1);
                let is_cut = objects.len() > max;
                objects.truncate(max);
                Ok(ObjectReply::Listed { objects, is_cut })
            }
            ObjectRequest::Get { bucket, key } => {
                self.need_bucket("s3:GetObject", bucket)?;
                let found = self.stored(bucket, key);
                let found = found.ok_or_else(|| ServiceError {
                    http: 404,
                    ..ServiceError::new("s3:GetObject", "NoSuchKey", "The specified key does not exist.")
                })?;
                Ok(ObjectReply::Object { object: object(key.clone(), &found), body: found.body })
            }
        }
    }

    fn need_bucket(&self, action: &str, bucket: &str) -> Result<(), ServiceError> {
        if self.has_bucket(bucket) {
            return Ok(());
        }
        Err(ServiceError {
            http: 404,
            ..ServiceError::new(action, "NoSuchBucket", "The specified bucket does not exist")
        })
    }

    fn listed(&self, bucket: &str, prefix: &str, after: &str, most: usize) -> Vec<Object> {
        if bucket == self.blueprint.bucket.name {
            return self.listed_requests(prefix, after, most);
        }
        let Some(stored) = self.bucket.stored(bucket) else { return Vec::new() };
        let from = if after >= prefix { after } else { prefix };
        let there = stored.range::<str, _>((std::ops::Bound::Included(from), std::ops::Bound::Unbounded));
        let own = there.skip_while(|(key, _)| key.as_str() <= after).take_while(|(key, _)| key.starts_with(prefix));
        own.take(most).map(|(key, stored)| object(key.clone(), stored)).collect()
    }

    /// The numbers of runs and the keys of their requests come in the same order.
    fn listed_requests(&self, prefix: &str, after: &str, most: usize) -> Vec<Object> {
        let from = RunId::new(
            after.strip_prefix(PREFIX).map_or(0, first_number).max(prefix.strip_prefix(PREFIX).map_or(0, first_number)),
        );
        let runs = self.ledger.runs_from(from).map(|run| (run, object_key(run)));
        let own = runs
            .skip_while(|(_, key)| key.as_str() <= after || key.as_str() < prefix)
            .take_while(|(_, key)| key.starts_with(prefix));
        own.take(most).filter_map(|(run, key)| Some(object(key, &self.request_object(run)?))).collect()
    }

    fn stored(&self, bucket: &str, key: &str) -> Option<Stored> {
        if bucket != self.blueprint.bucket.name {
            return self.bucket.stored(bucket)?.get(key).cloned();
        }
        self.request_object(key.strip_prefix(PREFIX)?.strip_suffix(".json")?.parse().ok()?)
    }

    fn request_object(&self, run: RunId) -> Option<Stored> {
        let request: Arc<Request> = self.bucket.request(run, &self.ledger)?;
        Some(Stored { at: request.accepted, body: request.to_body().into() })
    }
}

/// Objects of a bucket, by key.
pub type Keyed = BTreeMap<String, Stored>;

/// The start of a bucket's ARN.
pub const BUCKET_ARN: &str = "arn:aws:s3:::";

fn object(key: String, stored: &Stored) -> Object {
    Object {
        key,
        size: stored.body.len() as u64,
        modified_at: Timestamp::from_s(stored.at.s()),
        etag: md5::of_body(&stored.body),
    }
}

/// The lowest number a run can have whose name begins so: `run-0000002a.json`, `run-00`.
fn first_number(name: &str) -> u64 {
    let digits = name.strip_prefix("run-").unwrap_or("");
    let digits: String = digits.chars().take_while(char::is_ascii_hexdigit).take(16).collect();
    // Eight digits and more are the whole number; fewer are its beginning.
    let whole = if digits.len() < 8 { format!("{digits:0<8}") } else { digits };
    u64::from_str_radix(&whole, 16).unwrap_or(0)
}
