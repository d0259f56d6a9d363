//! The terminal guard: what is switched on is switched off again, on every way out. It draws nothing
//! and reads no input.

use std::io::{self, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// True while the terminal is in our hands: the restore is then needed, and is done once.
static HELD: AtomicBool = AtomicBool::new(false);

pub type Screen = Terminal<CrosstermBackend<Stdout>>;

/// Holds the terminal in raw mode on the alternate screen; dropping it gives the terminal back.
pub struct Guard {
    /// Never dropped: ratatui's own drop shows the cursor again and, on a terminal that is gone, panics
    /// over the message that it could not.
    screen: ManuallyDrop<Screen>,
}

impl Guard {
    /// # Errors
    /// When standard output is no terminal, or refuses raw mode.
    pub fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        HELD.store(true, Ordering::SeqCst);
        let mut out = io::stdout();
        let entered = execute!(out, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide);
        let screen = entered.and_then(|()| Terminal::new(CrosstermBackend::new(out)));
        match screen {
            Ok(screen) => Ok(Guard { screen: ManuallyDrop::new(screen) }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    pub fn screen(&mut self) -> &mut Screen {
        &mut self.screen
    }

    /// Mouse capture on or off; off lets the terminal select text.
    pub fn capture_mouse(&mut self, on: bool) -> io::Result<()> {
        if on { execute!(io::stdout(), EnableMouseCapture) } else { execute!(io::stdout(), DisableMouseCapture) }
    }

    /// Copies by OSC 52: the terminal's own clipboard, also over SSH.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), crossterm::clipboard::CopyToClipboard::to_clipboard_from(text))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back; does nothing when it is not held. Errors are of no use here: after a
/// SIGHUP there is no terminal left to write to.
pub fn restore() {
    if !HELD.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}
