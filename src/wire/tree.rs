//! An answer before it has an encoding: the same tree is written as JSON and as CBOR. Floats and
//! times are marked, because CBOR must not write them as integers (aws-facts §7).

use aws_smithy_cbor::Encoder;
use aws_smithy_types::DateTime;
use serde_json::{Map, Number, Value};

use crate::model::time::Timestamp;

#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    Text(String),
    Bool(bool),
    Int(u32),
    Float(f64),
    Time(Timestamp),
    List(Vec<Tree>),
    Map(Vec<(&'static str, Tree)>),
}

impl Tree {
    pub fn text(text: impl Into<String>) -> Self {
        Tree::Text(text.into())
    }

    /// JSON; times are epoch seconds, as AWS JSON writes them.
    pub fn to_json(&self) -> Value {
        let number = |float: f64| Number::from_f64(float).map_or(Value::Null, Value::Number);
        match self {
            Tree::Text(text) => Value::String(text.clone()),
            Tree::Bool(flag) => Value::Bool(*flag),
            Tree::Int(count) => Value::from(*count),
            Tree::Float(float) => number(*float),
            Tree::Time(at) => number(at.ms() as f64 / 1000.0),
            Tree::List(items) => Value::Array(items.iter().map(Tree::to_json).collect()),
            Tree::Map(members) => {
                let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.to_json()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    pub fn to_cbor(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        self.encode(&mut encoder);
        encoder.into_writer()
    }

    fn encode(&self, encoder: &mut Encoder) {
        match self {
            Tree::Text(text) => {
                encoder.str(text);
            }
            Tree::Bool(flag) => {
                encoder.boolean(*flag);
            }
            Tree::Int(count) => {
                encoder.long(i64::from(*count));
            }
            Tree::Float(float) => {
                encoder.double(*float);
            }
            Tree::Time(at) => {
                encoder.timestamp(&DateTime::from_millis(at.ms()));
            }
            Tree::List(items) => {
                encoder.array(items.len());
                items.iter().for_each(|item| item.encode(encoder));
            }
            Tree::Map(members) => {
                encoder.map(members.len());
                for (name, value) in members {
                    encoder.str(name);
                    value.encode(encoder);
                }
            }
        }
    }
}
