//! The terminal goes away while the console is open: it leaves in order all the same.

use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// 128 + SIGHUP, or the console's own code for a terminal that cannot be written to, whichever is
/// noticed first.
const IN_ORDER: [u32; 2] = [129, 3];

#[test]
fn a_terminal_that_closes_is_left_in_order() {
    let pty = native_pty_system();
    let pair = pty.openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 }).expect("a pty");
    let home = tempfile::tempdir().expect("a directory");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_redrive"));
    command.args(["sandbox", "--seed", "7"]);
    command.env_clear();
    command.env("TERM", "xterm-256color");
    command.env("HOME", home.path());
    command.env("REDRIVE_STATE_DIR", home.path().join("state"));
    let mut child = pair.slave.spawn_command(command).expect("the binary starts");
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let mut drawn = Vec::new();
    let mut buffer = [0; 8192];
    // Each frame ends by hiding the cursor.
    while String::from_utf8_lossy(&drawn).matches("\x1b[?25l").count() < 4 {
        let count = reader.read(&mut buffer).expect("it draws");
        assert!(count > 0, "it ended before its first frame");
        drawn.extend_from_slice(&buffer[..count]);
    }
    // Nobody reads the terminal any more: every write to it fails from here on.
    drop(reader);
    drop(pair.master);
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait().expect("it ends").exit_code()));
    let code = ended.recv_timeout(Duration::from_secs(60)).expect("it ends by itself");
    assert!(IN_ORDER.contains(&code), "exit code {code}: 101 is a panic on the way out, before leases are given back");
}
