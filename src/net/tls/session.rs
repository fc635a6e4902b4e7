//! One TLS connection between a socket and its send queue, read by one thread while others write.
//!
//! ```text
//!            reader                                      writer
//!   socket.read, no lock held                   writer lock, while the socket may block:
//!   state lock: feed, take plaintext              state lock: seal
//!                                                 socket.write
//! ```
//!
//! Locks are taken in this order: writer, then state. The state lock is never held while a socket may block, so reading
//! continues while the peer accepts nothing, and the reverse. Records of the reader, such as an alert, are sent at once if no
//! thread is writing, otherwise with the next write.
//!
//! Ciphertext is read into the caller's buffer, so an idle connection has none for it. Only the rest of a record that filled a
//! small buffer is read into a larger temporary one.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Connection, ProtocolVersion, ServerConnection};

use crate::net::connection::sync::{Mutex, MutexGuard};
use crate::net::error::Error;
use crate::net::socket::socket_stream::Descriptor;
use crate::net::tls::record_writer::RecordWriter;
use crate::net::tls::{TlsError, TlsIdentity, TlsRoots};

#[derive(Debug)]
pub(crate) struct Session {
    state: Mutex<State>,
    /// The holder writes to the socket, so records are sent in the order in which they were sealed.
    writer: Mutex<RecordWriter>,
}

#[derive(Debug)]
struct State {
    tls: Connection,
    /// Ciphertext received while the plaintext buffer was full.
    early: VecDeque<u8>,
    /// Whether the last read filled the buffer without completing a record.
    partial_record: bool,
    /// The peer's violation of TLS, until the reader has reported it. Only the alert is sent then.
    fault: Option<rustls::Error>,
    /// Whether the violation was reported: later input is discarded.
    failed: bool,
}

impl Session {
    /// Creates the server's side.
    pub(crate) fn server(identity: &TlsIdentity) -> io::Result<Self> {
        let tls = ServerConnection::new(identity.config()).map_err(io::Error::other)?;
        Ok(Self::new(tls.into()))
    }

