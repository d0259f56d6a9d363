//! Which process this is, and whether another one still lives: what ownership of an operation goes by.
//! It reads `/proc` where there is one and decides nothing.

use std::fs;

/// A process as others can tell it apart: a pid alone is given out again, after a restart of the
/// machine and in every container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The machine's name and, in a container, its pid namespace.
    pub host: String,
    /// New at every start of the machine; empty where it cannot be read.
    pub boot: String,
    pub pid: u32,
    /// When the process started, in the kernel's ticks; empty where it cannot be read.
    pub started: String,
}

/// What is known about the life of another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    Alive,
    Dead(&'static str),
    /// It runs elsewhere, or cannot be looked at: only its heartbeat tells.
    Unseen,
}

impl Process {
    pub fn this() -> Self {
        let pid = std::process::id();
        let name = read("/proc/sys/kernel/hostname").or_else(|| std::env::var("HOSTNAME").ok());
        let namespace = fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
        Process {
            host: format!("{} {namespace}", name.unwrap_or_else(|| "localhost".to_owned())).trim_end().to_owned(),
            boot: read("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
            pid,
            started: started(pid).unwrap_or_default(),
        }
    }

    /// What this process can see of `other`.
    pub fn life_of(&self, other: &Process) -> Life {
        if self.host != other.host || self.boot.is_empty() || other.boot.is_empty() {
            return Life::Unseen;
        }
        if self.boot != other.boot {
            return Life::Dead("its machine was started anew since");
        }
        match started(other.pid) {
            Some(started) if started == other.started => Life::Alive,
            Some(_) => Life::Dead("its process is gone and its number was given out again"),
            None => Life::Dead("its process is gone"),
        }
    }

    /// `laptop, pid 4711`
    pub fn name(&self) -> String {
        let host = self.host.split(' ').next().unwrap_or_default();
        format!("{host}, pid {}", self.pid)
    }
}

fn read(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Field 22 of `/proc/PID/stat`; the command's name before it may hold spaces and brackets. A process
/// that has ended and was not yet waited for is no longer there.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_one_that_has_its_number_after_it() {
        let this = Process::this();
        assert_eq!(this.life_of(&this), Life::Alive);
        let reused = Process { started: "1".to_owned(), ..this.clone() };
        assert!(matches!(this.life_of(&reused), Life::Dead(_)));
        let rebooted = Process { boot: "before".to_owned(), ..this.clone() };
        assert!(matches!(this.life_of(&rebooted), Life::Dead(_)));
        let gone = Process { pid: u32::MAX, ..this.clone() };
        assert_eq!(this.life_of(&gone), Life::Dead("its process is gone"));
        let elsewhere = Process { host: "other".to_owned(), ..this.clone() };
        assert_eq!(this.life_of(&elsewhere), Life::Unseen);
    }
}
