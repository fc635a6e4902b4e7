//! One TLS connection between a socket and its outbox, read by one thread while others write.
//!
//! ```text
//!            reader                                      whoever writes
//!   socket.read, no lock held                   wire lock, for as long as the socket may block:
//!   state lock: feed, take plaintext              state lock: seal
//!                                                 socket.write
//! ```
//!
//! The two locks are taken in this order: wire, then state. The state lock is never held while a socket may block, so the
//! reader goes on while a peer takes nothing, and the other way round. What the reader itself has to say, an alert, goes
//! out if nobody writes at that moment, and else with what is written next.
//!
//! Ciphertext is read into the caller's own buffer, so an idle connection has none for it. Only the rest of a record that
//! filled a small one is read into a larger one, which goes with that read.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Connection, ProtocolVersion, ServerConnection};

use crate::net::error::Error;
use crate::net::socket::socket_stream::Descriptor;
use crate::net::tls::record_writer::Wire;
use crate::net::tls::{TlsError, TlsIdentity, TlsRoots};

#[derive(Debug)]
pub(crate) struct Session {
    state: Mutex<State>,
    /// Whoever holds it writes to the socket: the records go out in the order in which they were sealed.
    wire: Mutex<Wire>,
}

#[derive(Debug)]
struct State {
    tls: Connection,
    /// Ciphertext that came while there was plaintext enough.
    early: VecDeque<u8>,
    /// The reader's buffer was full of what is no whole record yet.
    in_a_record: bool,
    /// How the peer broke the rules of TLS, until the reader is told. Nothing more is sent then but the alert.
    fault: Option<rustls::Error>,
    /// The reader was told: nothing that comes is believed.
    failed: bool,
}

impl Session {
    /// The server's end.
    pub(crate) fn server(identity: &TlsIdentity) -> io::Result<Self> {
        let tls = ServerConnection::new(identity.config()).map_err(io::Error::other)?;
        Ok(Self::new(tls.into()))
    }

