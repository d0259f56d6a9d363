//! Walks a JSON text once, from its start, without a tree and without recursion: what it does not
//! know for JSON, or nests too deep, is not shown.

use std::borrow::Cow;

use crate::model::redaction::path::Path;
use crate::model::redaction::{NOT_JSON, ONE_STRING};

/// Levels of nesting beyond which a body is text (design, "Bodies are bombs").
const MAX_DEPTH: usize = 128;
const STARS: &str = "\"***\"";

pub fn redacted<'a>(paths: &[Path], body: &'a str, more: bool) -> Cow<'a, str> {
    let mut walk = Walk { paths, body, at: 0, levels: Vec::new(), hidden: None, out: String::new(), copied: 0 };
    match walk.value_and_what_follows() {
        Err(Stop::OneString) => return Cow::Borrowed(ONE_STRING),
        Err(Stop::Ended) if more => {}
        Ok(()) => {}
        Err(Stop::Ended | Stop::NotJson) => return Cow::Borrowed(NOT_JSON),
    }
    if walk.copied == 0 && walk.out.is_empty() {
        return Cow::Borrowed(body);
    }
    // Cut short within what is hidden: the stars stand for the rest.
    if walk.hidden.is_none() {
        walk.out.push_str(&body[walk.copied..]);
    }
    Cow::Owned(walk.out)
}

enum Stop {
    /// The text ends where JSON does not.
    Ended,
    NotJson,
    OneString,
}

/// An object or array that is open.
struct Level {
    object: bool,
    /// Elements before this one.
    index: usize,
    /// Paths that lead in here.
    live: Vec<usize>,
}

struct Walk<'a> {
    paths: &'a [Path],
    body: &'a str,
    at: usize,
    levels: Vec<Level>,
    /// The number of levels open around the value that is being hidden.
    hidden: Option<usize>,
    out: String,
    /// The body is in `out` as far as here.
    copied: usize,
}

impl<'a> Walk<'a> {
    fn value_and_what_follows(&mut self) -> Result<(), Stop> {
        self.space();
        if self.peek() == Some(b'"') {
            return Err(Stop::OneString);
        }
        let mut live: Vec<usize> = (0..self.paths.len()).collect();
        loop {
            self.space();
            let opened = self.open_or_scalar(live)?;
            if opened && !self.closes_at_once()? {
                live = self.lead()?;
                continue;
            }
            // A value has ended, and perhaps what it was in.
            loop {
                if self.hidden == Some(self.levels.len()) {
                    self.hidden = None;
                    self.copied = self.at;
                }
                self.space();
                let Some(level) = self.levels.last() else {
                    return if self.at == self.body.len() { Ok(()) } else { Err(Stop::NotJson) };
                };
                let close = if level.object { b'}' } else { b']' };
                match self.next()? {
                    b',' => break,
                    c if c == close => drop(self.levels.pop()),
                    _ => return Err(Stop::NotJson),
                }
            }
            if let Some(level) = self.levels.last_mut() {
                level.index += 1;
            }
            live = self.lead()?;
        }
    }

    /// Reads a scalar whole, or a bracket that opens: true.
    fn open_or_scalar(&mut self, live: Vec<usize>) -> Result<bool, Stop> {
        match self.peek().ok_or(Stop::Ended)? {
            b'"' => self.string().map(|_| false),
            c @ (b'{' | b'[') => {
                self.at += 1;
                self.levels.push(Level { object: c == b'{', index: 0, live });
                if self.levels.len() > MAX_DEPTH { Err(Stop::NotJson) } else { Ok(true) }
            }
            _ => self.word().map(|()| false),
        }
    }

    /// `{}` and `[]`: the level is closed again.
    fn closes_at_once(&mut self) -> Result<bool, Stop> {
        self.space();
        let object = self.levels.last().is_some_and(|level| level.object);
        let closes = self.peek().ok_or(Stop::Ended)? == if object { b'}' } else { b']' };
        if closes {
            self.at += 1;
            self.levels.pop();
        }
        Ok(closes)
    }

    /// Up to the value of the next member or element: the paths that lead to it. Where one of them
    /// ends there, what comes is hidden.
    fn lead(&mut self) -> Result<Vec<usize>, Stop> {
        self.space();
        let name = match self.levels.last() {
            Some(level) if level.object => Some(self.name()?),
            _ => None,
        };
        self.space();
        let Some(level) = self.levels.last() else { return Err(Stop::NotJson) };
        let depth = self.levels.len() - 1;
        let leads = |path: &Path| match &name {
            Some(name) => path.leads_to_member(depth, name),
            None => path.leads_to_element(depth, level.index),
        };
        let live: Vec<usize> = level.live.iter().copied().filter(|n| leads(&self.paths[*n])).collect();
        let ends = live.iter().any(|n| self.paths[*n].depth() == depth + 1);
        if ends && self.hidden.is_none() && self.at < self.body.len() {
            self.out.push_str(&self.body[self.copied..self.at]);
            self.out.push_str(STARS);
            self.copied = self.at;
            self.hidden = Some(self.levels.len());
        }
        Ok(live)
    }

    /// A member's name and its colon.
    fn name(&mut self) -> Result<String, Stop> {
        let raw = match self.peek().ok_or(Stop::Ended)? {
            b'"' => self.string()?,
            _ => return Err(Stop::NotJson),
        };
        // Escapes and all, as any parser would have it.
        let name = serde_json::from_str(raw).map_err(|_| Stop::NotJson)?;
        self.space();
        if self.next()? == b':' { Ok(name) } else { Err(Stop::NotJson) }
    }

    /// A string with its quotes.
    fn string(&mut self) -> Result<&'a str, Stop> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.next()? {
                b'"' => return Ok(&self.body[start..self.at]),
                b'\\' => drop(self.next()?),
                ..0x20 => return Err(Stop::NotJson),
                _ => {}
            }
        }
    }

    /// A number, `true`, `false`, `null`; unfinished ones are fine where the text ends.
    fn word(&mut self) -> Result<(), Stop> {
        let rest = &self.body[self.at..];
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let word = rest.split(|c| !is_word(c)).next().unwrap_or_default();
        self.at += word.len();
        let unfinished = self.at == self.body.len();
        let starts = |whole: &str| !word.is_empty() && whole.starts_with(word);
        let number = word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if ["true", "false", "null"].contains(&word) || number && word.parse::<f64>().is_ok() {
            Ok(())
        } else if unfinished && (number || ["true", "false", "null"].iter().any(|whole| starts(whole))) {
            Err(Stop::Ended)
        } else {
            Err(Stop::NotJson)
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.body.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, Stop> {
        let byte = self.peek().ok_or(Stop::Ended)?;
        self.at += 1;
        Ok(byte)
    }
}
