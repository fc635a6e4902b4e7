//! Whole writes and reads with a deadline, for the heads and bodies before a connection speaks WebSocket.

use std::io::{self, ErrorKind, IoSlice};
use std::time::Instant;

use super::Transport;

/// Writes all of `bytes`, as long as the write timeout allows.
pub(super) fn write_all(transport: &impl Transport, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match transport.write_vectored(&[IoSlice::new(bytes)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Appends what one read brings to `input`; the read ends by `deadline`.
pub(super) fn read_more(
    transport: &impl Transport,
    input: &mut Vec<u8>,
    deadline: Instant,
) -> io::Result<usize> {
    let held = input.len();
    input.resize(held + READ, 0);
    let outcome = loop {
        let Some(left) = deadline
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        else {
            break Err(ErrorKind::TimedOut.into());
        };
        if let Err(error) = transport.set_read_timeout(Some(left)) {
            break Err(error);
        }
        match transport.read(&mut input[held..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => break outcome,
        }
    };
    input.truncate(held + *outcome.as_ref().unwrap_or(&0));
    outcome
}

/// How much is read at a time; most heads are smaller.
const READ: usize = 2 * 1024;