    /// Creates the client's side. It trusts `roots`, or else those of the system, and requires a certificate for
    /// `host`.
    pub(crate) fn client(roots: Option<&TlsRoots>, host: &str) -> Result<Self, TlsError> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| TlsError::BadName(host.to_owned()))?;
        let config = match roots {
            Some(roots) => roots.config(),
            None => TlsRoots::system()?.config(),
        };
        let tls = ClientConnection::new(config, name);
        let tls = tls.map_err(|error| TlsError::Handshake(error.to_string()))?;
        Ok(Self::new(tls.into()))
    }

    fn new(mut tls: Connection) -> Self {
        tls.set_buffer_limit(Some(MAX_PLAINTEXT));
        Self {
            state: Mutex::new(State {
                tls,
                early: VecDeque::new(),
                partial_record: false,
                fault: None,
                failed: false,
            }),
            writer: Mutex::default(),
        }
    }

    /// Runs the TLS handshake, unless it is complete. Blocks until `deadline` at most.
    pub(crate) fn handshake(&self, socket: &Descriptor, deadline: Instant) -> Result<(), Error> {
        if !self.lock().tls.is_handshaking() {
            return Ok(());
        }
        let mut scrap = vec![0; 4 * 1024];
        loop {
            if self.lock().has_only_tickets() {
                return Ok(());
            }
            self.flush(socket, deadline)?;
            if !self.lock().tls.is_handshaking() {
                return Ok(());
            }
            socket.set_read_timeout(Some(left(deadline)?))?;
            let count = match socket.read(&mut scrap) {
                Ok(0) => return Err(Error::ConnectionLost),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let mut state = self.lock();
            state.feed(&scrap[..count]);
            if let Some(fault) = state.fault.take() {
                state.failed = true;
                drop(state);
                let _ = self.flush(socket, deadline); // the alert, if the peer still reads
                return Err(Error::Tls(fault.into()));
            }
        }
    }

    /// RECEIVE: reads the socket at most once. [`ErrorKind::Interrupted`] means that bytes arrived without completing a
    /// record, so the caller checks its deadline.
    pub(crate) fn read(&self, socket: &Descriptor, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.lock();
        if let Some(count) = state.plaintext(into)? {
            return Ok(count);
        }
        // A record is delivered only when complete, so a small buffer would need many reads.
        let mut larger = Vec::new();
        if std::mem::take(&mut state.partial_record) && into.len() < MAX_RECORD {
            larger.resize(MAX_RECORD, 0);
        }
        drop(state);
        let sealed = match larger.is_empty() {
            true => &mut *into,
            false => &mut larger,
        };
        let count = socket.read(sealed)?;
        if count == 0 {
            // RFC 8446, 6.1: without close_notify, the stream may be truncated. HTTP bodies and WebSocket messages have
            // a length, so truncation is always detected.
            return Ok(0);
        }
        let mut state = self.lock();
        if state.failed {
            return Err(ErrorKind::Interrupted.into()); // discarded, so that the alert is not lost in a reset
        }
        state.feed(&sealed[..count]);
        let was_full = count == sealed.len();
        let outcome = state.plaintext(into);
        state.partial_record = was_full && matches!(outcome, Ok(None));
        let has_records = state.tls.wants_write();
        drop(state);
        if has_records {
            self.try_push(socket);
        }
        outcome?.ok_or_else(|| ErrorKind::Interrupted.into())
    }

    /// SEND: seals and writes, and returns how much the socket accepted. The rest must come first in the next write;
    /// part of it may be sealed already.
    pub(crate) fn write(&self, socket: &Descriptor, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut writer = self.writer.lock();
        let total = parts.iter().map(|part| part.len()).sum();
        if total == 0 {
            return Ok(0);
        }
        let mut written = 0;
        let mut blocked = Duration::ZERO;
        loop {
            if writer.is_empty()
                && let Err(error) = self.lock().seal(parts, written, &mut writer)
            {
                return if written > 0 { Ok(written) } else { Err(error) };
            }
            let start = Instant::now();
            let pushed = writer.push(|bytes| socket.write(bytes));
            written += writer.newly_written();
            if written >= total {
                return Ok(total);
            }
            // The same time limit as for one write without TLS.
            blocked += start.elapsed();
            if written > 0 && (!writer.is_empty() || blocked > WRITE_TIMEOUT) {
                return Ok(written);
            }
            pushed?;
        }
    }

    /// Sends close_notify, if that does not block for long. A connection with an unsent record skips it, as the peer
    /// would not receive it.
    pub(crate) fn send_close_notify(&self, socket: &Descriptor, how: Shutdown) {
        let timeout = match how {
            Shutdown::Read => return,
            Shutdown::Write => CLOSE_NOTIFY_TIMEOUT,
            Shutdown::Both => WRITE_TIMEOUT,
        };
        let Some(mut writer) = self.writer.try_lock() else {
            return;
        };
        let _ = socket.set_write_timeout(Some(timeout)); // a dead socket fails in the next write
        if writer.push(|bytes| socket.write(bytes)).is_err() || !writer.is_empty() {
            return;
        }
        let mut state = self.lock();
        if state.cannot_send() {
            return;
        }
        state.tls.send_close_notify();
        state.take_records(&mut writer);
        drop(state);
        let _ = writer.push(|bytes| socket.write(bytes)); // the peer then sees a truncated stream
    }

    /// Writes all records, before `deadline`.
    fn flush(&self, socket: &Descriptor, deadline: Instant) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        self.lock().take_records(&mut writer);
        while !writer.is_empty() {
            socket.set_write_timeout(Some(left(deadline)?))?;
            writer.push(|bytes| socket.write(bytes))?;
        }
        Ok(())
    }

    /// Writes the reader's records, unless another thread is writing.
    fn try_push(&self, socket: &Descriptor) {
        if let Some(mut writer) = self.writer.try_lock() {
            self.lock().take_records(&mut writer);
            let _ = writer.push(|bytes| socket.write(bytes)); // the rest is sent with the next write
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// Processes bytes from the socket.
    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.fault.is_none() {
            match self.tls.read_tls(&mut bytes) {
                Ok(0) => return, // input after close_notify is ignored
                Ok(_) => self.process(),
                // The plaintext buffer is full.
                Err(_) => {
                    self.early.extend(bytes);
                    return;
                }
            }
        }
    }

    fn feed_early(&mut self) {
        match self.tls.read_tls(&mut self.early) {
            Ok(1..) => self.process(),
            Ok(0) | Err(_) => self.early.clear(),
        }
        if self.early.is_empty() {
            self.early = VecDeque::new();
        }
    }

    fn process(&mut self) {
        self.fault = self.tls.process_new_packets().err();
    }

    /// Returns plaintext, as much as fits; `None` if more must be read first, 0 at the end.
    fn plaintext(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        if self.failed {
            return Ok(None);
        }
        let mut count = 0;
        while count < into.len() {
            match io::Read::read(&mut self.tls.reader(), &mut into[count..]) {
                Ok(0) => return Ok(Some(count)),
                Ok(more) => count += more,
                Err(_) if self.early.is_empty() || self.fault.is_some() => break,
                Err(_) => self.feed_early(),
            }
        }
        match self.fault.take_if(|_| count == 0) {
            None => Ok((count > 0).then_some(count)),
            Some(fault) => {
                self.failed = true;
                Err(io::Error::new(ErrorKind::InvalidData, fault))
            }
        }
    }

    /// Whether the handshake is complete except for tickets. They are sent with the first response. This saves a write,
    /// and some clients that read and write on different threads lose data while they process a ticket (seen with
    /// Python 3.11).
    fn has_only_tickets(&self) -> bool {
        // RFC 8446, 2: in TLS 1.3 the client sends the last message of the handshake.
        matches!(self.tls, Connection::Server(_))
            && !self.tls.is_handshaking()
            && self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// Whether no more data can be sent.
    fn cannot_send(&self) -> bool {
        self.failed || self.fault.is_some() || self.tls.is_handshaking()
    }

    /// Seals `parts` from `written` on, up to the buffer limit.
    fn seal(
        &mut self,
        parts: &[IoSlice<'_>],
        mut written: usize,
        writer: &mut RecordWriter,
    ) -> io::Result<()> {
        if self.cannot_send() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let mut left = [IoSlice::new(&[]); MAX_PARTS];
        let mut count = 0;
        for part in parts {
            let rest = &part[written.min(part.len())..];
            written -= part.len() - rest.len();
            if !rest.is_empty() && count < MAX_PARTS {
                left[count] = IoSlice::new(rest);
                count += 1;
            }
        }
        self.take_records(writer); // an alert of the reader comes first
        let sealed = io::Write::write_vectored(&mut self.tls.writer(), &left[..count])?;
        self.take_records(writer);
        writer.set_plaintext_len(sealed);
        match sealed {
            0 => Err(ErrorKind::ConnectionAborted.into()), // the key limit is reached
            _ => Ok(()),
        }
    }

    fn take_records(&mut self, writer: &mut RecordWriter) {
        while self.tls.wants_write() {
            let taken = self.tls.write_tls(&mut writer.sealed);
            if taken.is_err() {
                return; // not reached: a vector accepts all
            }
        }
    }
}

/// Returns the time until `deadline`.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(left)
}

/// Maximum plaintext sealed at once. Unsent records stay in memory in addition to the send queue.
const MAX_PLAINTEXT: usize = 128 * 1024;
/// Maximum size of a record: RFC 5246, 6.2.3.
const MAX_RECORD: usize = 5 + 16 * 1024 + 2 * 1024;
/// Maximum parts in one write of the send queue.
const MAX_PARTS: usize = 4;
/// Maximum total time of a write on behalf of another connection's thread.
const WRITE_TIMEOUT: Duration = Duration::from_millis(5);
/// Maximum time that close_notify waits for a slow peer.
const CLOSE_NOTIFY_TIMEOUT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    #[test]
    fn the_rest_of_a_record_is_read_at_once_however_small_the_buffer() {
        let (client, server) = connected();
        let record = [7; 16 * 1024];
        let written = client.0.write(&client.1, &[IoSlice::new(&record)]);
        assert_eq!(written.expect("the socket has room"), record.len());
        let Descriptor::Tcp(tcp) = &server.1 else {
            unreachable!("it was made here")
        };
        while tcp.peek(&mut [0; MAX_RECORD]).expect("in time") < record.len() {}
        let mut reads = 1;
        let mut small = [0; 256];
        while let Err(error) = server.0.read(&server.1, &mut small) {
            assert_eq!(error.kind(), ErrorKind::Interrupted);
            reads += 1;
        }
        assert_eq!((reads, small), (2, [7; 256]));
    }

    /// Returns both ends of a connection after the handshake.
    fn connected() -> ((Session, Descriptor), (Session, Descriptor)) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let identity = TlsIdentity::from_pem(pem.as_bytes(), key.as_bytes()).expect("a good pair");
        let roots = TlsRoots::from_pem(pem.as_bytes()).expect("a good root");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let (far, _) = listener.accept().expect("a connection");
        let client = Session::client(Some(&roots), "localhost").expect("a name");
        let server = Session::server(&identity).expect("a good pair");
        let shaken = |session: Session, tcp| {
            let socket = Descriptor::Tcp(tcp);
            let deadline = Instant::now() + Duration::from_secs(10);
            session.handshake(&socket, deadline).expect("in time");
            (session, socket)
        };
        let other = thread::spawn(move || shaken(client, near));
        let server = shaken(server, far);
        (other.join().expect("it does not panic"), server)
    }
}
