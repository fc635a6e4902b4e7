//! Complete writes, and reads with a deadline, for the heads and bodies before WebSocket.

use std::io::{self, ErrorKind, IoSlice};
use std::time::Instant;

use crate::net::connection::read_buffer::ReadBuffer;
use crate::net::socket::socket_log::primitive;
use crate::net::socket::transport::Transport;

/// SEND: writes all of `bytes`, within the write timeout.
pub(crate) fn write_all(transport: &impl Transport, id: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match transport.write_vectored(&[IoSlice::new(bytes)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                primitive!("SEND", "#{id} {count} bytes");
                bytes = &bytes[count..];
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// RECEIVE: appends the result of one read to `input`, by `deadline`.
pub(crate) fn read_more(
    transport: &impl Transport,
    id: u64,
    input: &mut ReadBuffer,
    deadline: Instant,
) -> io::Result<usize> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        transport.set_read_timeout(Some(left))?;
        match input.fill(0, |room| transport.read(room)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) => {
                primitive!("RECEIVE", "#{id} end of stream");
                return Ok(0);
            }
            Ok(count) => {
                primitive!("RECEIVE", "#{id} {count} bytes");
                return Ok(count);
            }
            Err(error) => return Err(error),
        }
    }
}

pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
