//! One connection of the binary chat, from the request that opens it to its end; and the part of a connection that both
//! chats have in common.

use std::net::SocketAddr;

use log::debug;

use crate::chat::chat::Chat;
use crate::chat::domain::command::Rejection;
use crate::chat::membership::Membership;
use crate::chat::wire::messages_es::rejection_text;
use crate::log_targets::CHAT;
use enchufe::http::Response;
use enchufe::net::{Error, Incoming, Reader, Reply, Sender, Upgrade, WebSocket};
use enchufe::protocol::CloseCode;

impl Chat {
    /// An upgrade to `/?name=…`, the binary chat: the name is claimed before the 101, and a name that cannot be had is
    /// refused with 400 and a Spanish sentence.
    #[must_use]
    pub fn upgrade_binary(&self, name: &[u8], peer: SocketAddr) -> Reply {
        match self.reserve(name) {
            Ok(reservation) => {
                let address = address(peer);
                // A user who sees the 101 is in the chat: a user who connects later finds it there.
                let connect = move |sender| reservation.connect(&address, &sender);
                // Known clients send text that is not UTF-8.
                let upgrade = Upgrade::with_setup(connect, binary).accept_any_text();
                Reply::Upgrade(upgrade.message_limits(self.limits().message.clone()))
            }
            Err(rejection) => {
                // Of this one the client is innocent.
                let status = if rejection == Rejection::ClusterUnavailable {
                    503
                } else {
                    400
                };
                Reply::Respond(Response::rejection(status, line(rejection_text(rejection))))
            }
        }
    }

    /// `GET /?name=…` without an upgrade: 200 if a user of this name could connect now, 400 if not. Registers nobody.
    #[must_use]
    pub fn probe(&self, name: &[u8]) -> Response {
        match self.could_connect(name) {
            Ok(()) => Response::new(200).text(line("El nombre está disponible")),
            Err(rejection) => Response::new(400).text(line(rejection_text(rejection))),
        }
    }
}

/// Serves one client of the binary chat, whose place has been taken.
///
/// # Errors
///
/// Why the connection ended other than by a closing handshake.
pub fn binary(ws: WebSocket, membership: Result<Membership, Rejection>) -> Result<(), Error> {
    let (reader, sender) = ws.split();
    match membership {
        Ok(membership) => converse(reader, &sender, membership),
        Err(rejection) => sender.close(CloseCode::InternalError, &rejection.to_string()),
    }
}

/// What both wires have in common: messages until the end, and the clock of inactivity.
pub fn converse(
    mut reader: Reader,
    sender: &Sender,
    mut membership: Membership,
) -> Result<(), Error> {
    debug!(target: CHAT, "{:?} is in the chat", membership.name());
    loop {
        let close = match reader.read_until(membership.inactive_at())? {
            Incoming::Message(message) => membership.message(message.kind(), message.payload()),
            Incoming::Deadline => {
                membership.tick();
                None
            }
            Incoming::Closed => return Ok(()),
            Incoming::Frame(..) => None,
        };
        if let Some(code) = close {
            membership.flush();
            return sender.close(code, "");
        }
        membership.deliver(reader.has_buffered_message());
    }
}

/// The IP address as other users may see it: IPv4 as IPv4, also where it comes through an IPv6 socket.
pub fn address(peer: SocketAddr) -> String {
    peer.ip().to_canonical().to_string()
}

fn line(sentence: &str) -> String {
    format!("{sentence}\n")
}
