//! Terminal events to the console's own: the one place that knows crossterm's keys.

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers, MouseEventKind};

use crate::console::key::{Code, Key, Mouse};

/// What came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Key(Key),
    Mouse(Mouse),
    Paste(String),
    Resize { columns: u16, rows: u16 },
}

/// Reads events on a thread of its own and hands them to `take` until that answers false or the
/// terminal is gone. The thread may stay blocked in a read when the process ends; that is harmless.
pub fn listen(mut take: impl FnMut(Input) -> bool + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        while let Ok(event) = event::read() {
            if let Some(input) = translate(event)
                && !take(input)
            {
                break;
            }
        }
    })?;
    Ok(())
}

fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => translate_key(key).map(Input::Key),
        Event::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            let mouse = match mouse.kind {
                MouseEventKind::ScrollUp => Mouse::ScrollUp { column, row },
                MouseEventKind::ScrollDown => Mouse::ScrollDown { column, row },
                MouseEventKind::Down(_) => Mouse::Press { column, row },
                _ => return None,
            };
            Some(Input::Mouse(mouse))
        }
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(columns, rows) => Some(Input::Resize { columns, rows }),
        _ => None,
    }
}

fn translate_key(key: event::KeyEvent) -> Option<Key> {
    let code = match key.code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::F(n) => Code::F(n),
        _ => return None,
    };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(Key { code, ctrl, alt })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    #[test]
    fn a_key_is_translated_once_and_its_release_is_not() {
        let press = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(translate(Event::Key(press)), Some(Input::Key(Key::ctrl('c'))));
        let release = KeyEvent::new_with_kind(KeyCode::Char('c'), KeyModifiers::CONTROL, KeyEventKind::Release);
        assert_eq!(translate(Event::Key(release)), None);
        let shifted = KeyEvent::new(KeyCode::Char('R'), KeyModifiers::SHIFT);
        assert_eq!(translate(Event::Key(shifted)), Some(Input::Key(Key::char('R'))));
    }
}
