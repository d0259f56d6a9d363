//! S3's REST in XML, path-style: `GET /BUCKET?list-type=2` and `GET` or `HEAD` of `/BUCKET/KEY`. It is told
//! from the other services by the scope its requests are signed for, or by their `list-type`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Method;
use http::header::AUTHORIZATION;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use quick_xml::escape::escape;

use super::{answer, date, mismatched};
use crate::model::object::Object;
use crate::model::service_error::ServiceError;
use crate::pipeline::object_request::{ObjectReply, ObjectRequest};
use crate::pipeline::request::{Reply, Response};

/// What of the request an answer needs again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    bucket: String,
    prefix: String,
    max: usize,
    /// `encoding-type=url`: keys are written percent-encoded.
    encoded: bool,
    /// `HEAD`: no body.
    head: bool,
}

/// Whether a request is S3's.
pub fn is_asked(request: &http::Request<Bytes>) -> bool {
    let signed = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    signed.is_some_and(|signed| signed.contains("/s3/aws4_request")) || parameter(request, "list-type").is_some()
}

/// By the name IAM's documents and errors use.
pub fn action(request: &http::Request<Bytes>) -> String {
    match (request.method(), names(request)) {
        (&Method::GET, (_, None)) if parameter(request, "list-type").is_some() => "s3:ListObjectsV2".to_owned(),
        (&Method::GET, (_, Some(_))) => "s3:GetObject".to_owned(),
        (&Method::HEAD, (_, Some(_))) => "s3:HeadObject".to_owned(),
        (method, _) => format!("s3:{method} {}", request.uri().path()),
    }
}

pub fn read(request: &http::Request<Bytes>) -> Result<(ObjectRequest, Shape), ServiceError> {
    let (bucket, key) = names(request);
    let shape = Shape { bucket: bucket.clone(), head: request.method() == Method::HEAD, ..Shape::default() };
    match (request.method(), key) {
        (&Method::GET | &Method::HEAD, Some(key)) if !bucket.is_empty() => {
            Ok((ObjectRequest::Get { bucket, key }, shape))
        }
        (&Method::GET, None) if parameter(request, "list-type").as_deref() == Some("2") => list(request, bucket, shape),
        _ => {
            let message = "of S3 only ListObjectsV2, GetObject and HeadObject are answered here, path-style";
            Err(ServiceError { http: 501, ..ServiceError::new(&action(request), "NotImplemented", message) })
        }
    }
}

fn list(request: &http::Request<Bytes>, bucket: String, shape: Shape) -> Result<(ObjectRequest, Shape), ServiceError> {
    let refused = |message: &str| ServiceError::new("s3:ListObjectsV2", "InvalidArgument", message);
    if parameter(request, "delimiter").is_some_and(|text| !text.is_empty()) {
        let message = "keys are not rolled up by a delimiter here; list without one (aws s3 ls --recursive)";
        return Err(ServiceError { http: 501, ..ServiceError::new("s3:ListObjectsV2", "NotImplemented", message) });
    }
    let max = match parameter(request, "max-keys") {
        None => MOST_KEYS,
        Some(text) => {
            text.parse::<usize>().map_err(|_| refused("Provided max-keys not an integer or within integer range"))?
        }
    };
    let after = match parameter(request, "continuation-token") {
        None => parameter(request, "start-after"),
        Some(token) => {
            let key = BASE64_URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            Some(key.ok_or_else(|| refused("The continuation token provided is incorrect"))?)
        }
    };
    let prefix = parameter(request, "prefix").unwrap_or_default();
    let encoded = parameter(request, "encoding-type").as_deref() == Some("url");
    let shape = Shape { prefix: prefix.clone(), max: max.min(MOST_KEYS), encoded, ..shape };
    Ok((ObjectRequest::List { bucket, prefix, after, max }, shape))
}

pub fn write(shape: &Shape, response: Response) -> http::Response<Bytes> {
    match response {
        Ok(Reply::Objects(ObjectReply::Listed { objects, is_cut })) => xml(200, &listed(shape, &objects, is_cut)),
        Ok(Reply::Objects(ObjectReply::Object { object, body })) => {
            let (etag, modified) = (format!("\"{}\"", object.etag), date::imf_fixdate(object.modified_at));
            let headers =
                [("content-type", "application/json"), ("etag", etag.as_str()), ("last-modified", modified.as_str())];
            let mut whole = answer(200, &headers, Bytes::copy_from_slice(body.as_bytes()));
            if shape.head {
                let length = body.len();
                whole.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
                *whole.body_mut() = Bytes::new();
            }
            whole
        }
        Ok(_) => refusal(shape, &mismatched("s3:GetObject")),
        Err(error) => refusal(shape, &error),
    }
}

