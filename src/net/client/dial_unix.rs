//! Connects to a Unix-domain socket: no name to resolve, no proxy, no connect queue.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use crate::net::error::Error;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::Socket;

/// Splits `ws+unix:/path/to.sock:/resource?query`, with or without `//` before the path, into path and URL. Returns
/// `None` for other texts.
pub(crate) fn split(text: &str) -> Option<(PathBuf, String)> {
    let rest = text.strip_prefix("ws+unix:")?;
    let rest = match rest.strip_prefix("//") {
        Some(absolute) if absolute.starts_with('/') => absolute,
        _ => rest,
    };
    let (path, resource) = rest.split_at(rest.find([':', '?']).unwrap_or(rest.len()));
    let resource = resource.strip_prefix(':').unwrap_or(resource);
    (!path.is_empty()).then(|| (path.into(), format!("ws://localhost{resource}")))
}

/// Connects to `path`. The system blocks while the server's backlog is full, so a thread does it.
pub(crate) fn dial(path: &Path, deadline: Instant) -> Result<Socket, Error> {
    primitive!("SOCKET", "#0 Unix");
    primitive!("CONNECT", "#0 unix:{}", path.display());
    let (sender, receiver) = channel();
    let to = path.to_owned();
    thread::Builder::new()
        .name("connecting".to_owned())
        .stack_size(STACK)
        .spawn(move || sender.send(UnixStream::connect(to)))?;
    let left = deadline.saturating_duration_since(Instant::now());
    match receiver.recv_timeout(left) {
        Ok(Ok(stream)) => Ok(Socket::over_unix(stream)),
        Ok(Err(error)) => Err(Error::Io(add_path(path, &error))),
        Err(_) => Err(Error::TimedOut),
    }
}

/// Adds the path to the system's message.
fn add_path(path: &Path, error: &io::Error) -> io::Error {
    let why = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::ConnectionRefused => "no process listens there".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("{}: {why}", path.display()))
}

const STACK: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_resource_fit_into_one_text() {
        for (text, path, url) in [
            (
                "ws+unix:/run/a.sock:/chat?x=1",
                "/run/a.sock",
                "ws://localhost/chat?x=1",
            ),
            (
                "ws+unix:///run/a.sock:/chat",
                "/run/a.sock",
                "ws://localhost/chat",
            ),
            ("ws+unix:/run/a.sock", "/run/a.sock", "ws://localhost"),
            (
                "ws+unix:/run/a.sock?name=ana",
                "/run/a.sock",
                "ws://localhost?name=ana",
            ),
            ("ws+unix:here.sock:/", "here.sock", "ws://localhost/"),
        ] {
            let expected = Some((PathBuf::from(path), url.to_owned()));
            assert_eq!(split(text), expected, "{text}");
        }
        for text in ["ws://h/", "ws+unix:", "ws+unix::/chat", "/run/a.sock"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
