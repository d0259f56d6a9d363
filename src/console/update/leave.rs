//! Leaving: asks only while something runs.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::overlay::Overlay;

/// `ctrl-c`, or `q` at home. Asked twice, it leaves.
pub(super) fn quit(console: &mut Console) -> Vec<Effect> {
    let running = console.running().count();
    let asked = matches!(console.overlay(), Some(Overlay::Leave { .. }));
    if running > 0 && !asked && !console.leaving {
        console.overlays.push(Overlay::Leave { running });
        return Vec::new();
    }
    console.leaving = true;
    vec![Effect::Quit]
}

pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    match key.code {
        Code::Enter | Code::Char('y' | 'Y') => quit(console),
        Code::Esc | Code::Char('n' | 'N' | 'q') => {
            console.overlays.pop();
            Vec::new()
        }
        _ => Vec::new(),
    }
}
