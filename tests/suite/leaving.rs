//! Every way out gives the terminal back, and says what it has to say on the ordinary screen.

use std::time::Duration;

use crate::pty::Session;

const LONG: Duration = Duration::from_secs(300);

fn open(columns: u16, rows: u16, env: &[(&str, &str)]) -> Session {
    let mut session = Session::start_with(columns, rows, &["sandbox", "--seed", "7"], env);
    session.wait_for("SANDBOX");
    assert!(session.alternate_screen() && session.cursor_hidden());
    session
}

fn is_given_back(session: &Session) {
    assert!(!session.alternate_screen(), "the alternate screen was left");
    assert!(!session.cursor_hidden(), "the cursor shows again");
    let raw = String::from_utf8_lossy(&session.raw);
    for (on, off) in [("\x1b[?2004h", "\x1b[?2004l"), ("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?25l", "\x1b[?25h")] {
        assert!(raw.rfind(off) > raw.rfind(on), "{off:?} comes last");
    }
}

#[test]
fn quit_leaves_by_the_front_door() {
    let mut session = open(100, 30, &[]);
    session.keys("q");
    assert_eq!(session.end(), 0);
    is_given_back(&session);
}

#[test]
fn ctrl_c_leaves_at_once_while_nothing_runs() {
    let mut session = open(100, 30, &[]);
    session.keys("\x03");
    assert_eq!(session.end(), 0);
    is_given_back(&session);
}

#[test]
fn sigterm_and_sighup_leave_in_order() {
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let mut session = open(100, 30, &[]);
        session.signal(signal);
        assert_eq!(session.end(), code, "SIG{signal}");
        is_given_back(&session);
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let mut session = open(100, 30, &[("REDRIVE_TEST_PANIC", "1")]);
    assert_eq!(session.end(), 101);
    is_given_back(&session);
    assert!(session.screen().contains("this is a bug"), "{}", session.screen());
    assert!(session.screen().contains("REDRIVE_TEST_PANIC"), "{}", session.screen());
}

#[test]
fn a_resize_is_drawn_and_a_small_terminal_is_told() {
    let mut session = open(120, 36, &[]);
    session.wait_at_most(LONG, "the verdict", |screen| screen.contains("LogWorker is falling behind"));
    session.resize(80, 24);
    session.wait("the footer in row 24", |screen| {
        screen.lines().count() == 24 && screen.contains("LogWorker is falling behind")
    });
    session.resize(50, 12);
    session.wait("one line that says so", |screen| screen.contains("60") && screen.contains("16"));
    session.resize(60, 16);
    // So small a screen holds what heads the list: the alarm.
    session.wait("the first finding again", |screen| screen.contains("iterator-age-high"));
    session.keys("q");
    assert_eq!(session.end(), 0);
}
