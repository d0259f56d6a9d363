//! The real binary in a pseudo-terminal: keys go in, the emulated screen is waited on. Nothing here
//! sleeps for a fixed time and hopes; every wait is for text on the screen, with a deadline.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a wait may last before the test fails and shows the screen. Machines are slow at times;
/// a passing wait ends as soon as the text is there.
const DEADLINE: Duration = Duration::from_secs(180);
const SLICE: Duration = Duration::from_millis(20);

/// A running `redrive` and the screen it has drawn.
pub struct Session {
    parser: vt100::Parser,
    output: Receiver<Vec<u8>>,
    input: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// Everything that was written, for looking at escape sequences after the end.
    pub raw: Vec<u8>,
    _home: tempfile::TempDir,
}

impl Session {
    /// Starts the binary with its own state directory and without any AWS settings of the machine's.
    pub fn start(columns: u16, rows: u16, args: &[&str]) -> Self {
        Self::start_with(columns, rows, args, &[])
    }

    pub fn start_with(columns: u16, rows: u16, args: &[&str], env: &[(&str, &str)]) -> Self {
        let pty = native_pty_system();
        let pair = pty.openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).expect("a pty");
        let home = tempfile::tempdir().expect("a directory");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_redrive"));
        command.args(args);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("HOME", home.path());
        command.env("REDRIVE_STATE_DIR", home.path().join("state"));
        command.env("TZ", "UTC");
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let input = pair.master.take_writer().expect("a writer");
        let parser = vt100::Parser::new(cells(rows), cells(columns), 0);
        Session { parser, output, input, child, master: pair.master, raw: Vec::new(), _home: home }
    }

    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    pub fn alternate_screen(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    pub fn cursor_hidden(&self) -> bool {
        self.parser.screen().hide_cursor()
    }

    /// Waits until the screen's text satisfies `seen`; fails with the screen when it never does.
    pub fn wait(&mut self, what: &str, seen: impl Fn(&str) -> bool) -> String {
        self.wait_at_most(DEADLINE, what, seen)
    }

    pub fn wait_at_most(&mut self, limit: Duration, what: &str, seen: impl Fn(&str) -> bool) -> String {
        let mut waited = Duration::ZERO;
        loop {
            let text = self.screen();
            if seen(&text) {
                return text;
            }
            assert!(waited < limit, "waited {limit:?} for {what}; the screen:\n{text}");
            match self.output.recv_timeout(SLICE) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => waited += SLICE,
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(seen(&self.screen()), "ended before {what}; the screen:\n{}", self.screen());
                }
            }
        }
    }

    pub fn wait_for(&mut self, text: &str) -> String {
        self.wait(&format!("`{text}`"), |screen| screen.contains(text))
    }

    pub fn keys(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).expect("the pty takes keys");
        self.input.flush().expect("the pty takes keys");
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).expect("a resize");
        self.parser.screen_mut().set_size(cells(rows), cells(columns));
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.process_id().expect("it runs").to_string();
        let done = std::process::Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        assert!(done.success());
    }

    /// Waits for the process to end; reads what it still writes; answers its exit code.
    pub fn end(&mut self) -> u32 {
        let mut waited = Duration::ZERO;
        loop {
            match self.output.recv_timeout(SLICE) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    waited += SLICE;
                    assert!(waited < DEADLINE, "it does not end; the screen:\n{}", self.screen());
                }
            }
        }
        self.child.wait().expect("it ended").exit_code()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.parser.process(bytes);
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has cells")
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
