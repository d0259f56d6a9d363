//! The same question as the console's own test of it, asked at the server: keys on an unarmed console,
//! its effects performed by the shell's worker, and no call that changes anything arrives. Tests only.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::console::ConsoleOptions;
use crate::console::command::COMMANDS;
use crate::console::key::{Code, Key};
use crate::console::msg::Msg;
use crate::model::permission::{READ_ONLY, action_of, actions_in};
use crate::shell::rig::Rig;

const KEYS: u32 = 4_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_sees_no_change_from_an_unarmed_console() {
    let mut rig = Rig::start(ConsoleOptions::default(), |_| {}).await;
    rig.until("a picture", |console| console.picture.topology.is_some()).await;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for pressed in 0..KEYS {
        let command = &COMMANDS[(rng.next_u32() as usize) % COMMANDS.len()];
        let key = match rng.next_u32() % 4 {
            0 => Key::plain(Code::Enter),
            1 => Key::char(char::from(b'0' + (rng.next_u32() % 9) as u8)),
            _ => command.keys[0],
        };
        if key != Key::ctrl('c') {
            rig.tell(Msg::Key(key));
        }
        // On the map `q` leaves: then nobody watches any more, and the test would prove nothing.
        rig.console.leaving = false;
        if pressed % 20 == 0 {
            rig.pass(500).await;
        }
    }
    let calls = rig.gate.calls();
    let looks = actions_in(READ_ONLY);
    let changes: Vec<_> = calls
        .keys()
        .filter(|call| action_of(call).is_some_and(|action| !looks.iter().any(|look| look == action)))
        .collect();
    assert!(changes.is_empty(), "an unarmed console asked for {changes:?}");
    assert!(calls.values().sum::<u64>() > 100, "it did ask: {calls:?}");
    rig.stop().await;
}
