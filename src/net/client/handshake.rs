//! The client's side of the opening handshake over a connected stream: it sends the request and reads the response. A
//! response other than 101 becomes an [`HttpRejection`] ([RFC 6455,
//! 4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).

use std::sync::Arc;
use std::time::{Duration, Instant};

use log::trace;

use crate::handshake::client::ClientHandshake;
use crate::handshake::client::MAX_INTERIM_RESPONSES;
use crate::handshake::error::HandshakeError;
use crate::http::lines::HeadLimits;
use crate::http::redact::redact_head;
use crate::http::response_parser::{ResponseHead, ResponseParser};
use crate::log_targets::HANDSHAKE;
use crate::net::connection::deflate::DeflateOptions;
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::connection::reader::Reader;
use crate::net::connection::send_queue::SendQueue;
use crate::net::connection::websocket::WebSocket;
use crate::net::counters::Counters;
use crate::net::error::Error;
use crate::net::http_rejection::HttpRejection;
use crate::net::limits::Limits;
use crate::net::socket::io::{read_more, write_all};
use crate::net::socket::transport::Transport;
use crate::protocol::state::Role;

/// Sends the request and checks the response, all by `deadline`. Bytes after the response are the first frames.
pub(crate) fn handshake<T: Transport>(
    stream: T,
    handshake: &ClientHandshake,
    deflate: Option<&DeflateOptions>,
    limits: &Limits,
    deadline: Instant,
) -> Result<WebSocket<T>, Error> {
    let request = handshake.request();
    trace!(target: HANDSHAKE, "> {}", redact_head(&request));
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Error::TimedOut);
    }
    stream.set_write_timeout(Some(left))?;
    write_all(&stream, 0, &request)?;
    let mut input = ReadBuffer::with_head_capacity();
    let head = read_answer(&stream, &mut input, limits.head, deadline)?;
    if head.status != 101 {
        let rejection = read_rejection(&stream, head, input, deadline);
        return Err(Error::UnexpectedStatus(Box::new(rejection)));
    }
    let negotiated = handshake.check(&head)?;
    let deflate = match deflate {
        Some(options) => options.check(&negotiated.extensions)?,
        None => None,
    };
    let counters = Arc::new(Counters::default());
    let queue = SendQueue::new(0, stream, Role::Client, limits, counters);
    if let Some(deflate) = &deflate {
        queue.compress_with(deflate);
    }
    queue.uncork()?;
    queue.transport.set_read_timeout(None)?;
    let reader = Reader::new(queue, limits, input);
    Ok(WebSocket::new(reader, negotiated.subprotocol, deflate))
}

/// Reads the first head that is not interim. RFC 9110, 15.2 allows any number of 1xx before it; here it is limited.
pub(crate) fn read_answer(
    stream: &impl Transport,
    input: &mut ReadBuffer,
    limits: HeadLimits,
    deadline: Instant,
) -> Result<ResponseHead, Error> {
    let mut parser = ResponseParser::new(limits);
    let mut interim = 0;
    loop {
        match parser.feed(input.bytes()).map_err(HandshakeError::Http)? {
            Some((head, used)) => {
                trace!(target: HANDSHAKE, "< {}", redact_head(&input.bytes()[..used]));
                input.consume(used);
                if !head.is_interim() {
                    return Ok(head);
                }
                interim += 1;
                if interim > MAX_INTERIM_RESPONSES {
                    return Err(HandshakeError::UnexpectedStatus(head.status).into());
                }
                parser = ResponseParser::new(limits);
            }
            None => {
                if read_more(stream, 0, input, deadline)? == 0 {
                    return Err(Error::ConnectionLost);
                }
            }
        }
    }
}

/// Reads the start of a rejection's body, as far as it arrives in time.
pub(crate) fn read_rejection(
    stream: &impl Transport,
    head: ResponseHead,
    mut input: ReadBuffer,
    deadline: Instant,
) -> HttpRejection {
    let deadline = deadline.min(Instant::now() + BODY_TIMEOUT);
    let length = head
        .headers
        .get("Content-Length")
        .and_then(|length| length.parse().ok())
        .map_or(MAX_BODY, |length: usize| length.min(MAX_BODY));
    while input.bytes().len() < length
        && read_more(stream, 0, &mut input, deadline).is_ok_and(|count| count > 0)
    {}
    let body = input.bytes()[..length.min(input.bytes().len())].to_vec();
    HttpRejection {
        status: head.status,
        reason: head.reason,
        headers: head.headers,
        body,
    }
}

/// Maximum size of the stored body of a rejection, and the timeout for it.
const MAX_BODY: usize = 4 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
