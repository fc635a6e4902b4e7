//! The content of plain HTTP: a request's, whole and within its bound, and a response's, sent while it is read from elsewhere
//! ([RFC 9112, 6](https://www.rfc-editor.org/rfc/rfc9112#section-6)).

use std::io::{self, ErrorKind, IoSlice, Read};
use std::time::{Duration, Instant};

use crate::http::error::HttpError;
use crate::http::request::Request;
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::connection::send_queue::SendQueue;
use crate::net::limits::Limits;
use crate::net::socket::io::{is_timeout, read_more, write_all};
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::{Socket, Transport};

/// The content of a request, at most `most` bytes of it; `input` holds what was received behind the head.
pub(crate) fn receive(
    queue: &SendQueue<Socket>,
    input: &mut ReadBuffer,
    request: &Request,
    most: usize,
    deadline: Instant,
) -> Result<Vec<u8>, HttpError> {
    let socket = &queue.transport;
    let length = usize::try_from(request.body_length()?)
        .ok()
        .filter(|&length| length <= most)
        .ok_or(HttpError::ContentTooLarge)?;
    if length > input.bytes().len() && request.expects_continue() {
        write_all(socket, queue.id, CONTINUE).map_err(|_| HttpError::Timeout)?;
    }
    while input.bytes().len() < length {
        match read_more(socket, queue.id, input, deadline) {
            Ok(count) if count > 0 => {}
            _ => return Err(HttpError::Timeout),
        }
    }
    let body = input.bytes()[..length].to_vec();
    input.consume(length);
    Ok(body)
}

/// Sends exactly `length` bytes of `body`, or fails: a body cut short must not look like a whole one. So does a reader
/// that takes less than the least rate: it holds a place others wait for.
pub(crate) fn send(
    body: &mut dyn Read,
    mut length: u64,
    queue: &SendQueue<Socket>,
    limits: &Limits,
) -> io::Result<()> {
    queue
        .transport
        .set_write_timeout(Some(PACE.min(limits.body_window)))?;
    let mut pace = Pace::new(limits);
    let mut chunk = vec![0; CHUNK];
    while length > 0 {
        let most = usize::try_from(length).map_or(CHUNK, |length| length.min(CHUNK));
        let count = body.read(&mut chunk[..most])?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        length -= count as u64;
        let mut left = &chunk[..count];
        while !left.is_empty() {
            let written = match queue.transport.write_vectored(&[IoSlice::new(left)]) {
                Ok(written) => {
                    primitive!("SEND", "#{} {written} bytes", queue.id);
                    written
                }
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => return Err(error),
            };
            left = &left[written..];
            pace.took(written)?;
        }
    }
    Ok(())
}

/// How fast a reader takes what it is sent, on the average of each window of time.
struct Pace<'a> {
    limits: &'a Limits,
    window: Instant,
    in_window: u64,
}

impl<'a> Pace<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            window: Instant::now(),
            in_window: 0,
        }
    }

    /// Counts what was taken, and fails once a window ends with too little.
    fn took(&mut self, bytes: usize) -> io::Result<()> {
        self.in_window += bytes as u64;
        let elapsed = self.window.elapsed();
        if elapsed < self.limits.body_window {
            return Ok(());
        }
        let least = self.limits.min_body_rate as u128 * elapsed.as_millis() / 1_000;
        if u128::from(self.in_window) < least {
            return Err(ErrorKind::TimedOut.into());
        }
        *self = Self::new(self.limits);
        Ok(())
    }
}

const CHUNK: usize = 64 * 1024;
/// How often the rate of a streamed body is looked at, at least.
const PACE: Duration = Duration::from_secs(1);
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
