//! HTTP bodies: reads a request's body up to the size limit, and streams a response's body from a reader
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

/// Reads the body of a request, at most `max` bytes. `input` holds the bytes received after the head.
pub(crate) fn receive(
    queue: &SendQueue<Socket>,
    input: &mut ReadBuffer,
    request: &Request,
    max: usize,
    deadline: Instant,
) -> Result<Vec<u8>, HttpError> {
    let socket = &queue.transport;
    let length = usize::try_from(request.body_length()?)
        .ok()
        .filter(|&length| length <= max)
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

/// Sends exactly `length` bytes of `body`. Fails if the body is shorter, so that the client can detect the truncation.
/// Also fails if the client reads more slowly than the minimum rate, because it occupies a connection slot.
pub(crate) fn send(
    body: &mut dyn Read,
    mut length: u64,
    queue: &SendQueue<Socket>,
    limits: &Limits,
) -> io::Result<()> {
    queue
        .transport
        .set_write_timeout(Some(RATE_CHECK_INTERVAL.min(limits.body_window)))?;
    let mut rate = ReadRate::new(limits);
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
            rate.add(written)?;
        }
    }
    Ok(())
}

/// Average rate at which the client reads, per window of time.
struct ReadRate<'a> {
    limits: &'a Limits,
    window: Instant,
    in_window: u64,
}

impl<'a> ReadRate<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            window: Instant::now(),
            in_window: 0,
        }
    }

    /// Counts written bytes. Fails at the end of a window with too few of them.
    fn add(&mut self, bytes: usize) -> io::Result<()> {
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
/// Maximum interval between checks of a streamed body's rate.
const RATE_CHECK_INTERVAL: Duration = Duration::from_secs(1);
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
