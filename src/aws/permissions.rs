//! A test alone: the calls of this layer, read out of its sources, are what `assets/iam/` allows. Who
//! adds a call adds its action to `read-only.json` or, if it changes something, to `operator.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

use crate::model::permission::{OPERATOR, READ_ONLY, action_of, actions_in};

/// Client → the prefix of its actions, where they differ: `aws_sdk_cloudwatchlogs` is `logs`.
const PREFIXES: &[(&str, &str)] = &[("cloudwatchlogs", "logs"), ("resourcegroupstagging", "tag"), ("sfn", "states")];
/// Prefixes that a text in this layer may have and be an action: `logs:FilterLogEvents`.
const SERVICES: &[&str] =
    &["cloudformation", "cloudwatch", "dynamodb", "iam", "kinesis", "lambda", "logs", "s3", "sqs", "sts", "tag"];

/// This file, and the meter, whose counters are called like the clients they count.
const NO_CALLS: &[&str] = &["aws/permissions.rs", "aws/meter.rs"];

/// What one file calls, by the SDK's methods and by the names it gives to what it attempts.
#[derive(Default)]
struct Calls<'a> {
    /// Field → service, of every client there is.
    clients: &'a [(String, String)],
    called: BTreeSet<String>,
    named: BTreeSet<String>,
    /// A client that is not called where it is named: its calls would not be seen here.
    bound: Vec<String>,
}

#[test]
fn the_policies_allow_exactly_what_is_called() {
    let files = sources();
    let clients = clients(&files);
    assert!(clients.iter().any(|(field, service)| field == "sqs" && service == "sqs"), "{clients:?}");
    let (called, named) = calls(&files, &clients);
    let unnamed: Vec<_> = called.difference(&named).collect();
    assert!(unnamed.is_empty(), "called, but attempted under another name in its errors: {unnamed:?}");
    let needed: BTreeSet<String> = called.union(&named).filter_map(|call| action_of(call)).map(str::to_owned).collect();
    let allowed: BTreeSet<String> = [READ_ONLY, OPERATOR].into_iter().flat_map(actions_in).collect();
    let lacking: Vec<_> = needed.difference(&allowed).collect();
    let surplus: Vec<_> = allowed.difference(&needed).collect();
    assert!(lacking.is_empty(), "called by src/aws and in no policy of assets/iam: {lacking:?}");
    assert!(surplus.is_empty(), "in assets/iam and called by nothing in src/aws: {surplus:?}");
}

#[test]
fn a_call_is_seen_however_it_is_written() {
    let source = r#"
        struct Clients { sqs: aws_sdk_sqs::Client, logs: aws_sdk_cloudwatchlogs::Client }
        async fn f(&self) {
            self.reads.sqs.list_queues().send().await;
            let text = format!("{:?}", self.logs.filter_log_events());
            refused("tag:GetResources", 1);
            let sqs = &self.sqs;
        }
        #[cfg(test)]
        mod tests { fn g() { x.sqs.purge_queue(); refused("sqs:PurgeQueue"); } }
    "#;
    let files: Files = [(PathBuf::from("a.rs"), syn::parse_file(source).expect("Rust"))].into();
    let clients = clients(&files);
    let mut calls = Calls { clients: &clients, ..Calls::default() };
    calls.visit_file(&files[Path::new("a.rs")]);
    assert_eq!(calls.called.iter().map(String::as_str).collect::<Vec<_>>(), ["logs:FilterLogEvents", "sqs:ListQueues"]);
    assert_eq!(calls.named.iter().map(String::as_str).collect::<Vec<_>>(), ["tag:GetResources"]);
    assert_eq!(calls.bound, ["sqs"]);
}

type Files = BTreeMap<PathBuf, syn::File>;

fn sources() -> Files {
    let mut files = Files::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the layer's folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs")
                && !NO_CALLS.iter().any(|name| path.ends_with(name))
            {
                let text = fs::read_to_string(&path).expect("a source");
                files.insert(path, syn::parse_file(&text).expect("it compiles"));
            }
        }
    }
    files
}

/// Every field whose type is a client of the SDK's.
fn clients(files: &Files) -> Vec<(String, String)> {
    struct Fields(Vec<(String, String)>);
    impl<'ast> Visit<'ast> for Fields {
        fn visit_field(&mut self, field: &'ast syn::Field) {
            if let (Some(name), syn::Type::Path(kind)) = (&field.ident, &field.ty)
                && let Some(first) = kind.path.segments.first()
                && let Some(service) = first.ident.to_string().strip_prefix("aws_sdk_")
                && kind.path.segments.last().is_some_and(|last| last.ident == "Client")
            {
                let prefix = PREFIXES.iter().find(|(sdk, _)| *sdk == service).map_or(service, |(_, prefix)| prefix);
                self.0.push((name.to_string(), prefix.to_owned()));
            }
        }
    }
    let mut fields = Fields(Vec::new());
    files.values().for_each(|file| fields.visit_file(file));
    fields.0
}

fn calls(files: &Files, clients: &[(String, String)]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut called, mut named) = (BTreeSet::new(), BTreeSet::new());
    for (path, file) in files {
        let mut calls = Calls { clients, ..Calls::default() };
        calls.visit_file(file);
        assert!(calls.bound.is_empty(), "{}: call a client where it is named: {:?}", path.display(), calls.bound);
        called.extend(calls.called);
        named.extend(calls.named);
    }
    (called, named)
}

impl<'ast> Visit<'ast> for Calls<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
        });
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if let syn::Expr::Field(field) = &*call.receiver
            && let Some(service) = self.service(&field.member)
        {
            self.called.insert(format!("{service}:{}", pascal(&call.method.to_string())));
            self.visit_expr(&field.base);
            call.args.iter().for_each(|argument| self.visit_expr(argument));
            return;
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        if self.service(&field.member).is_some()
            && let syn::Member::Named(name) = &field.member
        {
            self.bound.push(name.to_string());
        }
        visit::visit_expr_field(self, field);
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.note(&text.value());
    }

    /// Macros are not parsed: their texts and calls are looked for in their tokens.
    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        if let Ok(arguments) =
            invoked.parse_body_with(syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated)
        {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        }
    }
}

impl Calls<'_> {
    fn service(&self, member: &syn::Member) -> Option<&str> {
        let syn::Member::Named(name) = member else { return None };
        let known = self.clients.iter().find(|(field, _)| name == field)?;
        Some(known.1.as_str())
    }

    fn note(&mut self, text: &str) {
        let Some((service, operation)) = text.split_once(':') else { return };
        let is_operation = operation.starts_with(|c: char| c.is_ascii_uppercase())
            && operation.chars().all(|c| c.is_ascii_alphanumeric());
        if SERVICES.contains(&service) && is_operation {
            self.named.insert(text.to_owned());
        }
    }
}

fn pascal(method: &str) -> String {
    method.split('_').map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}
