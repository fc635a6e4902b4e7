//! Negotiation of permessage-deflate ([RFC 7692, 5](https://www.rfc-editor.org/rfc/rfc7692#section-5),
//! [7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1)). A client offers one or several sets of parameters, and a
//! server accepts the first that it supports. No offer fails a handshake. The server's response is binding: a client
//! that does not support it closes the connection.

use crate::handshake::error::HandshakeError;
use crate::handshake::extensions::ExtensionOffer;

/// The four parameters, of an offer or negotiated. Window bits outside their range are clamped.
///
/// ```
/// use enchufe::handshake::{DeflateParams, ExtensionOffer};
///
/// let asked = DeflateParams { server_max_window_bits: 10, ..DeflateParams::default() };
/// let offer: ExtensionOffer = asked.offer();
/// assert_eq!(offer.to_string(), "permessage-deflate; server_max_window_bits=10; client_max_window_bits");
///
/// let (agreed, answer) = DeflateParams::default().accept(&[offer]).expect("an offer to accept");
/// assert_eq!(answer.to_string(), "permessage-deflate; server_max_window_bits=10");
/// assert_eq!(asked.check(&[answer])?, Some(agreed));
/// # Ok::<(), enchufe::handshake::HandshakeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeflateParams {
    /// The server's messages never refer to earlier ones ([RFC 7692,
    /// 7.1.1.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1)).
    pub server_no_context_takeover: bool,
    /// The client's messages never refer to earlier ones ([RFC 7692,
    /// 7.1.1.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2)).
    pub client_no_context_takeover: bool,
    /// Base-2 logarithm of the server's window in bytes, 9 to 15 ([RFC 7692,
    /// 7.1.2.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1)). A response may have 8, which any decompressor
    /// supports.
    pub server_max_window_bits: u8,
    /// Base-2 logarithm of the client's window in bytes, 9 to 15 ([RFC 7692,
    /// 7.1.2.2](https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2)).
    pub client_max_window_bits: u8,
}

impl Default for DeflateParams {
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_BITS,
            client_max_window_bits: MAX_BITS,
        }
    }
}

impl DeflateParams {
    /// Server: accepts the first suitable offer. Returns the negotiated parameters and the response, or `None` if no
    /// offer is suitable; messages are then not compressed.
    ///
    /// An offer is declined for an unknown or repeated parameter, an invalid value, or `server_max_window_bits=8`,
    /// which zlib does not support. A client that does not send `client_max_window_bits` cannot be limited to less than
    /// 15.
    #[must_use]
    pub fn accept(self, offers: &[ExtensionOffer]) -> Option<(Self, ExtensionOffer)> {
        offers
            .iter()
            .filter(|offer| offer.name == NAME)
            .find_map(|offer| self.in_range().answer(&Parameters::read(offer)?))
    }

    /// Client: returns these parameters as an offer. It always lets the server choose the client's window.
    #[must_use]
    pub fn offer(self) -> ExtensionOffer {
        let wishes = self.in_range();
        let less = |bits| (bits < MAX_BITS).then_some(Bits::Given(bits));
        let client_bits = less(wishes.client_max_window_bits).unwrap_or(Bits::Any);
        Parameters {
            server_no_context_takeover: wishes.server_no_context_takeover,
            client_no_context_takeover: wishes.client_no_context_takeover,
            server_max_window_bits: less(wishes.server_max_window_bits),
            client_max_window_bits: Some(client_bits),
        }
        .write()
    }

    /// Client: checks the server's response to the [offer](Self::offer). Returns the negotiated parameters, or `None`
    /// if the server declined.
    ///
    /// # Errors
    /// [`HandshakeError::UnacceptableExtension`] for a response that violates the rules or ignores a binding parameter,
    /// and for `client_max_window_bits=8`, which zlib does not support.
    pub fn check(self, answers: &[ExtensionOffer]) -> Result<Option<Self>, HandshakeError> {
        let mut answers = answers.iter().filter(|answer| answer.name == NAME);
        let Some(answer) = answers.next() else {
            return Ok(None);
        };
        if answers.next().is_some() {
            return Err(HandshakeError::UnacceptableExtension);
        }
        self.in_range()
            .agree(&Parameters::read(answer).ok_or(HandshakeError::UnacceptableExtension)?)
            .map(Some)
            .ok_or(HandshakeError::UnacceptableExtension)
    }

