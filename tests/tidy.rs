//! Style as a test: which layer may import which, which crate is confined to which layer, how long a
//! file and a function may be, and that ARCHITECTURE.md says the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// Layer → layers it may import besides itself. ARCHITECTURE.md's table is compared with this.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("automation", &["model"]),
    ("pipeline", &["model", "automation"]),
    ("scenario", &["model", "pipeline"]),
    ("verdict", &["model"]),
    ("query", &["model"]),
    ("operation", &["model", "verdict"]),
    ("runner", &["model", "operation"]),
    ("console", &["model", "verdict", "query", "operation"]),
    ("forecast", &["model", "pipeline"]),
    ("wire", &["model", "pipeline"]),
    ("ui", &["model", "verdict", "operation", "console"]),
    ("report", &["model", "verdict", "operation"]),
    ("aws", &["model", "operation"]),
    ("journal", &["model", "operation"]),
    ("driver", &["model", "pipeline", "scenario", "wire"]),
    ("config", &["model"]),
    ("command", ALL_BUT_UI),
    ("shell", ALL),
];

const ALL_BUT_UI: &[&str] = &[
    "model",
    "automation",
    "pipeline",
    "scenario",
    "verdict",
    "query",
    "operation",
    "runner",
    "console",
    "forecast",
    "wire",
    "report",
    "aws",
    "journal",
    "driver",
    "config",
    "shell",
];

const ALL: &[&str] = &[
    "model",
    "automation",
    "pipeline",
    "scenario",
    "verdict",
    "query",
    "operation",
    "runner",
    "console",
    "forecast",
    "wire",
    "ui",
    "report",
    "aws",
    "journal",
    "driver",
    "config",
    "command",
];

/// Crate (or prefix ending in `_`) → layers that may name it.
const CONFINED: &[(&str, &[&str])] = &[
    ("aws_sdk_", &["aws"]),
    ("aws_config", &["aws"]),
    ("aws_credential_types", &["aws"]),
    ("aws_runtime", &["aws"]),
    ("aws_sigv4", &["aws"]),
    ("aws_types", &["aws"]),
    ("aws_smithy_", &["aws", "driver", "wire"]),
    ("crossterm", &["shell"]),
    ("ratatui", &["ui", "shell"]),
    ("hyper", &["wire", "driver"]),
    ("hyper_util", &["wire", "driver"]),
    ("http", &["wire", "driver"]),
    ("http_body_util", &["wire", "driver"]),
    ("rusqlite", &["journal"]),
    ("nucleo_matcher", &["query"]),
    ("jaq_core", &["query"]),
    ("jaq_std", &["query"]),
    ("jaq_json", &["query"]),
    ("rustix", &["command"]),
    ("tokio", &["aws", "driver", "runner", "command", "shell"]),
    ("clap", &["config", "scenario"]),
    ("clap_complete", &["config", "scenario"]),
    ("clap_mangen", &["config", "scenario"]),
    ("toml", &["config", "scenario"]),
];

/// A layer whose results must not depend on a hash map's order.
const ORDERED: &[&str] = &["automation", "pipeline", "scenario", "verdict", "operation", "forecast"];

/// Layers that share state between threads.
const SHARED_STATE: &[&str] = &["driver", "runner", "shell"];

const MAX_LINES: usize = 400;
const MAX_LINES_WITH_TESTS: usize = 700;
const MAX_FUNCTION_LINES: usize = 70;
/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "types", "misc"];

/// (file, rule, reason): the rules that are broken on purpose. At most five.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

