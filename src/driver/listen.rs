//! The loopback listener: the same wire over HTTP/1.1, for other people's SDKs, the AWS CLI and curl.
//! Loopback only, and only under loopback names, so that no web page can talk to it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::driver::service::Service;
use crate::wire::MAX_BODY_BYTES;

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "--listen {0}: only a loopback address (127.0.0.1, ::1) is served, since anyone who reaches it may do anything"
    )]
    NotLoopback(SocketAddr),
    #[error("--listen {address}: cannot listen there: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
}

/// A listener at work. Dropping it stops it at once; [`Listener::stop`] lets calls under way finish.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Listener {
    pub(super) async fn bind(address: SocketAddr, service: Service) -> Result<Self, ListenError> {
        if !address.ip().is_loopback() {
            return Err(ListenError::NotLoopback(address));
        }
        let failed = |source| ListenError::Bind { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        let (stop, stopping) = watch::channel(false);
        let accepting = tokio::spawn(accept(socket, address.port(), service, stopping));
        Ok(Listener { address, stop, accepting })
    }

    /// Where it listens, with the port it was given if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, waits for the calls under way (at most two seconds), ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(GRACE, &mut self.accepting).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(socket: TcpListener, port: u16, service: Service, mut stopping: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        tokio::select! {
            accepted = socket.accept() => {
                // A connection that was given up before it was taken is not ours to report.
                let Ok((stream, _)) = accepted else { continue };
                let (service, stopping) = (service.clone(), stopping.clone());
                connections.spawn(async move {
                    serve(stream, port, service, stopping).await;
                    drop(slot);
                });
            }
            _ = stopping.changed() => break,
        }
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, port: u16, service: Service, mut stopping: watch::Receiver<bool>) {
    // Small answers must not wait for the peer's acknowledgements.
    let _ = stream.set_nodelay(true);
    let handler = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(respond(request, port, &service).await.map(Full::new)) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).auto_date_header(false);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), handler));
    // A connection that ends in an error has nobody left to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopping.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn respond(request: http::Request<Incoming>, port: u16, service: &Service) -> http::Response<Bytes> {
    if let Err(why) = check_host(request.headers(), port) {
        return service.refuse(StatusCode::FORBIDDEN, &why);
    }
    let (parts, body) = request.into_parts();
    let too_large = || {
        let message = format!("a body may have at most {MAX_BODY_BYTES} bytes");
        service.refuse(StatusCode::PAYLOAD_TOO_LARGE, &message)
    };
    // A body that says it is too large is not waited for.
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return too_large();
    }
    let body = match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => return too_large(),
        Ok(Err(error)) => return service.refuse(StatusCode::BAD_REQUEST, &format!("the body was cut off: {error}")),
        Err(_) => return service.refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long to come"),
    };
    match service.call(http::Request::from_parts(parts, body)).await {
        Ok(answer) => answer,
        Err(stopped) => service.refuse(StatusCode::SERVICE_UNAVAILABLE, &stopped.to_string()),
    }
}

/// A name that resolves to loopback must not let a page of that name in (DNS rebinding), and a page
/// of another origin must not post here.
fn check_host(headers: &HeaderMap, port: u16) -> Result<(), String> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    match text(HOST) {
        Some(host) if is_loopback(host, port) => {}
        Some(host) => return Err(format!("Host {host} is not served; use 127.0.0.1:{port}")),
        None => return Err(format!("a Host header is needed; use 127.0.0.1:{port}")),
    }
    match text(ORIGIN) {
        Some(origin) if !origin.strip_prefix("http://").is_some_and(|host| is_loopback(host, port)) => {
            Err(format!("pages of {origin} are not served"))
        }
        _ => Ok(()),
    }
}

fn is_loopback(authority: &str, port: u16) -> bool {
    let rest = LOOPBACK.iter().find_map(|name| {
        let (start, rest) = authority.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(rest)
    });
    match rest {
        Some("") => port == 80,
        Some(rest) => rest.strip_prefix(':').is_some_and(|given| given.parse() == Ok(port)),
        None => false,
    }
}

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// Connections served at a time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 256;
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_with_the_port_are_served() {
        for (host, served) in [
            ("127.0.0.1:4566", true),
            ("LocalHost:4566", true),
            ("[::1]:4566", true),
            ("127.0.0.1", false),
            ("127.0.0.1:80", false),
            ("localhost.evil.example:4566", false),
            ("evil.example:4566", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host, 4566), served, "{host}");
        }
        assert!(is_loopback("localhost", 80));
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let mut headers = HeaderMap::new();
        assert!(check_host(&headers, 4566).is_err());
        headers.insert(HOST, http::HeaderValue::from_static("127.0.0.1:4566"));
        assert_eq!(check_host(&headers, 4566), Ok(()));
        headers.insert(ORIGIN, http::HeaderValue::from_static("https://evil.example"));
        assert!(check_host(&headers, 4566).is_err());
        headers.insert(ORIGIN, http::HeaderValue::from_static("http://localhost:4566"));
        assert_eq!(check_host(&headers, 4566), Ok(()));
    }
}
