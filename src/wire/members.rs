//! Reads typed members out of a JSON-like object, naming the member that is not what it should be.
//! A `null` member is an absent one.

use crate::wire::json::{Json, Object};

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
    object: &'a Object<'a>,
}

impl<'a> Members<'a> {
    pub fn new(object: &'a Object<'a>) -> Self {
        Members { object }
    }

    pub fn value(&self, name: &str) -> Option<&'a Json<'a>> {
        self.object.get(name).filter(|value| **value != Json::Null)
    }

    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.object.iter().filter(|(_, value)| **value != Json::Null).map(|(name, _)| name)
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, MemberError> {
        self.get(name, "a string", |value| value.as_text().map(str::to_owned))
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
        self.get(name, "true or false", |value| if let Json::Flag(flag) = value { Some(*flag) } else { None })
    }

    pub fn float(&self, name: &str) -> Result<Option<f64>, MemberError> {
        self.get(name, "a number", |value| value.as_number()?.as_f64())
    }

    /// An absent list is an empty one.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, MemberError> {
        let list = self.get(name, "a list of strings", |value| {
            let Json::List(items) = value else { return None };
            items.iter().map(|item| item.as_text().map(str::to_owned)).collect::<Option<Vec<_>>>()
        })?;
        Ok(list.unwrap_or_default())
    }

    /// An absent list is an empty one.
    pub fn objects(&self, name: &str) -> Result<Vec<Members<'a>>, MemberError> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let wrong = || MemberError::Type { name: name.to_owned(), expected: "a list of objects" };
        let Json::List(items) = value else { return Err(wrong()) };
        let one =
            |item: &'a Json<'a>| if let Json::Object(object) = item { Ok(Members::new(object)) } else { Err(wrong()) };
        items.iter().map(one).collect()
    }

    pub fn object(&self, name: &str) -> Result<Option<Members<'a>>, MemberError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let wrong = || MemberError::Type { name: name.to_owned(), expected: "an object" };
        let Json::Object(object) = value else { return Err(wrong()) };
        Ok(Some(Members::new(object)))
    }

    fn get<T>(
        &self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&Json<'_>) -> Option<T>,
    ) -> Result<Option<T>, MemberError> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| MemberError::Type { name: name.to_owned(), expected }),
        }
    }
}

/// A whole number, also one a caller wrote as `10.0`.
fn whole(value: &Json<'_>) -> Option<i64> {
    let exact = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64);
    let number = value.as_number()?;
    number.as_i64().or_else(|| number.as_f64().and_then(exact))
}