    /// The client's end. It trusts `roots`, or else what this machine trusts, and goes on only if the server's
    /// certificate is for `host`.
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
        tls.set_buffer_limit(Some(SEALED));
        Self {
            state: Mutex::new(State {
                tls,
                early: VecDeque::new(),
                in_a_record: false,
                fault: None,
                failed: false,
            }),
            wire: Mutex::default(),
        }
    }

    /// The TLS handshake, unless it is done. Blocks until `deadline` at most.
    pub(crate) fn handshake(&self, socket: &Descriptor, deadline: Instant) -> Result<(), Error> {
        if !self.lock().tls.is_handshaking() {
            return Ok(());
        }
        let mut scrap = vec![0; 4 * 1024];
        loop {
            if self.lock().has_only_tickets() {
                return Ok(());
            }
            self.push_all(socket, deadline)?;
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
                let _ = self.push_all(socket, deadline); // the alert, if the peer still listens
                return Err(Error::Tls(fault.into()));
            }
        }
    }

    /// RECEIVE: one read of the socket at most. [`ErrorKind::Interrupted`] says that octets came and are no whole record
    /// yet, so that the caller looks at its clock.
    pub(crate) fn read(&self, socket: &Descriptor, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.lock();
        if let Some(count) = state.plaintext(into)? {
            return Ok(count);
        }
        // Nothing of a record shows before all of it is there, so a small buffer would stay small, and read on and on.
        let mut larger = Vec::new();
        if std::mem::take(&mut state.in_a_record) && into.len() < RECORD {
            larger.resize(RECORD, 0);
        }
        drop(state);
        let sealed = match larger.is_empty() {
            true => &mut *into,
            false => &mut larger,
        };
        let count = socket.read(sealed)?;
        if count == 0 {
            // RFC 8446, 6.1: without close_notify, the stream may have been cut. All that comes here, HTTP bodies and
            // WebSocket messages, has its length written in it, so what is cut is never taken for something whole.
            return Ok(0);
        }
        let mut state = self.lock();
        if state.failed {
            return Err(ErrorKind::Interrupted.into()); // taken, so that our alert is not lost in a reset
        }
        state.feed(&sealed[..count]);
        let was_full = count == sealed.len();
        let outcome = state.plaintext(into);
        state.in_a_record = was_full && matches!(outcome, Ok(None));
        let has_a_say = state.tls.wants_write();
        drop(state);
        if has_a_say {
            self.push_unless_busy(socket);
        }
        outcome?.ok_or_else(|| ErrorKind::Interrupted.into())
    }

    /// SEND: seals and writes, and says how much the socket took. What is not taken has to come first in the next write;
    /// some of it may be sealed already.
    pub(crate) fn write(&self, socket: &Descriptor, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        let total = parts.iter().map(|part| part.len()).sum();
        if total == 0 {
            return Ok(0);
        }
        let mut written = 0;
        let mut blocked = Duration::ZERO;
        loop {
            if wire.is_empty()
                && let Err(error) = self.lock().seal(parts, written, &mut wire)
            {
                return if written > 0 { Ok(written) } else { Err(error) };
            }
            let start = Instant::now();
            let pushed = wire.push(|bytes| socket.write(bytes));
            written += wire.newly_written();
            if written >= total {
                return Ok(total);
            }
            // As much patience as a socket without TLS has for one write.
            blocked += start.elapsed();
            if written > 0 && (!wire.is_empty() || blocked > PATIENCE) {
                return Ok(written);
            }
            pushed?;
        }
    }

    /// Says that nothing more will be sent (close_notify), if that does not take long: whoever has left a record unsent,
    /// or is about to, has a peer that will not hear it anyway.
    pub(crate) fn send_close_notify(&self, socket: &Descriptor, how: Shutdown) {
        let patience = match how {
            Shutdown::Read => return,
            Shutdown::Write => GOODBYE,
            Shutdown::Both => PATIENCE,
        };
        let Some(mut wire) = self.try_wire() else {
            return;
        };
        let _ = socket.set_write_timeout(Some(patience)); // a dead socket says so in the next line
        if wire.push(|bytes| socket.write(bytes)).is_err() || !wire.is_empty() {
            return;
        }
        let mut state = self.lock();
        if state.is_mute() {
            return;
        }
        state.tls.send_close_notify();
        state.take_records(&mut wire);
        drop(state);
        let _ = wire.push(|bytes| socket.write(bytes)); // then it hears a truncation
    }

    /// Writes every record there is, before `deadline`.
    fn push_all(&self, socket: &Descriptor, deadline: Instant) -> Result<(), Error> {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock().take_records(&mut wire);
        while !wire.is_empty() {
            socket.set_write_timeout(Some(left(deadline)?))?;
            wire.push(|bytes| socket.write(bytes))?;
        }
        Ok(())
    }

    /// Writes the records of the reader, unless somebody is writing.
    fn push_unless_busy(&self, socket: &Descriptor) {
        if let Some(mut wire) = self.try_wire() {
            self.lock().take_records(&mut wire);
            let _ = wire.push(|bytes| socket.write(bytes)); // what is left goes with what is written next
        }
    }

    fn try_wire(&self) -> Option<MutexGuard<'_, Wire>> {
        match self.wire.try_lock() {
            Ok(wire) => Some(wire),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes in what came from the socket.
    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.fault.is_none() {
            match self.tls.read_tls(&mut bytes) {
                Ok(0) => return, // behind a close_notify nothing counts
                Ok(_) => self.process(),
                // There is plaintext enough for now.
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

    /// Plaintext, as much as there is and fits; `None` if more has to be read first, 0 at the end.
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

    /// Whether the handshake is done and all that is left to say are tickets for the next one. They go with the first
    /// answer: that is a write less, and some clients that read on one thread and write on another lose what they send while
    /// they take a ticket in (seen with Python 3.11).
    fn has_only_tickets(&self) -> bool {
        // RFC 8446, 2: in TLS 1.3 the last word of the handshake is the client's.
        matches!(self.tls, Connection::Server(_))
            && !self.tls.is_handshaking()
            && self.tls.protocol_version() == Some(ProtocolVersion::TLSv1_3)
    }

    /// Whether there is nobody to whom more can be said.
    fn is_mute(&self) -> bool {
        self.failed || self.fault.is_some() || self.tls.is_handshaking()
    }

    /// Seals `parts` from `written` on, as much as a wire may hold.
    fn seal(
        &mut self,
        parts: &[IoSlice<'_>],
        mut written: usize,
        wire: &mut Wire,
    ) -> io::Result<()> {
        if self.is_mute() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let mut left = [IoSlice::new(&[]); PARTS];
        let mut count = 0;
        for part in parts {
            let rest = &part[written.min(part.len())..];
            written -= part.len() - rest.len();
            if !rest.is_empty() && count < PARTS {
                left[count] = IoSlice::new(rest);
                count += 1;
            }
        }
        self.take_records(wire); // an alert of the reader's goes first
        let sealed = io::Write::write_vectored(&mut self.tls.writer(), &left[..count])?;
        self.take_records(wire);
        wire.holds(sealed);
        match sealed {
            0 => Err(ErrorKind::ConnectionAborted.into()), // the keys are used up
            _ => Ok(()),
        }
    }

    fn take_records(&mut self, wire: &mut Wire) {
        while self.tls.wants_write() {
            let taken = self.tls.write_tls(&mut wire.sealed);
            if taken.is_err() {
                return; // a vector takes everything
            }
        }
    }
}

/// What is left until `deadline`.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(left)
}

/// Plaintext sealed at once. What a slow peer leaves of it lies in memory, besides its backlog.
const SEALED: usize = 128 * 1024;
/// The longest record there can be: RFC 5246, 6.2.3.
const RECORD: usize = 5 + 16 * 1024 + 2 * 1024;
/// What the outbox writes at once has so many parts at most.
const PARTS: usize = 4;
/// A write for somebody else's sake may block for so long in all.
const PATIENCE: Duration = Duration::from_millis(5);
/// How long a close_notify may wait behind what the peer has not taken.
const GOODBYE: Duration = Duration::from_millis(500);

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
        while tcp.peek(&mut [0; RECORD]).expect("in time") < record.len() {}
        let mut reads = 1;
        let mut small = [0; 256];
        while let Err(error) = server.0.read(&server.1, &mut small) {
            assert_eq!(error.kind(), ErrorKind::Interrupted);
            reads += 1;
        }
        assert_eq!((reads, small), (2, [7; 256]));
    }

    /// Both ends of a connection whose handshake is done.
    fn connected() -> ((Session, Descriptor), (Session, Descriptor)) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let identity = TlsIdentity::from_pem(pem.as_bytes(), key.as_bytes()).expect("a good pair");
        let roots = TlsRoots::from_pem(pem.as_bytes()).expect("a good root");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let (far, _) = listener.accept().expect("somebody called");
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
