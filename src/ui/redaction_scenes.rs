//! Test only: a queue scanned in a context that redacts.

use crate::console::Console;
use crate::model::redaction::Redaction;
use crate::ui::scenes::{armed, letter, scanned, type_keys};

/// The last three messages are no JSON objects.
pub fn list() -> Console {
    let mut console = scanned(armed(), 40);
    console.options.context.redact = Redaction::new(["profile.id", "tags"]).expect("paths");
    let snapshot = console.snapshots.get_mut(&"JobDLQ".into()).expect("just scanned");
    let bodies = ["profile.id=p-7 sent by hand", r#""{\"profile\":{\"id\":\"p-7\"}}""#, r#"{"profile":{"id":"p-7""#];
    snapshot.add(bodies.iter().zip(500..).map(|(body, n)| letter(n, (*body).to_owned(), 1)));
    console
}

pub fn message(keys: &str) -> Console {
    let mut console = list();
    type_keys(&mut console, keys);
    console
}
