//! jq in a process of its own. A thread cannot be stopped, and a program that never ends, eats all
//! memory or overflows the stack would take the console with it; a process can be ended, has limits,
//! and takes nothing with it. Its work is in `command/jq_worker.rs`.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::query::jq::Program;

/// The first argument by which this program knows that it is to be the worker.
pub const WORKER: &str = "jq-worker";

/// What is wanted of each document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Whether the program yields something true.
    Verdict,
    /// The first thing it yields.
    Value,
}

impl Want {
    fn word(self) -> &'static str {
        match self {
            Want::Verdict => "verdict",
            Want::Value => "value",
        }
    }
}

/// One answer a document: `Err` says why there is none.
pub type Answers = Vec<Result<String, String>>;

/// Runs the program over all documents. Blocks; each document has `DEADLINE`.
///
/// # Errors
/// The program cannot be understood, or had to be ended.
pub fn ask(
    program: &str,
    want: Want,
    documents: impl Iterator<Item = String> + Send + 'static,
) -> Result<Answers, String> {
    let mut child = start().map_err(|why| format!("jq: its process cannot be started: {why}"))?;
    let answers = converse(&mut child, program, want, documents);
    // It may be in the middle of something endless.
    let _ = child.kill();
    let _ = child.wait();
    answers
}

fn start() -> std::io::Result<Child> {
    // The very program that runs, also when its file was replaced since.
    let own = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
    Command::new(own).arg(WORKER).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

fn converse(
    child: &mut Child,
    program: &str,
    want: Want,
    documents: impl Iterator<Item = String> + Send + 'static,
) -> Result<Answers, String> {
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("jq: its process has no pipes".to_owned());
    };
    let head = serde_json::json!([want.word(), program]).to_string();
    let (counts, count) = mpsc::channel();
    std::thread::spawn(move || {
        let mut stdin = BufWriter::new(stdin);
        let mut given = 0_usize;
        for line in std::iter::once(head).chain(documents) {
            // Whoever no longer reads has said why.
            if writeln!(stdin, "{line}").is_err() {
                break;
            }
            given += 1;
        }
        drop(stdin);
        let _ = counts.send(given.saturating_sub(1));
    });
    let (lines, answered) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    let mut answers = Answers::new();
    let mut greeted = false;
    loop {
        match answered.recv_timeout(DEADLINE) {
            Ok(line) if greeted => answers.push(answer(&line)),
            Ok(line) if line == GREETING => greeted = true,
            Ok(line) => return Err(line),
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!(
                    "jq: no answer for message {} within {} s: the program may never end; it was stopped",
                    answers.len() + 1,
                    DEADLINE.as_secs()
                ));
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    match count.recv_timeout(DEADLINE) {
        Ok(given) if given == answers.len() && greeted => Ok(answers),
        _ => Err(format!(
            "jq: its process ended at message {}: the program took more memory, stack or time than it may",
            answers.len() + 1
        )),
    }
}

fn answer(line: &str) -> Result<String, String> {
    match line.split_at_checked(1) {
        Some(("=", value)) => Ok(value.to_owned()),
        Some((_, why)) => Err(why.to_owned()),
        None => Err("no answer".to_owned()),
    }
}

/// The worker's side: a head, then documents, one a line; one answer a line.
///
/// # Errors
/// A pipe that broke.
pub fn serve(input: impl BufRead, mut output: impl Write) -> std::io::Result<()> {
    let mut lines = input.lines();
    let Some(head) = lines.next().transpose()? else { return Ok(()) };
    let (want, code): (String, String) = serde_json::from_str(&head).map_err(std::io::Error::other)?;
    let program = match Program::new(&code) {
        Ok(program) => program,
        Err(why) => return writeln!(output, "{}", why.replace('\n', " ")),
    };
    writeln!(output, "{GREETING}")?;
    output.flush()?;
    for document in lines {
        let document = document?;
        let result = if want == Want::Verdict.word() {
            program.takes(&document).map(|taken| taken.to_string())
        } else {
            program.first(&document)
        };
        match result {
            Ok(value) => writeln!(output, "={}", value.replace(['\n', '\r'], " "))?,
            Err(why) => writeln!(output, "!{}", why.replace(['\n', '\r'], " "))?,
        }
        output.flush()?;
    }
    Ok(())
}

const GREETING: &str = "ready";
/// How long one document may take; a megabyte takes a fraction of a second.
const DEADLINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_one_line_an_answer() {
        let say = |head: &str, documents: &str| {
            let mut out = Vec::new();
            serve(format!("{head}\n{documents}").as_bytes(), &mut out).expect("no pipe breaks");
            String::from_utf8(out).expect("text")
        };
        let said = say(r#"["verdict",".a > 1"]"#, "{\"a\":2}\n{\"a\":0}\n7\n");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[..3], ["ready", "=true", "=false"]);
        assert!(lines[3].starts_with('!') && lines.len() == 4, "{said}");
        assert_eq!(say(r#"["value",".a"]"#, "{\"a\":\"x\\ny\"}\n"), "ready\n=\"x\\ny\"\n");
        assert!(say(r#"["value",".a |"]"#, "{}\n").starts_with("jq: "));
    }
}
