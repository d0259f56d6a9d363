//! What things look like. Colour means severity and nothing else (ux.md), and a sign always stands
//! beside it; the header band alone has a colour of its own, so that production is seen. Without
//! colour (`NO_COLOR`) bold, dim and reverse remain, which carry nothing a sign does not say too.

use ratatui::style::{Color, Modifier, Style};

use crate::model::context::Colour;
use crate::model::finding::Severity;

/// Every style on screen. The sixteen ANSI colours only: they follow the person's own palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
}

impl Theme {
    pub const fn new(colour: bool) -> Self {
        Theme { colour }
    }

    fn fg(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    pub fn plain(self) -> Style {
        Style::new()
    }

    pub fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Labels, units, sources, ages: what is read second.
    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// A border of a pane the keys do not go to.
    pub fn border(self) -> Style {
        self.dim()
    }

    /// A border of the pane the keys go to: the title says it too (reverse).
    pub fn border_focused(self) -> Style {
        self.bold()
    }

    /// The row the cursor is on.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A key to press, in the footer and beside a remedy.
    pub fn key(self) -> Style {
        self.bold()
    }

    /// The sign, or a figure that is the evidence.
    pub fn severity(self, severity: Severity) -> Style {
        match severity {
            Severity::Harm => self.fg(Color::Red).add_modifier(Modifier::BOLD),
            Severity::Warning => self.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            Severity::Note => self.fg(Color::Cyan),
            Severity::Good => self.fg(Color::Green),
        }
    }

    /// The band that says where we are: an account, in the colour its context gave it.
    pub fn band_account(self, colour: Option<Colour>) -> Style {
        match colour {
            None | Some(Colour::Blue) => self.band(Color::White, Color::Blue),
            Some(Colour::Red) => self.band(Color::White, Color::Red),
            Some(Colour::Green) => self.band(Color::Black, Color::Green),
            Some(Colour::Yellow) => self.band(Color::Black, Color::Yellow),
            Some(Colour::Magenta) => self.band(Color::White, Color::Magenta),
            Some(Colour::Cyan) => self.band(Color::Black, Color::Cyan),
            Some(Colour::White) => self.band(Color::Black, Color::White),
        }
    }

    /// The band that says where we are: the sandbox, where nothing can be broken.
    pub fn band_sandbox(self) -> Style {
        self.band(Color::Black, Color::Magenta)
    }

    fn band(self, fg: Color, bg: Color) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        if self.colour { style.fg(fg).bg(bg) } else { style.add_modifier(Modifier::REVERSED) }
    }

    /// The field a person types into.
    pub fn field(self) -> Style {
        Style::new().add_modifier(Modifier::UNDERLINED)
    }

    /// The button `enter` presses.
    pub fn button_focused(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_no_style_names_a_colour() {
        let theme = Theme::new(false);
        let severities = [Severity::Harm, Severity::Warning, Severity::Note, Severity::Good].map(|s| theme.severity(s));
        for style in severities.into_iter().chain([theme.band_account(None), theme.band_sandbox(), theme.selected()]) {
            assert_eq!((style.fg, style.bg), (None, None), "{style:?}");
        }
        assert_ne!(Theme::new(true).band_account(None), Theme::new(true).band_sandbox());
    }
}
