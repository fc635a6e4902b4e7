//! One connection with both its halves, as most programs use it.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::net::connection::deflate::Deflate;
use crate::net::connection::message::{AsMessage, Message, MessageRef};
use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::connection::reader::{Incoming, Reader};
use crate::net::connection::send_queue::SendQueue;
use crate::net::counters::Counters;
use crate::net::error::Error;
use crate::net::limits::Limits;
use crate::net::socket::transport::{Locked, Socket, Transport};
use crate::protocol::close::{CloseCode, CloseReason};
use crate::protocol::state::Role;

/// An open WebSocket connection: blocking, whole messages in, whole messages out.
///
/// Pings are answered, fragments joined and UTF-8 checked inside [`WebSocket::read`]. A reply sent while another whole
/// message already waits is kept for a moment and leaves together with the next one, or before the next read blocks,
/// or at [`WebSocket::flush`].
///
/// Dropping it closes the connection with 1000.
pub struct WebSocket<T: Transport = Socket> {
    pub(crate) reader: Reader<T>,
    subprotocol: Option<String>,
    #[cfg_attr(not(feature = "deflate"), expect(dead_code, reason = "there is none"))]
    deflate: Option<Deflate>,
}

/// The sending half: cheap to clone, and usable from any thread while another one reads.
pub struct Sender<T: Transport = Socket> {
    pub(crate) queue: Arc<SendQueue<T>>,
}

impl<S: Read + Write + Send + 'static> WebSocket<Locked<S>> {
    /// A connection over any stream whose opening handshake is already done.
    ///
    /// The stream has no timeouts of its own here, so nothing is asked of a silent peer and closing waits for its
    /// Close as long as the stream does.
    pub fn from_stream(stream: S, role: Role, limits: &Limits) -> Self {
        let queue = SendQueue::new(
            0,
            Locked::new(stream),
            role,
            limits,
            Arc::new(Counters::default()),
        );
        Self::new(Reader::new(queue, limits, ReadBuffer::new()), None, None)
    }
}

impl<T: Transport> WebSocket<T> {
    /// `deflate` is known to the reader's outbox already, because something may be sent before anything is read.
    pub(crate) fn new(
        mut reader: Reader<T>,
        subprotocol: Option<String>,
        deflate: Option<Deflate>,
    ) -> Self {
        if let Some(deflate) = &deflate {
            reader.inflate_with(deflate);
        }
        Self {
            reader,
            subprotocol,
            deflate,
        }
    }

    /// Waits for the next message; `None` once the connection is closed.
    ///
    /// # Errors
    /// [`Error`] says why the connection ended otherwise. The peer has been told the reason where the protocol has a
    /// close code for it ([RFC 6455, 7.4.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1)).
    pub fn read(&mut self) -> Result<Option<Message>, Error> {
        Ok(self.reader.read()?.map(MessageRef::to_message))
    }

    /// Waits for the next message, but not beyond `deadline`; the message is lent, not copied.
    ///
    /// # Errors
    /// As [`WebSocket::read`].
    pub fn read_until(&mut self, deadline: Option<Instant>) -> Result<Incoming<'_>, Error> {
        self.reader.read_until(deadline)
    }

    /// Sends one message: a `&str` or `String` as text, bytes as binary.
    ///
    /// # Errors
    /// [`Error::Closed`] after a Close was sent, [`Error::SendQueueFull`] if the peer let its backlog fill, [`Error::Io`].
    pub fn send(&mut self, message: impl AsMessage) -> Result<(), Error> {
        self.reader.queue.send(message.as_message())
    }

    /// Sends one message as it is, although both sides agreed to compress: for a secret, whose length when compressed
    /// beside what others chose would give it away. Nothing sent later is compressed by referring to it.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn send_uncompressed(&mut self, message: impl AsMessage) -> Result<(), Error> {
        self.reader.queue.send_uncompressed(message.as_message())
    }

    /// Sends a Ping with up to 125 bytes; the Pong is taken note of by the next read.
    ///
    /// # Errors
    /// As [`WebSocket::send`], and a [`ProtocolError`](crate::protocol::error::ProtocolError) for a longer payload.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.reader.queue.ping(payload)
    }

    /// Writes replies that were kept because more messages waited.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.reader.queue.flush()
    }

    /// Closes: sends a Close, discards what still comes, and waits for the peer's Close
    /// ([RFC 6455, 7.1.2](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2)).
    ///
    /// # Errors
    /// [`Error::Send`] if the reason is longer than 123 bytes or the code must not be sent, and the connection stays open;
    /// [`Error::TimedOut`] if the peer did not answer within [`Limits::close_timeout`]: it is closed all the same.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.reader.close(&CloseReason::new(code, reason))
    }

    /// Two halves for two threads: one blocks in reads and is lent each message without a copy, the other sends.
    #[must_use]
    pub fn split(self) -> (Reader<T>, Sender<T>) {
        let sender = self.sender();
        (self.reader, sender)
    }

    /// A handle that sends on this connection from any thread.
    #[must_use]
    pub fn sender(&self) -> Sender<T> {
        Sender {
            queue: Arc::clone(&self.reader.queue),
        }
    }

    /// What the closing handshake said; `None` before it, and when it gave no code.
    #[must_use]
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.reader.close_reason()
    }

    /// The subprotocol both sides agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// How both sides agreed to compress; `None` when they did not.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(&self) -> Option<crate::handshake::deflate::DeflateParams> {
        self.deflate.as_ref().map(|deflate| deflate.params)
    }

    /// Who is at the other end, where the stream knows.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.reader.queue.transport.peer_addr()
    }
}

impl<T: Transport> Sender<T> {
    /// Sends one message, and whatever was kept before it.
    ///
    /// From a thread other than the reader's this does not wait for a slow peer: what the peer does not take goes to a
    /// bounded backlog.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn send(&self, message: impl AsMessage) -> Result<(), Error> {
        self.queue.send(message.as_message())
    }

    /// Sends one message as it is, as [`WebSocket::send_uncompressed`].
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub fn send_uncompressed(&self, message: impl AsMessage) -> Result<(), Error> {
        self.queue.send_uncompressed(message.as_message())
    }

    /// Sends a Ping with up to 125 bytes.
    ///
    /// # Errors
    /// As [`WebSocket::ping`].
    pub fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.queue.ping(payload)
    }

    /// Waits until the system has taken all that was sent, however slowly the peer reads. A thread that produces without
    /// end calls this after each message, so that it waits for the peer instead of filling the backlog.
    ///
    /// # Errors
    /// Why nothing more can be sent: [`Error::Io`] too if the peer takes nothing for 40 s.
    pub fn wait_flushed(&self) -> Result<(), Error> {
        self.queue.wait_flushed()
    }

    /// Sends a Close; the reader sees the peer's answer, or [`Error::TimedOut`] when there is none within
    /// [`Limits::close_timeout`]. Nothing can be sent after it.
    ///
    /// # Errors
    /// [`Error::Io`] if the socket is gone; [`Error::Send`] as for [`WebSocket::close`].
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.queue.close(Some(&CloseReason::new(code, reason)))?;
        self.queue.start_close_watchdog();
        Ok(())
    }
}

impl<T: Transport> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self {
            queue: Arc::clone(&self.queue),
        }
    }
}

impl<T: Transport> std::fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender")
            .field("id", &self.queue.id)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> std::fmt::Debug for WebSocket<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSocket")
            .field("reader", &self.reader)
            .field("subprotocol", &self.subprotocol)
            .finish()
    }
}