#[test]
fn every_file_keeps_to_its_layer_and_its_size() {
    let mut faults = Vec::new();
    for path in sources("src") {
        check_file(&path, &mut faults);
    }
    assert!(EXCEPTIONS.len() <= 5, "more than five exceptions: mend one");
    let unused: Vec<_> = EXCEPTIONS
        .iter()
        .filter(|(file, rule, _)| !faults.iter().any(|f| f.file == *file && f.rule == *rule))
        .collect();
    assert!(unused.is_empty(), "exceptions nobody needs any more: {unused:?}");
    faults.retain(|fault| !EXCEPTIONS.iter().any(|(file, rule, _)| fault.file == *file && fault.rule == *rule));
    let listing = faults.iter().fold(String::new(), |mut text, fault| {
        let _ = writeln!(text, "  {}:{} [{}] {}", fault.file, fault.line, fault.rule, fault.what);
        text
    });
    assert!(faults.is_empty(), "{} faults:\n{listing}", faults.len());
}

#[test]
fn tests_and_benches_are_short_files_too() {
    let long: Vec<_> = sources("tests")
        .into_iter()
        .map(|path| (path.display().to_string(), read(&path).lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES_WITH_TESTS)
        .collect();
    assert!(long.is_empty(), "over {MAX_LINES_WITH_TESTS} lines: {long:?}");
}

#[test]
fn the_layer_table_of_the_architecture_page_is_this_one() {
    let page = read(Path::new("ARCHITECTURE.md"));
    let rows: BTreeMap<String, String> = page
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let name = cells.first()?.strip_prefix('`')?.strip_suffix("/`")?;
            (cells.len() == 3).then(|| (name.to_owned(), cells[2].to_owned()))
        })
        .collect();
    let here: BTreeMap<String, String> =
        LAYERS.iter().map(|(name, imports)| ((*name).to_owned(), spelled(imports))).collect();
    assert_eq!(rows, here);
}

#[test]
fn the_checks_themselves_catch_what_they_are_for() {
    let caught = |file: &str, source: &str| {
        let mut faults = Vec::new();
        check_source(file, source, &mut faults);
        faults.iter().map(|fault| fault.rule).collect::<Vec<_>>()
    };
    let ok = "//! Doc.\nuse crate::model::id::Arn;\n";
    assert_eq!(caught("src/verdict/a.rs", ok), Vec::<&str>::new());
    let nested = "//! Doc.\nuse crate::{model::id, aws::{self, x}};\n";
    assert_eq!(caught("src/verdict/a.rs", nested), ["layer"]);
    assert_eq!(caught("src/verdict/a.rs", "//! D.\nfn f() { format!(\"{}\", crate::aws::x()); }"), ["layer"]);
    assert_eq!(caught("src/verdict/a.rs", "//! D.\nuse super::super::aws::x;"), ["super"]);
    assert_eq!(caught("src/verdict/a.rs", "//! D.\nmod tests { use super::super::b; }"), Vec::<&str>::new());
    assert_eq!(caught("src/verdict/a.rs", "//! D.\npub use crate::model::id::Arn;"), ["re-export"]);
    assert_eq!(caught("src/verdict/a.rs", "//! D.\nfn f() { tokio::spawn(x); }"), ["confined"]);
    assert_eq!(caught("src/console/a.rs", "//! D.\nuse ratatui::Frame;"), ["confined"]);
    assert_eq!(caught("src/verdict/a.rs", "//! D.\nfn f(_: HashMap<u8, u8>) {}"), ["hash order"]);
    assert_eq!(caught("src/aws/a.rs", "//! D.\nstruct S(Arc<Mutex<u8>>);"), ["shared state"]);
    assert_eq!(caught("src/aws/utils.rs", "//! D.\n"), ["name"]);
    assert_eq!(caught("src/aws/a.rs", "fn f() {}"), ["doc"]);
    let long = format!("//! D.\nfn f() {{\n{}}}\n", "    g();\n".repeat(70));
    assert_eq!(caught("src/aws/a.rs", &long), ["function length"]);
    assert_eq!(caught("src/aws/a.rs", &format!("//! D.\n{}", "// x\n".repeat(400))), ["file length"]);
    let tested = format!("//! D.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(400));
    assert_eq!(caught("src/aws/a.rs", &tested), Vec::<&str>::new());
}

struct Fault {
    file: String,
    line: usize,
    rule: &'static str,
    what: String,
}

fn check_file(path: &Path, faults: &mut Vec<Fault>) {
    let file = path.display().to_string().replace('\\', "/");
    check_source(&file, &read(path), faults);
}

fn check_source(file: &str, source: &str, faults: &mut Vec<Fault>) {
    let parts: Vec<&str> = file.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    let stem = *parts.last().expect("a path has a last part");
    let mut fault = |line: usize, rule: &'static str, what: String| {
        faults.push(Fault { file: file.to_owned(), line, rule, what });
    };
    if !source.starts_with("//!") {
        fault(1, "doc", "a module opens with //!: its purpose and what it must not do".to_owned());
    }
    if EMPTY_NAMES.contains(&stem) {
        fault(1, "name", format!("`{stem}` says nothing"));
    }
    let tree = match syn::parse_file(source) {
        Ok(tree) => tree,
        Err(error) => return fault(error.span().start().line, "parse", error.to_string()),
    };
    check_lengths(source, &tree, &mut fault);
    if parts.len() < 2 {
        return;
    }
    let layer = parts[0];
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return fault(1, "layer", format!("`{layer}/` is not in the table of layers"));
    };
    // `mod.rs` is the folder's own module, any other file one below it.
    let depth = if stem == "mod" { parts.len() - 1 } else { parts.len() };
    let tokens: TokenStream = source.parse().expect("it has been parsed");
    let mut walk = Walk { layer, allowed, fault: &mut fault };
    walk.stream(tokens, depth);
    ReExports { layer, fault: &mut fault }.visit_file(&tree);
}

