//! `/echo`: every message comes back as it is, text as text, binary as binary.

use enchufe::net::{Error, WebSocket};

/// Echoes until the peer closes. Each message is lent out of the read buffer and written from there.
///
/// # Errors
/// Why the connection ended other than by a closing handshake.
pub fn session(ws: WebSocket) -> Result<(), Error> {
    let (mut reader, sender) = ws.split();
    while let Some(message) = reader.read()? {
        sender.send(message)?;
    }
    Ok(())
}
