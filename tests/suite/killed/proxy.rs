//! A proxy between the real program and a served sandbox: counts requests by what they ask for, and
//! kills the program before one is passed on, or once it was done and before it is answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where the program dies.
#[derive(Debug, Clone, Copy)]
pub struct Boundary {
    /// `Receive`, `Send` or `Delete`.
    pub of: &'static str,
    /// Counted from the first send on: what comes before is a scan.
    pub n: u64,
    /// The request is done first; its answer never arrives.
    pub applied: bool,
}

#[derive(Debug, Default)]
struct Seen {
    counts: BTreeMap<&'static str, u64>,
    sending: bool,
    dead: bool,
}

pub struct Proxy {
    pub address: SocketAddr,
    victim: Arc<Mutex<Option<u32>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    pub async fn start(to: SocketAddr, boundary: Option<Boundary>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("bound");
        let victim: Arc<Mutex<Option<u32>>> = Arc::default();
        let (seen, killed) = (Arc::new(Mutex::new(Seen::default())), Arc::clone(&victim));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (seen, killed) = (Arc::clone(&seen), Arc::clone(&killed));
                tokio::spawn(async move {
                    let _ = pass(stream, to, boundary, &seen, &killed).await;
                });
            }
        });
        Proxy { address, victim, accepting }
    }

    /// Whom to kill.
    pub fn aim(&self, pid: u32) {
        *self.victim.lock().expect("no panic while held") = Some(pid);
    }
}

/// One connection, request by request.
async fn pass(
    mut client: TcpStream,
    to: SocketAddr,
    boundary: Option<Boundary>,
    seen: &Mutex<Seen>,
    victim: &Mutex<Option<u32>>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(to).await?;
    while let Some((head, body)) = message(&mut client).await? {
        let dies = boundary.filter(|boundary| is_it(&head, boundary, seen));
        if seen.lock().expect("no panic while held").dead && dies.is_none() {
            return Ok(());
        }
        if dies.is_some_and(|boundary| !boundary.applied) {
            kill(victim);
            return Ok(());
        }
        let head: String = head
            .lines()
            .map(|line| match line.to_ascii_lowercase().starts_with("host:") {
                true => format!("host: {to}\r\n"),
                false => format!("{line}\r\n"),
            })
            .collect();
        server.write_all(format!("{head}\r\n").as_bytes()).await?;
        server.write_all(&body).await?;
        let Some((head, body)) = message(&mut server).await? else { return Ok(()) };
        if dies.is_some() {
            kill(victim);
            return Ok(());
        }
        client.write_all(format!("{head}\r\n\r\n").as_bytes()).await?;
        client.write_all(&body).await?;
    }
    Ok(())
}

fn is_it(head: &str, boundary: &Boundary, seen: &Mutex<Seen>) -> bool {
    let lower = head.to_ascii_lowercase();
    let target = lower.lines().find_map(|line| line.strip_prefix("x-amz-target:")).unwrap_or("");
    let asks = [("Receive", "receivemessage"), ("Send", "sendmessagebatch"), ("Delete", "deletemessagebatch")];
    let Some((what, _)) = asks.into_iter().find(|(_, word)| target.contains(word)) else { return false };
    let mut seen = seen.lock().expect("no panic while held");
    seen.sending |= what == "Send";
    if !seen.sending || seen.dead {
        return false;
    }
    let count = seen.counts.entry(what).or_default();
    *count += 1;
    seen.dead = what == boundary.of && *count == boundary.n;
    seen.dead
}

/// As the kernel ends it: no handler, no destructor.
fn kill(victim: &Mutex<Option<u32>>) {
    let pid = victim.lock().expect("no panic while held").expect("it was aimed at the program");
    let status = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "killed");
}

/// Head and body of one HTTP message with a content-length; `None` at the end of the connection.
async fn message(stream: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 16 * 1024];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut buffer).await? {
            0 => return Ok(None),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length.unwrap_or(0) {
        match stream.read(&mut buffer).await? {
            0 => return Ok(None),
            n => body.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(Some((head, body)))
}
