//! The preflight card as text: what stands before every change, on a screen or off it.

use std::fmt::Write;

use crate::operation::card::Card;
use crate::operation::confirm::Level;
use crate::report::table::clean;

/// Everything the card says, one thing a line.
pub fn text(card: &Card) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", clean(&card.title));
    let _ = writeln!(out, "  account   {}  region {}", clean(&card.account), clean(&card.region));
    for (name, lines) in [
        ("does", &card.scope),
        ("calls", &card.calls),
        ("same as", &card.cli),
        ("about", &card.about),
        ("checked", &card.checked),
        ("not known", &card.unchecked),
        ("for good", &card.irreversible),
    ] {
        for (index, line) in lines.iter().enumerate() {
            let _ = writeln!(out, "  {:<9} {}", if index == 0 { name } else { "" }, clean(line));
        }
    }
    let needs = match &card.level {
        Level::Button => "--yes",
        Level::Account { .. } => "--yes (which stands for typing the account)",
        Level::Count(_) | Level::Irreversible { .. } => "--yes (which stands for typing the count)",
    };
    let _ = writeln!(out, "  needs     {needs}");
    out
}