fn listed(shape: &Shape, objects: &[Object], is_cut: bool) -> String {
    let key = |key: &str| match shape.encoded {
        true => utf8_percent_encode(key, KEY).to_string(),
        false => escape(key).into_owned(),
    };
    let contents: String = objects
        .iter()
        .map(|object| {
            format!(
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size>\
                 <StorageClass>STANDARD</StorageClass></Contents>",
                key(&object.key),
                object.modified_at,
                object.etag,
                object.size
            )
        })
        .collect();
    let token = objects.last().filter(|_| is_cut).map(|last| BASE64_URL_SAFE_NO_PAD.encode(&last.key));
    let token =
        token.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>")).unwrap_or_default();
    let encoding = if shape.encoded { "<EncodingType>url</EncodingType>" } else { "" };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{}</MaxKeys>{encoding}\
         <IsTruncated>{is_cut}</IsTruncated>{token}{contents}</ListBucketResult>",
        escape(&shape.bucket),
        key(&shape.prefix),
        objects.len(),
        shape.max
    )
}

fn refusal(shape: &Shape, error: &ServiceError) -> http::Response<Bytes> {
    if shape.head {
        return answer(error.http, &[], Bytes::new());
    }
    xml(
        error.http,
        &format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message><RequestId>sandbox</RequestId></Error>",
            escape(&error.code),
            escape(&error.message)
        ),
    )
}

fn xml(status: u16, text: &str) -> http::Response<Bytes> {
    answer(status, &[("content-type", "application/xml")], text.to_owned())
}

/// Bucket and key of a path; a key may have slashes.
fn names(request: &http::Request<Bytes>) -> (String, Option<String>) {
    let path = request.uri().path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').map_or((path, None), |(bucket, key)| (bucket, Some(key)));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    (decoded(bucket), key.filter(|key| !key.is_empty()).map(decoded))
}

fn parameter(request: &http::Request<Bytes>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or("");
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let value = pairs.filter(|(of, _)| *of == name).map(|(_, value)| value).next()?;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// Keys of a page at most, and unless asked otherwise.
const MOST_KEYS: usize = 1_000;
/// What S3 leaves as it is in a key it encodes.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn get(path: &str) -> http::Request<Bytes> {
        let scope = "AWS4-HMAC-SHA256 Credential=K/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host";
        http::Request::get(path).header("authorization", scope).body(Bytes::new()).expect("a request")
    }

    #[test]
    fn a_listing_is_read_and_its_token_leads_on() {
        let request = get("/Store?list-type=2&prefix=a%2Fb%20c&max-keys=2&encoding-type=url");
        assert!(is_asked(&request) && action(&request) == "s3:ListObjectsV2");
        let (asked, shape) = read(&request).expect("understood");
        let wanted = |after| ObjectRequest::List { bucket: "Store".into(), prefix: "a/b c".into(), after, max: 2 };
        assert_eq!(asked, wanted(None));
        let object = |key: &str| Object { key: key.into(), size: 3, modified_at: Timestamp::ZERO, etag: "e".into() };
        let reply = ObjectReply::Listed { objects: vec![object("a/b c<1>"), object("a/b c2")], is_cut: true };
        let written = write(&shape, Ok(Reply::Objects(reply)));
        let text = String::from_utf8_lossy(written.body()).into_owned();
        assert!(
            text.contains("<Key>a/b%20c%3C1%3E</Key>") && text.contains("<IsTruncated>true</IsTruncated>"),
            "{text}"
        );
        let token =
            text.split("<NextContinuationToken>").nth(1).and_then(|rest| rest.split('<').next()).expect("a token");
        let next = get(&format!("/Store?list-type=2&prefix=a%2Fb%20c&max-keys=2&continuation-token={token}"));
        assert_eq!(read(&next).expect("understood").0, wanted(Some("a/b c2".into())));
    }

    #[test]
    fn keys_have_slashes_and_what_is_not_answered_is_named() {
        let (asked, _) = read(&get("/Store/aws/lambda/a%2Bb")).expect("understood");
        assert_eq!(asked, ObjectRequest::Get { bucket: "Store".into(), key: "aws/lambda/a+b".into() });
        for path in ["/", "/Store", "/Store/", "/Store?acl", "/Store?list-type=2&delimiter=%2F", "/Store?list-type=1"] {
            assert_eq!(read(&get(path)).expect_err(path).code, "NotImplemented", "{path}");
        }
        let plain = http::Request::get("/runs/run-00000001").body(Bytes::new()).expect("a request");
        assert!(!is_asked(&plain));
        let missing = ServiceError { http: 404, ..ServiceError::new("s3:GetObject", "NoSuchKey", "no <key>") };
        let answer = write(&Shape::default(), Err(missing));
        assert_eq!(answer.status(), 404);
        assert!(String::from_utf8_lossy(answer.body()).contains("<Code>NoSuchKey</Code><Message>no &lt;key&gt;"));
    }
}
