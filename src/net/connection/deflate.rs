//! Compressed messages ([RFC 7692](https://www.rfc-editor.org/rfc/rfc7692)) as a program asks for them, and what a connection
//! makes of what both sides agreed on.

use crate::handshake::deflate::DeflateParams;
use crate::handshake::error::HandshakeError;
use crate::handshake::extensions::ExtensionOffer;
use crate::protocol::decoder::Decoder;
use crate::protocol::deflate::{Compressor, Decompressor};
use crate::protocol::encoder::Encoder;
use crate::protocol::state::Role;

/// How a side compresses its messages, and what it asks of the other. Compression is off until it is asked for.
///
/// **Memory.** A connection takes nothing for it until its first compressed message, and what it can do without is freed when
/// nothing came for [`Limits::ping_interval`](crate::net::limits::Limits::ping_interval). Resident memory of the server in KiB for each
/// connection, stack and all, as `cargo bench --features deflate --bench deflate` measures it (Linux, glibc):
///
/// | agreed on | open | in a message of 1 KiB | after its echo | at rest |
/// |---|--:|--:|--:|--:|
/// | nothing | 18 | 18 | 20 | 20 |
/// | windows of 15 bits | 20 | 44 | 360 | 47 |
/// | windows of 12 bits | 20 | 44 | 248 | 47 |
/// | windows of 9 bits | 20 | 44 | 236 | 47 |
/// | any of these, no context takeover | 21 | 44 | the same | 48 |
///
/// The compressor is most of it, and never rests on an idle connection: a peer that keeps its window does not notice. The
/// decompressor takes up to 48 KiB whatever the peer's window, and stays as long as the peer's messages may refer to earlier
/// ones; without context takeover it is freed too, for other connections, while the allocator may keep the memory. A
/// received message takes what it takes when inflated, up to
/// [`MessageLimits::max_message`](crate::protocol::limits::MessageLimits::max_message) and half of that again while its buffer grows;
/// what would go beyond is given up before it is inflated. What a [`Room`](crate::net::room::room::Room) hands to its members is encoded once
/// and not compressed.
///
/// **Secrets.** How short a message gets tells whether what it says was said before. Where a session sends a secret and, in
/// the same message or with the same window, something that a stranger can choose, the length gives the secret away bit by
/// bit (the attacks called CRIME and BREACH). Such a session wants [`Upgrade::without_deflate`](crate::net::server::service::Upgrade::without_deflate),
/// or [`WebSocket::send_uncompressed`](crate::net::connection::websocket::WebSocket::send_uncompressed) for each such message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeflateOptions {
    /// What is negotiated: by default, that both sides may refer to earlier messages, as far back as there is.
    pub params: DeflateParams,
    /// From 1, the fastest, to 9, the shortest; by default 3: text gets nearly as short as with 6, in half the time.
    pub level: u32,
    /// Bytes from which on a message is compressed; by default 64.
    pub min_message: usize,
}

impl Default for DeflateOptions {
    fn default() -> Self {
        Self {
            params: DeflateParams::default(),
            level: 3,
            min_message: 64,
        }
    }
}

impl DeflateOptions {
    /// As a server: what is agreed on, and the answer that says so; `None` if no offer can be accepted.
    pub(crate) fn accept(&self, offers: &[ExtensionOffer]) -> Option<(Deflate, String)> {
        let (params, answer) = self.params.accept(offers)?;
        Some((self.agreed(Role::Server, params), answer.to_string()))
    }

    /// As a client: what to ask.
    pub(crate) fn offer(&self) -> ExtensionOffer {
        self.params.offer()
    }

    /// As a client: what is agreed on, by the server's answer; `None` if it declined.
    pub(crate) fn check(
        &self,
        answers: &[ExtensionOffer],
    ) -> Result<Option<Deflate>, HandshakeError> {
        let agreed = self.params.check(answers)?;
        Ok(agreed.map(|params| self.agreed(Role::Client, params)))
    }

    fn agreed(&self, role: Role, params: DeflateParams) -> Deflate {
        Deflate {
            role,
            params,
            level: self.level,
            min_message: self.min_message,
        }
    }
}

/// What the two sides of one connection agreed on, seen from one of them.
#[derive(Debug, Clone)]
pub(crate) struct Deflate {
    role: Role,
    pub(crate) params: DeflateParams,
    level: u32,
    min_message: usize,
}

impl Deflate {
    /// What is sent from now on is compressed.
    pub(crate) fn enable_compression(&self, sender: &mut Encoder) {
        let (bits, forgets) = match self.role {
            Role::Server => (
                self.params.server_max_window_bits,
                self.params.server_no_context_takeover,
            ),
            Role::Client => (
                self.params.client_max_window_bits,
                self.params.client_no_context_takeover,
            ),
        };
        let compressor = Compressor::new(bits)
            .level(self.level)
            .min_message(self.min_message);
        sender.set_compressor(if forgets {
            compressor.without_context_takeover()
        } else {
            compressor
        });
    }

    /// What is received from now on may be compressed.
    pub(crate) fn equip_receiver(&self, receiver: &mut Decoder) {
        let forgets = match self.role {
            Role::Server => self.params.client_no_context_takeover,
            Role::Client => self.params.server_no_context_takeover,
        };
        let decompressor = Decompressor::new();
        receiver.set_decompressor(if forgets {
            decompressor.without_context_takeover()
        } else {
            decompressor
        });
    }
}
