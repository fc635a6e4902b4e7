//! `/inspect`: the answer to every frame is a drawing of that frame, as the server saw it.

use enchufe::net::{Error, Incoming, WebSocket};
use enchufe::protocol::diagram;

/// Draws until the peer closes. Needs a connection that
/// [shows its frames](enchufe::net::Upgrade::observe_frames).
///
/// # Errors
/// Why the connection ended other than by a closing handshake.
pub fn session(ws: WebSocket) -> Result<(), Error> {
    let (mut reader, sender) = ws.split();
    loop {
        match reader.read_until(None)? {
            Incoming::Frame(header, payload) => sender.send(diagram::draw(&header, payload))?,
            Incoming::Message(_) | Incoming::Deadline => {}
            Incoming::Closed => return Ok(()),
        }
    }
}
