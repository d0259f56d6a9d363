//! Changes of config.toml's text that leave everything else in it as it is: a context more, another
//! current one. The answer is the whole new text; nothing is written here.

use std::fmt::Write as _;

use crate::config::file::{ContextFile, Section, parse};

impl ContextFile {
    /// The text with one context more. The first one there is becomes current.
    ///
    /// # Errors
    /// There is one of that name already, or what was given makes no valid context.
    pub fn with(&self, name: &str, section: &Section) -> Result<String, String> {
        if self.contexts.contains_key(name) {
            let path = self.path.display();
            return Err(format!(
                "there is a context {name:?} already in {path}: edit it there, or choose another name"
            ));
        }
        let mut text = self.text.clone().unwrap_or_default();
        if self.contexts.is_empty() && self.current.is_none() {
            text = with_current(&text, name);
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&written(name, section));
        parse(&self.path, &text)?;
        Ok(text)
    }

    /// The text with another context current.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn using(&self, name: &str) -> Result<String, String> {
        let text = with_current(self.text.as_deref().unwrap_or_default(), name);
        parse(&self.path, &text)?;
        Ok(text)
    }
}

/// The line `current = …` replaced, or put first.
fn with_current(text: &str, name: &str) -> String {
    let line = format!("current = {}", quoted(name));
    let tables = text.lines().position(|line| line.trim_start().starts_with('[')).unwrap_or(usize::MAX);
    let is_current =
        |line: &str| line.trim_start().strip_prefix("current").is_some_and(|r| r.trim_start().starts_with('='));
    let mut lines: Vec<&str> = text.lines().collect();
    match lines.iter().position(|line| is_current(line)).filter(|at| *at < tables) {
        Some(at) => lines[at] = &line,
        None => lines.insert(0, &line),
    }
    lines.join("\n") + "\n"
}

fn written(name: &str, section: &Section) -> String {
    // A dot in a bare key would make a table of a table.
    let key = if name.contains('.') { quoted(name) } else { name.to_owned() };
    let mut text = format!("[contexts.{key}]\n");
    let context = &section.context;
    let texts = [
        ("profile", section.profile.as_deref()),
        ("region", section.region.as_deref()),
        ("endpoint_url", section.endpoint_url.as_deref()),
        ("role", section.role.as_deref()),
        ("prefix", section.prefix.as_deref()),
        ("stack", section.stack.as_deref()),
        ("colour", context.colour.map(|colour| colour.name())),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        }
    }
    for (key, on) in [("protected", context.protected), ("read_only", context.read_only)] {
        if on {
            let _ = writeln!(text, "{key} = true");
        }
    }
    text
}

fn quoted(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::context::{Colour, Context};

    fn file(text: &str) -> ContextFile {
        parse(Path::new("config.toml"), text).expect("valid")
    }

    #[test]
    fn a_first_context_is_current_and_a_second_changes_no_line_but_its_own() {
        let none = ContextFile { path: "config.toml".into(), ..ContextFile::default() };
        let section = Section {
            profile: Some("prod \"eu\"".to_owned()),
            region: Some("eu-west-1".to_owned()),
            context: Context { colour: Some(Colour::Red), protected: true, ..Context::default() },
            ..Section::default()
        };
        let first = none.with("prod", &section).expect("valid");
        let read = file(&first);
        assert_eq!(
            (read.current.as_deref(), read.contexts["prod"].profile.as_deref()),
            (Some("prod"), Some("prod \"eu\""))
        );
        assert!(read.contexts["prod"].context.protected);
        let commented = format!("# ours\n{first}");
        let second = file(&commented).with("de.v", &Section::default()).expect("valid");
        assert!(second.starts_with(&commented), "{second}");
        assert_eq!(file(&second).current.as_deref(), Some("prod"));
        let again = file(&second).with("prod", &Section::default()).expect_err("never overwritten");
        assert!(again.contains("there is a context \"prod\" already"), "{again}");
    }

    #[test]
    fn another_current_one_is_one_line_changed() {
        let text = "# c\ncurrent = \"a\" # why\n\n[contexts.a]\n[contexts.b]\nprefix = 'current = x'\n";
        let changed = file(text).using("b").expect("valid");
        assert_eq!(changed, text.replace("current = \"a\" # why", "current = \"b\""));
        let none = "[contexts.a]\n[contexts.b]\n";
        assert_eq!(file(none).using("b").expect("valid"), format!("current = \"b\"\n{none}"));
        assert!(file(none).using("c").is_err());
    }
}
