//! Reads typed members out of a JSON-like object, naming the member that is not what it should be.
//! A `null` member is an absent one.

use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    #[error("the request must contain the parameter {0}")]
    Missing(String),
    #[error("{name}: expected {expected}")]
    Type { name: String, expected: &'static str },
    #[error("{0}")]
    Unsupported(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    object: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    pub fn new(object: &'a Map<String, Value>) -> Self {
        Members { object }
    }

    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.object.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, MemberError> {
        self.get(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub fn need_text(&self, name: &str) -> Result<String, MemberError> {
        self.text(name)?.ok_or_else(|| MemberError::Missing(name.to_owned()))
    }

    pub fn number(&self, name: &str) -> Result<Option<u32>, MemberError> {
        self.get(name, "a whole number of 0 or more", |value| whole(value).and_then(|n| u32::try_from(n).ok()))
    }

    pub fn need_number(&self, name: &str) -> Result<u32, MemberError> {
        self.number(name)?.ok_or_else(|| MemberError::Missing(name.to_owned()))
    }

    pub fn integer(&self, name: &str) -> Result<Option<i32>, MemberError> {
        self.get(name, "a whole number", |value| whole(value).and_then(|n| i32::try_from(n).ok()))
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>, MemberError> {
        self.get(name, "true or false", Value::as_bool)
    }

    pub fn float(&self, name: &str) -> Result<Option<f64>, MemberError> {
        self.get(name, "a number", Value::as_f64)
    }

    /// An absent list is an empty one.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, MemberError> {
        let list = self.get(name, "a list of strings", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        })?;
        Ok(list.unwrap_or_default())
    }

    /// An absent list is an empty one.
    pub fn objects(&self, name: &str) -> Result<Vec<Members<'a>>, MemberError> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let wrong = || MemberError::Type { name: name.to_owned(), expected: "a list of objects" };
        value
            .as_array()
            .ok_or_else(wrong)?
            .iter()
            .map(|item| item.as_object().map(Members::new).ok_or_else(wrong))
            .collect()
    }

    pub fn object(&self, name: &str) -> Result<Option<Members<'a>>, MemberError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let wrong = || MemberError::Type { name: name.to_owned(), expected: "an object" };
        value.as_object().map(|object| Some(Members::new(object))).ok_or_else(wrong)
    }

    fn get<T>(
        &self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, MemberError> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| MemberError::Type { name: name.to_owned(), expected }),
        }
    }
}

/// A whole number, also one a caller wrote as `10.0`.
fn whole(value: &Value) -> Option<i64> {
    let exact = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(exact))
}
