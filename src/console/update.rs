//! `update`: one message in, effects out.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::msg::Msg;

/// Takes one message; what is to be done comes back as data.
pub fn update(console: &mut Console, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Tick { mono, account } => {
            console.mono = console.mono.max(mono);
            console.now = account;
            console.expire_toasts();
        }
        Msg::Resize { columns, rows } => (console.columns, console.rows) = (columns, rows),
        _ => {}
    }
    Vec::new()
}