fn check_lengths(source: &str, tree: &syn::File, fault: &mut impl FnMut(usize, &'static str, String)) {
    let total = source.lines().count();
    let tests: usize = tree
        .items
        .iter()
        .filter(|item| matches!(item, syn::Item::Mod(module) if is_test(&module.attrs)))
        .map(|item| item.span().end().line + 1 - item.span().start().line)
        .sum();
    if total - tests > MAX_LINES {
        fault(1, "file length", format!("{} lines without tests; the ceiling is {MAX_LINES}", total - tests));
    }
    if total > MAX_LINES_WITH_TESTS {
        fault(1, "file length", format!("{total} lines; the ceiling is {MAX_LINES_WITH_TESTS}"));
    }
    let mut functions = Functions(Vec::new());
    functions.visit_file(tree);
    for (name, line, lines) in functions.0 {
        if lines > MAX_FUNCTION_LINES {
            fault(line, "function length", format!("`{name}` has {lines} lines; the ceiling is {MAX_FUNCTION_LINES}"));
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|ident| ident == "test")
    })
}

/// Name, first line and length of every function.
struct Functions(Vec<(String, usize, usize)>);

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig, item.block.span());
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig, item.block.span());
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.note(&item.sig, block.span());
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

impl Functions {
    fn note(&mut self, signature: &syn::Signature, block: proc_macro2::Span) {
        let line = signature.fn_token.span().start().line;
        self.0.push((signature.ident.to_string(), line, block.end().line + 1 - line));
    }
}

/// `pub use crate::other_layer::…` would make one layer's names seem another's.
struct ReExports<'a, F> {
    layer: &'a str,
    fault: &'a mut F,
}

impl<'ast, F: FnMut(usize, &'static str, String)> Visit<'ast> for ReExports<'_, F> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if matches!(item.vis, syn::Visibility::Inherited) {
            return;
        }
        if let syn::UseTree::Path(root) = &item.tree
            && root.ident == "crate"
        {
            let own = matches!(&*root.tree, syn::UseTree::Path(next) if next.ident == self.layer);
            if !own {
                (self.fault)(item.span().start().line, "re-export", "a layer re-exports only its own".to_owned());
            }
        }
    }
}

