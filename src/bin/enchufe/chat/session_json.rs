//! One connection of the JSON chat until it has registered a name; from then on it is like any other.

use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use crate::chat::chat::Chat;
use crate::chat::domain::time::Timestamp;
use crate::chat::session::{address, converse};
use crate::chat::wire::json_encode;
use crate::chat::wire::json_error::RequestError;
use enchufe::handshake::Offer;
use enchufe::net::{Error, Incoming, Upgrade, WebSocket};
use enchufe::protocol::CloseCode;

impl Chat {
    /// An upgrade to `/chat`, the JSON chat.
    #[must_use]
    pub fn upgrade_json(&self, offer: &Offer, peer: SocketAddr) -> Upgrade {
        let (chat, address) = (self.clone(), address(peer));
        // What follows a NUL need not be UTF-8; what comes before it is checked here.
        let upgrade = Upgrade::new(move |ws| json(ws, &chat, &address)).accept_any_text();
        // A stranger gets little memory; registering raises the limit.
        let upgrade = upgrade.message_limits(self.limits().first());
        if offer
            .subprotocols
            .iter()
            .any(|offered| offered == SUBPROTOCOL)
        {
            return upgrade.subprotocol(SUBPROTOCOL);
        }
        upgrade
    }
}

/// Serves one client of the JSON chat: it has some time to register.
///
/// # Errors
///
/// Why the connection ended other than by a closing handshake.
pub fn json(ws: WebSocket, chat: &Chat, address: &str) -> Result<(), Error> {
    let (mut reader, sender) = ws.split();
    let deadline = Instant::now() + chat.limits().register_within;
    loop {
        let message = match reader.read_until(Some(deadline))? {
            Incoming::Message(message) => message,
            Incoming::Deadline => {
                return sender.close(CloseCode::PolicyViolation, "nobody registered");
            }
            Incoming::Closed => return Ok(()),
            Incoming::Frame(..) => continue,
        };
        match chat.register(message.kind(), message.payload(), address, &sender) {
            Ok(membership) => {
                reader.set_message_limits(chat.limits().message.clone());
                return converse(reader, &sender, membership);
            }
            Err(RequestError::NotUtf8) => {
                return sender.close(CloseCode::InvalidFramePayloadData, "");
            }
            Err(fault) => {
                let now = Timestamp::from(SystemTime::now());
                let error = json_encode::error(&fault.to_string(), now);
                sender.send(String::from_utf8_lossy(&error).as_ref())?;
            }
        }
    }
}

/// The subprotocol of the JSON chat, for those who ask for one.
const SUBPROTOCOL: &str = "chat-protocol";
