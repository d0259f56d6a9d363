//! Leaving: every operation is told to finish, what it holds is given back, and what could not be is
//! named with the moment it shows again by itself. Nothing new is started here.

use std::io::Write;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::console::msg::Msg;
use crate::model::time::Timestamp;
use crate::operation::progress::Report;
use crate::shell::signals::Leave;
use crate::shell::worker::Worker;

/// How long leases are given back before they are left to expire (design, "Leaving").
const DEADLINE: Duration = Duration::from_secs(10);

/// Waits until every operation has ended, the deadline passes, or somebody asks a second time.
pub async fn settle(worker: &mut Worker, inbox: &mut UnboundedReceiver<Msg>, again: &mut UnboundedReceiver<Leave>) {
    if worker.leave() == 0 {
        return;
    }
    say("redrive: giving back what is held; ctrl-c again leaves it to show again by itself");
    let mut held = Held::default();
    let ended = timeout(DEADLINE, async {
        loop {
            tokio::select! {
                biased;
                () = asked_again(again) => return false,
                msg = inbox.recv() => match msg {
                    Some(Msg::OperationProgressed(progress)) => held.note(&progress),
                    Some(_) => {}
                    None => return true,
                },
                () = worker.all_ended() => return true,
            }
        }
    })
    .await;
    while let Ok(msg) = inbox.try_recv() {
        if let Msg::OperationProgressed(progress) = msg {
            held.note(&progress);
        }
    }
    match ended {
        Ok(true) if held.problems.is_empty() => say("redrive: nothing is held any more"),
        Ok(true) => held.problems.iter().for_each(|line| say(&format!("redrive: {line}"))),
        Ok(false) | Err(_) => say(&held.line()),
    }
}

/// Returns at a ctrl-c: only that is somebody who does not want to wait. A terminal that closes may
/// send SIGHUP twice (the kernel's, and the shell's own), and a panic while leaving asks for nothing.
async fn asked_again(again: &mut UnboundedReceiver<Leave>) {
    loop {
        match again.recv().await {
            Some(Leave::Signal { name: "SIGINT", .. }) => return,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

/// A line on standard error; a terminal that is gone takes none, and that is no trouble.
pub fn say(line: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{line}");
}

/// What the operations last said they hold.
#[derive(Debug, Default)]
struct Held {
    by_operation: std::collections::BTreeMap<crate::model::id::OperationId, (u64, Option<Timestamp>)>,
    /// What the reports of those that ended say went wrong.
    problems: Vec<String>,
}

impl Held {
    fn note(&mut self, progress: &crate::operation::progress::Progress) {
        self.by_operation.insert(progress.operation.clone(), (progress.held, progress.held_until));
        self.problems.extend(progress.report.as_ref().filter(|report| report.problem().is_some()).map(Report::line));
    }

    fn line(&self) -> String {
        let messages: u64 = self.by_operation.values().map(|(held, _)| held).sum();
        let until = self.by_operation.values().filter_map(|(_, until)| *until).max();
        match until {
            Some(until) if messages > 0 => {
                format!("redrive: {messages} messages stay hidden until {} at the latest", until.clock_s())
            }
            _ => "redrive: left before every operation had ended; the journal says how far each came".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_ctrl_c_cuts_the_giving_back_short() {
        let (sender, mut again) = tokio::sync::mpsc::unbounded_channel();
        for other in [
            Leave::Signal { name: "SIGHUP", number: 1 },
            Leave::Signal { name: "SIGTERM", number: 15 },
            Leave::Panic("while leaving".to_owned()),
        ] {
            sender.send(other).expect("it is open");
        }
        assert!(timeout(Duration::from_millis(20), asked_again(&mut again)).await.is_err(), "it waits on");
        sender.send(Leave::Signal { name: "SIGINT", number: 2 }).expect("it is open");
        asked_again(&mut again).await;
    }
}