    /// Returns the parameters and the response to one offer.
    fn answer(self, asked: &Parameters) -> Option<(Self, ExtensionOffer)> {
        let server_bits = match asked.server_max_window_bits {
            None => MAX_BITS,
            Some(Bits::Given(bits)) if bits >= MIN_BITS => bits,
            Some(Bits::Given(_) | Bits::Any) => return None,
        };
        let agreed = Self {
            server_no_context_takeover: self.server_no_context_takeover
                || asked.server_no_context_takeover,
            // 7.1.1.2: only a hint, but following it costs nothing.
            client_no_context_takeover: self.client_no_context_takeover
                || asked.client_no_context_takeover,
            server_max_window_bits: server_bits.min(self.server_max_window_bits),
            // 7.1.2.2: sent only to a client that supports it, and only if it is less than the client uses anyway.
            client_max_window_bits: match asked.client_max_window_bits {
                Some(Bits::Given(hint)) if hint <= self.client_max_window_bits => MAX_BITS,
                Some(_) => self.client_max_window_bits,
                None => MAX_BITS,
            },
        };
        let less = |bits| (bits < MAX_BITS).then_some(Bits::Given(bits));
        let answer = Parameters {
            server_no_context_takeover: agreed.server_no_context_takeover,
            client_no_context_takeover: agreed.client_no_context_takeover,
            server_max_window_bits: match asked.server_max_window_bits {
                Some(_) => Some(Bits::Given(agreed.server_max_window_bits)),
                None => less(agreed.server_max_window_bits),
            },
            client_max_window_bits: less(agreed.client_max_window_bits),
        };
        Some((agreed, answer.write()))
    }

    /// Combines the client's parameters with the server's response.
    fn agree(self, answer: &Parameters) -> Option<Self> {
        let server_bits = match answer.server_max_window_bits {
            None => MAX_BITS,
            Some(Bits::Given(bits)) => bits,
            Some(Bits::Any) => return None,
        };
        let client_bits = match answer.client_max_window_bits {
            None => MAX_BITS,
            Some(Bits::Given(bits)) if bits >= MIN_BITS => bits,
            Some(Bits::Given(_) | Bits::Any) => return None,
        };
        // 7.1.1.1, 7.1.2.1: a server that accepts these parameters must repeat them, and may add others.
        if server_bits > self.server_max_window_bits
            || (self.server_no_context_takeover && !answer.server_no_context_takeover)
        {
            return None;
        }
        Some(Self {
            server_no_context_takeover: answer.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || answer.client_no_context_takeover,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits.min(self.client_max_window_bits),
        })
    }

    fn in_range(mut self) -> Self {
        for bits in [
            &mut self.server_max_window_bits,
            &mut self.client_max_window_bits,
        ] {
            *bits = (*bits).clamp(MIN_BITS, MAX_BITS);
        }
        self
    }
}

/// The parameters as sent.
#[derive(Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<Bits>,
    client_max_window_bits: Option<Bits>,
}

#[derive(Clone, Copy)]
enum Bits {
    /// The name without a value.
    Any,
    /// 8 to 15.
    Given(u8),
}

impl Parameters {
    /// Parses the parameters. Returns `None` for an unknown or repeated one, or an invalid value.
    fn read(extension: &ExtensionOffer) -> Option<Self> {
        let mut found = Self::default();
        for (name, value) in &extension.params {
            let seen_or_wrong = match (name.as_str(), value) {
                (SERVER_NO_CONTEXT_TAKEOVER, None) => {
                    std::mem::replace(&mut found.server_no_context_takeover, true)
                }
                (CLIENT_NO_CONTEXT_TAKEOVER, None) => {
                    std::mem::replace(&mut found.client_no_context_takeover, true)
                }
                (SERVER_MAX_WINDOW_BITS, value) => {
                    let bits = Bits::read(value.as_deref())?;
                    found.server_max_window_bits.replace(bits).is_some()
                }
                (CLIENT_MAX_WINDOW_BITS, value) => {
                    let bits = Bits::read(value.as_deref())?;
                    found.client_max_window_bits.replace(bits).is_some()
                }
                _ => true,
            };
            if seen_or_wrong {
                return None;
            }
        }
        Some(found)
    }

    fn write(&self) -> ExtensionOffer {
        let bits = |bits| match bits {
            Bits::Any => None,
            Bits::Given(bits) => Some(u8::to_string(&bits)),
        };
        let params = [
            (
                SERVER_NO_CONTEXT_TAKEOVER,
                self.server_no_context_takeover.then_some(None),
            ),
            (
                CLIENT_NO_CONTEXT_TAKEOVER,
                self.client_no_context_takeover.then_some(None),
            ),
            (
                SERVER_MAX_WINDOW_BITS,
                self.server_max_window_bits.map(bits),
            ),
            (
                CLIENT_MAX_WINDOW_BITS,
                self.client_max_window_bits.map(bits),
            ),
        ];
        ExtensionOffer {
            name: NAME.to_owned(),
            params: params
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect(),
        }
    }
}

impl Bits {
    /// 7.1.2: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
    fn read(value: Option<&str>) -> Option<Self> {
        let Some(value) = value else {
            return Some(Self::Any);
        };
        (8..=MAX_BITS)
            .find(|bits| bits.to_string() == value)
            .map(Self::Given)
    }
}

const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";
/// Smallest window that zlib compresses with correctly. `MAX_BITS` is the largest window.
const MIN_BITS: u8 = 9;
const MAX_BITS: u8 = 15;