/// Walks every token, macros included, and looks at each path where it starts.
struct Walk<'a, F> {
    layer: &'a str,
    allowed: &'a [&'a str],
    fault: &'a mut F,
}

impl<F: FnMut(usize, &'static str, String)> Walk<'_, F> {
    fn stream(&mut self, stream: TokenStream, depth: usize) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for i in 0..tokens.len() {
            match &tokens[i] {
                TokenTree::Group(group) => {
                    let in_module = group.delimiter() == Delimiter::Brace
                        && i >= 2
                        && matches!(&tokens[i - 2], TokenTree::Ident(word) if word == "mod");
                    self.stream(group.stream(), depth + usize::from(in_module));
                }
                TokenTree::Ident(word) => self.word(&tokens, i, &word.to_string(), depth),
                _ => {}
            }
        }
    }

    fn word(&mut self, tokens: &[TokenTree], i: usize, word: &str, depth: usize) {
        let line = tokens[i].span().start().line;
        let continues_a_path = i >= 2 && is_colon(&tokens[i - 1]) && is_colon(&tokens[i - 2]);
        let opens_a_path = colons_follow(tokens, i);
        if continues_a_path {
            return;
        }
        match word {
            "crate" if opens_a_path => {
                for (target, line) in heads(&tokens[i + 3..]) {
                    if target != self.layer && !self.allowed.contains(&target.as_str()) {
                        let what = format!("`{}` may not import `{target}`", self.layer);
                        (self.fault)(line, "layer", what);
                    }
                }
            }
            "super" => {
                let mut supers = 1;
                let mut at = i;
                while colons_follow(tokens, at)
                    && matches!(tokens.get(at + 3), Some(TokenTree::Ident(next)) if next == "super")
                {
                    supers += 1;
                    at += 3;
                }
                if supers >= depth {
                    (self.fault)(line, "super", "`super` may not leave its layer".to_owned());
                }
            }
            "HashMap" | "HashSet" if ORDERED.contains(&self.layer) => {
                let what = format!("`{word}` has no order; use a BTree or a Vec");
                (self.fault)(line, "hash order", what);
            }
            "Mutex" | "RwLock" if !SHARED_STATE.contains(&self.layer) => {
                (self.fault)(line, "shared state", format!("`{word}` belongs to {SHARED_STATE:?}"));
            }
            _ if opens_a_path => self.foreign(word, line),
            _ => {}
        }
    }

    fn foreign(&mut self, word: &str, line: usize) {
        let confined =
            CONFINED.iter().find(|(name, _)| word == *name || (name.ends_with('_') && word.starts_with(name)));
        if let Some((_, layers)) = confined
            && !layers.contains(&self.layer)
        {
            (self.fault)(line, "confined", format!("`{word}` is confined to {layers:?}"));
        }
    }
}

/// The first segments after `crate::`: one, or one for each branch of a group.
fn heads(tokens: &[TokenTree]) -> Vec<(String, usize)> {
    match tokens.first() {
        Some(TokenTree::Ident(word)) => vec![(word.to_string(), word.span().start().line)],
        Some(TokenTree::Group(group)) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            inner.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ',')).flat_map(heads).collect()
        }
        _ => Vec::new(),
    }
}

fn colons_follow(tokens: &[TokenTree], i: usize) -> bool {
    tokens.get(i + 1).is_some_and(is_colon) && tokens.get(i + 2).is_some_and(is_colon)
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

fn spelled(imports: &[&str]) -> String {
    if imports == ALL {
        "all".to_owned()
    } else if imports == ALL_BUT_UI {
        "all but ui".to_owned()
    } else if imports.is_empty() {
        "–".to_owned()
    } else {
        imports.join(", ")
    }
}

fn sources(root: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the tests run in the project's root") {
            let path = entry.expect("a folder lists its entries").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
