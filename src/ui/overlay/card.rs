//! The preflight card: where, the exact calls, the `aws` line, what it is about, what was checked and
//! what was not, what cannot be undone; then the answer. The answer's rows are always in view.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::overlay::{Card, CardFocus};
use crate::model::finding::Severity;
use crate::operation::card::Card as Text;
use crate::operation::confirm::Level;
use crate::ui::overlay::{field, sheet, sheet_width};
use crate::ui::theme::Theme;
use crate::ui::widget::figure;
use crate::ui::widget::hostile;
use crate::ui::widget::ink::{Ink, Piece};
use crate::ui::widget::pane::{Frame, split_top};
use crate::ui::widget::prose::Prose;

const WIDTH: u16 = 104;
const NAMES: u16 = 14;
const FIELD: u16 = 10;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, card: &Card) -> usize {
    let text = card.planned.card();
    let width = sheet_width(area, WIDTH);
    let prose = told(ink.theme, console, text, width - 4);
    let answer = answer_rows(card);
    let wants = u16::try_from(prose.len()).unwrap_or(u16::MAX).saturating_add(answer + 3);
    let inside = sheet(ink, area, (width, wants), &Frame::new(text.title.clone(), ink));
    let (top, bottom) = split_top(inside, inside.height.saturating_sub(answer + 1));
    let first = prose.draw(ink, top, card.scroll);
    let (rule, bottom) = split_top(bottom, 1);
    ink.across(rule.x, rule.y, rule.width, '─', ink.theme.border());
    draw_answer(ink, bottom, console, card, text);
    first
}

fn told(theme: Theme, console: &Console, text: &Text, width: u16) -> Prose {
    let mut prose = Prose::new(width);
    let band =
        if console.options.sandbox { theme.band_sandbox() } else { theme.band_account(console.options.context.colour) };
    let place = match (console.options.sandbox, text.account.is_empty()) {
        (true, _) => format!(" SANDBOX · {} · {} ", text.account, text.region),
        (false, true) => " account not known ".to_owned(),
        (false, false) => format!(" {} · {} ", text.account, text.region),
    };
    prose.line(vec![Piece::new(place, band)]);
    let mut part = |name: &str, sign: Piece, lines: &[String]| {
        for (n, line) in lines.iter().enumerate() {
            let name = if n == 0 { name } else { "" };
            let pad = " ".repeat(usize::from(NAMES.saturating_sub(hostile::width(name) + sign.width())));
            let mut own = Prose::new(width);
            own.item(
                Piece::new(
                    format!("{name}{pad}{}", sign.text),
                    if sign.text.is_empty() { theme.dim() } else { sign.style },
                ),
                line,
                theme.plain(),
            );
            prose.append(own);
        }
    };
    let none = || Piece::new("", theme.dim());
    part("about", none(), &text.scope);
    part("the work", none(), &text.about);
    part("calls", none(), &text.calls);
    part("same as", none(), &text.cli);
    part("checked", Piece::new("● ", theme.severity(Severity::Good)), &text.checked);
    part("not checked", Piece::new("○ ", theme.severity(Severity::Note)), &text.unchecked);
    part("for good", Piece::new("▲ ", theme.severity(Severity::Warning)), &text.irreversible);
    prose
}

fn fields(card: &Card) -> u16 {
    match card.planned.level() {
        Level::Button => 0,
        Level::Count(_) | Level::Account { .. } => 1,
        Level::Irreversible { .. } => 2,
    }
}

fn answer_rows(card: &Card) -> u16 {
    fields(card) + u16::from(card.wrong.is_some()) + 1
}

fn draw_answer(ink: &mut Ink<'_>, area: Rect, console: &Console, card: &Card, text: &Text) {
    let theme = ink.theme;
    let mut y = area.y;
    let mut ask = |ink: &mut Ink<'_>, label: &str, line, focus: CardFocus| {
        let focused = card.focus == focus;
        let sign = if focused { "▶ " } else { "  " };
        let used = ink.text(
            area.x,
            y,
            area.width,
            &format!("{sign}{label} "),
            if focused { theme.bold() } else { theme.plain() },
        );
        field(ink, area.x + used, y, FIELD, line, focused);
        y += 1;
    };
    match card.planned.level() {
        Level::Button => {}
        Level::Account { .. } => {
            ask(ink, "protected: type the last four digits of the account:", &card.account_last4, CardFocus::Account);
        }
        Level::Count(count) => {
            ask(ink, &format!("type how many, {}, to confirm:", figure::count(*count)), &card.count, CardFocus::Count);
        }
        Level::Irreversible { count, .. } => {
            ask(ink, &format!("type how many, {}:", figure::count(*count)), &card.count, CardFocus::Count);
            ask(ink, "and the last four digits of the account:", &card.account_last4, CardFocus::Account);
        }
    }
    if let Some(wrong) = &card.wrong {
        let used = ink.text(area.x, y, area.width, "✖ ", theme.severity(Severity::Harm));
        ink.text(area.x + used, y, area.width - used, wrong, theme.plain());
        y += 1;
    }
    let style = |focus| if card.focus == focus { theme.button_focused() } else { theme.plain() };
    let mut x = area.x + 2;
    for (label, focus) in [(text.button.as_str(), CardFocus::Go), ("Leave it", CardFocus::Leave)] {
        x += ink.text(x, y, area.right().saturating_sub(x), &format!("[ {label} ]"), style(focus)) + 2;
    }
    let note = if card.listens(console.mono) { "" } else { "keys are taken in a moment" };
    ink.text(x, y, area.right().saturating_sub(x), note, theme.dim());
}
