//! A CBOR body as a JSON-like value, so that one reader serves both encodings. Times become epoch
//! seconds, byte strings base64. Bounded in depth, and no length in the body is trusted.

use aws_smithy_cbor::Decoder;
use aws_smithy_cbor::data::Type;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Number;

use super::body::{BodyError, MAX_BODY_BYTES, MAX_NESTING};
use super::json::{Json, Object};

/// The body as an object; an empty body is an empty object.
pub fn object(body: &[u8]) -> Result<Object<'static>, BodyError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(BodyError::TooLarge(body.len()));
    }
    if body.is_empty() {
        return Ok(Object::default());
    }
    match value(&mut Decoder::new(body), 0)? {
        Json::Object(object) => Ok(object),
        _ => Err(BodyError::Malformed("a CBOR map was expected".to_owned())),
    }
}

fn value(decoder: &mut Decoder<'_>, depth: usize) -> Result<Json<'static>, BodyError> {
    if depth > MAX_NESTING {
        return Err(BodyError::TooDeep);
    }
    Ok(match decoder.datatype().map_err(malformed)? {
        Type::Null | Type::Undefined => {
            decoder.skip().map_err(malformed)?;
            Json::Null
        }
        Type::Bool => Json::Flag(decoder.boolean().map_err(malformed)?),
        Type::String | Type::StringIndef => Json::Text(decoder.string().map_err(malformed)?.into()),
        Type::Bytes | Type::BytesIndef => {
            Json::Text(BASE64_STANDARD.encode(decoder.blob().map_err(malformed)?.as_ref()).into())
        }
        Type::F16 | Type::F32 | Type::F64 => float(decoder.double().map_err(malformed)?),
        Type::Tag => float(decoder.timestamp().map_err(malformed)?.as_secs_f64()),
        Type::Array | Type::ArrayIndef => list(decoder, depth)?,
        Type::Map | Type::MapIndef => Json::Object(map(decoder, depth)?),
        _ => Json::Number(Number::from(decoder.long().map_err(malformed)?)),
    })
}

fn list(decoder: &mut Decoder<'_>, depth: usize) -> Result<Json<'static>, BodyError> {
    let mut left = decoder.list().map_err(malformed)?;
    let mut items = Vec::new();
    while another(decoder, &mut left)? {
        items.push(value(decoder, depth + 1)?);
    }
    Ok(Json::List(items))
}

fn map(decoder: &mut Decoder<'_>, depth: usize) -> Result<Object<'static>, BodyError> {
    let mut left = decoder.map().map_err(malformed)?;
    let mut members = Object::default();
    while another(decoder, &mut left)? {
        let name = decoder.string().map_err(malformed)?;
        members.put(name, value(decoder, depth + 1)?);
    }
    Ok(members)
}

/// Whether one more element follows; an indefinite length ends with a break, which is consumed.
fn another(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, BodyError> {
    match left {
        Some(0) => Ok(false),
        Some(n) => {
            *n -= 1;
            Ok(true)
        }
        None if decoder.datatype().map_err(malformed)? == Type::Break => {
            decoder.skip().map_err(malformed)?;
            Ok(false)
        }
        None => Ok(true),
    }
}

fn float(float: f64) -> Json<'static> {
    Number::from_f64(float).map_or(Json::Null, Json::Number)
}

fn malformed(error: impl std::fmt::Display) -> BodyError {
    BodyError::Malformed(format!("not CBOR: {error}"))
}

#[cfg(test)]
mod tests {
    use aws_smithy_cbor::Encoder;
    use aws_smithy_types::DateTime;

    use super::*;

    #[test]
    fn maps_lists_and_times_are_read_in_both_length_forms() {
        let mut encoder = Encoder::new(Vec::new());
        encoder.begin_map().str("StartTime").timestamp(&DateTime::from_millis(1_500)).str("Ids").begin_array();
        encoder.str("a").integer(-3).end().str("Max").integer(5).str("On").boolean(true).end();
        let expected: Json<'_> =
            serde_json::from_str(r#"{"StartTime":1.5,"Ids":["a",-3],"Max":5,"On":true}"#).expect("JSON");
        assert_eq!(object(&encoder.into_writer()).map(Json::Object), Ok(expected));
        assert_eq!(object(b""), Ok(Object::default()));
    }

    #[test]
    fn hostile_bytes_are_an_error() {
        let deep = vec![0x81; 100_000];
        assert_eq!(object(&deep), Err(BodyError::TooDeep));
        for bytes in [
            &[0xff][..],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x9b],
            &[0xa1, 0x01, 0x02],
            &[0x60],
        ] {
            assert!(matches!(object(bytes), Err(BodyError::Malformed(_))), "{bytes:x?}");
        }
    }
}
