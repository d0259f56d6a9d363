//! Texts that occur a million times, kept once: a number stands for each.

use std::collections::BTreeMap;

/// `T` is a shared text: an `Arc`.
#[derive(Debug)]
pub struct Interner<T> {
    texts: Vec<T>,
    numbers: BTreeMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner { texts: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Interner<T> {
    /// The number of a text; `None` when `limit` different ones are kept and this is another.
    pub fn number(&mut self, text: &T, limit: usize) -> Option<u32> {
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

    pub fn text(&self, number: u32) -> Option<&T> {
        self.texts.get(number as usize)
    }
}
