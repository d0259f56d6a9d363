//! Texts that occur a million times, kept once: a number stands for each.

use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Default)]
pub struct Interner {
    texts: Vec<Arc<str>>,
    numbers: BTreeMap<Arc<str>, u32>,
}

impl Interner {
    /// The number of a text; `None` when `limit` different ones are kept and this is another.
    pub fn number(&mut self, text: &Arc<str>, limit: usize) -> Option<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        if self.texts.len() >= limit {
            return None;
        }
        let number = u32::try_from(self.texts.len()).ok()?;
        self.texts.push(text.clone());
        self.numbers.insert(text.clone(), number);
        Some(number)
    }

    pub fn text(&self, number: u32) -> Option<&Arc<str>> {
        self.texts.get(number as usize)
    }
}
