//! A WebSocket server and library on plain threads: [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) by hand over
//! `std::net`, one thread for each connection, no async runtime. *Enchufe* is Spanish for what you plug in, a socket.
//!
//! # A server and a client
//!
//! ```
//! use enchufe::{CloseCode, Message, Server};
//!
//! // Port 0 takes a free one. For a fixed address and any path, `enchufe::serve(address, session)` is enough.
//! let server = Server::bind("127.0.0.1:0")?.route("/echo", |mut ws| {
//!     while let Some(message) = ws.read()? {
//!         ws.send(message)?;
//!     }
//!     Ok(())
//! });
//! let running = server.start();
//!
//! let mut ws = enchufe::connect(&running.url("/echo"))?;
//! ws.send("hola")?;
//! assert_eq!(ws.read()?, Some(Message::from("hola")));
//! ws.close(CloseCode::NormalClosure, "that was all")?;
//!
//! running.stop();
//! # Ok::<(), enchufe::Error>(())
//! ```
//!
//! [`WebSocket::split`] returns two halves for two threads: a [`Reader`] that lends each message out of its buffer, and a
//! [`Sender`] that can be cloned. [`WebSocket::from_stream`] runs over any `Read + Write`. A [`net::Service`] decides what each
//! request gets. A [`net::Room`] sends one message to many connections. [`Limits`] lists every limit and its reason.
//!
//! # Features
//!
//! With `default-features = false` the crate is the library alone: all of RFC 6455 in both roles, on three dependencies.
//! A feature adds code and changes nothing else.
//!
//! | feature | | adds |
//! |---|---|---|
//! | `cli` | default | the program `enchufe`: server and terminal clients |
//! | `signals` | with `cli` | a graceful shutdown of the program on SIGINT and SIGTERM |
//! | `files` | default | to the program: a directory over HTTP |
//! | `json` | default | to the program: the JSON protocol of the chat, and the hospital hub |
//! | `store` | default | to the program: data that survives a restart |
//! | `cluster` | opt-in | to the program: several servers that act as one, over Redis |
//! | `simd` | opt-in | faster UTF-8 validation of long text outside ASCII |
//! | `deflate` | opt-in | compressed messages, RFC 7692: `DeflateOptions`, off by default |
//! | `tls` | opt-in | `wss://` in both roles: `Server::tls`, `Client::tls` |
//! | `full` | opt-in | all of these |
//!
//! # The layers
//!
//! ```text
//! enchufe, the program ──> net ──> handshake ──> http
//!                           └────> protocol
//! ```
//!
//! | layer | contents | does without |
//! |---|---|---|
//! | [`protocol`] | frames, messages, closing: sections 5 to 8 | sockets, threads, clocks, randomness |
//! | [`http`] | heads of HTTP/0.9, 1.0 and 1.1 | the same |
//! | [`handshake`] | from HTTP to WebSocket: section 4 | the same |
//! | [`net`] | sockets, threads and timeouts, only here | any knowledge of what messages mean |
//!
//! A layer imports only layers to its right. The program in `src/bin/enchufe` is not part of the library: it uses the public API
//! as any other crate would, and holds the chat, the hospital hub, storage and clustering.
//!
//! To see how WebSocket works, read from the bottom: [`protocol`], then [`http`] and [`handshake`], then [`net`]. The page of
//! each module names its files in order. To use the library, begin at [`WebSocket`] and [`Server`]. [`guide::tour`] follows one
//! chat message through all layers, and each program in `examples/` shows one idea.
//!
//! # A whole connection in memory
//!
//! Below [`net`] everything is bytes in, bytes out, so a whole connection fits in one program without a socket: handshake,
//! frame, close.
//!
//! ```
//! use enchufe::handshake::{self, ClientHandshake, Url};
//! use enchufe::http::{HeadLimits, RequestParser, ResponseParser};
//! use enchufe::protocol::{
//!     CloseCode, CloseReason, Event, MaskKey, MessageKind, MessageLimits, Decoder, Role, Encoder, State, Transition,
//! };
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//!
//! // 4.1: the client asks for an upgrade. The nonce would be 16 random bytes.
//! let url = Url::parse("ws://example.org/chat")?;
//! let opening = ClientHandshake::new(&url, *b"the sample nonce", &[], &[])?;
//! let asked = opening.request();
//! assert!(asked.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.org\r\n"));
//!
//! // 4.2: the server checks the request and grants it.
//! let (request, _) = RequestParser::new(HeadLimits::default()).feed(&asked)?.ok_or("more to come")?;
//! let offer = handshake::check_request(&request)?;
//! let granted = handshake::upgrade_response(&offer, None, None, &[])?;
//!
//! // 4.1: the client checks the answer. The connection is open.
//! let (answer, _) = ResponseParser::new(HeadLimits::default()).feed(&granted)?.ok_or("more to come")?;
//! opening.check(&answer)?;
//!
//! // 5: the client sends a text. It masks, with a random key for each frame.
//! let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
//! let mut client = Encoder::new(Role::Client);
//! let mut wire = Vec::new();
//! client.message(MessageKind::Text, b"Hello", Some(key), &mut wire)?;
//! assert_eq!(wire, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
//!
//! // 6.2: the server receives it. The payload is unmasked where it lies.
//! let mut decoder = Decoder::new(Role::Server, MessageLimits::default());
//! let received = decoder.decode(&mut wire)?;
//! assert_eq!(received.event, Some(Event::Message(MessageKind::Text)));
//! assert_eq!(decoder.payload(&wire, &received), b"Hello");
//! wire.drain(..received.used);
//!
//! // 7.1.2: the client closes ...
//! let reason = CloseReason::new(CloseCode::NormalClosure, "bye");
//! client.close(Some(&reason), Some(key), &mut wire)?;
//! assert_eq!(client.state(), State::CloseSent);
//! let received = decoder.decode(&mut wire)?;
//! assert_eq!(received.event, Some(Event::Close(Some(reason))));
//!
//! // 5.5.1: ... and the server answers with a Close of its own, its last word.
//! let mut server = Encoder::new(Role::Server);
//! server.apply(Transition::CloseReceived);
//! server.close(None, None, &mut wire)?;
//! assert_eq!(server.state(), State::Closed);
//! # Ok(())
//! # }
//! ```
//!
//! # Where each section of the RFC is
//!
//! | [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) | subject | file in `src/` |
//! |---|---|---|
//! | 1.3, 4.2.2 | the value of `Sec-WebSocket-Accept` | `handshake/accept_key.rs` |
//! | 3 | `ws://` and `wss://` URLs | `handshake/url.rs` |
//! | 4.1 | connecting: proxies, one connection attempt at a time | `net/client/dial.rs`, `net/proxy/tunnel.rs`, `net/client/connect_queue.rs` |
//! | 4.1 | the client's request, and its checks on the response | `handshake/client.rs`, `net/client/client.rs`, `net/client/handshake.rs` |
//! | 4.2 | the server's checks on the request, and its response | `handshake/server.rs`, `net/server/http_connection.rs` |
//! | 4.2.2, 4.4 | rejections, and the version | `handshake/error.rs` |
//! | 5.1 | which side masks | `protocol/state.rs` |
//! | 5.2 | the frame header, bit by bit | `protocol/header.rs`; drawn by `protocol/diagram.rs` |
//! | 5.3 | masking | `protocol/mask.rs` |
//! | 5.4 | fragments become a message | `protocol/assembler.rs` |
//! | 5.5 | the rules of control frames | `protocol/header.rs`, `protocol/opcode.rs` |
//! | 5.5.1, 7.1.5, 7.4 | close codes and reasons | `protocol/close.rs` |
//! | 5.5.2, 5.5.3 | a Pong for each Ping | `net/connection/reader.rs`, `net/connection/send_queue.rs` |
//! | 5.6, 11.8 | opcodes, text and binary | `protocol/opcode.rs` |
//! | 6.1 | sending | `protocol/encoder.rs`, `net/connection/send_queue.rs` |
//! | 6.2 | receiving | `protocol/decoder.rs`, `net/connection/reader.rs` |
//! | 7.1 | closing, every transition | `protocol/state.rs` |
//! | 7.1.1 | which side closes TCP | `net/connection/closing.rs` |
//! | 7.1.7, 7.4.1 | the close code of each violation | `protocol/close.rs` |
//! | 7.2.3 | reconnecting with backoff | `bin/enchufe/backoff.rs` |
//! | 8.1 | UTF-8, checked as it arrives | `protocol/utf8.rs` |
//! | 9.1 | extensions offered and accepted | `handshake/extensions.rs` |
//! | 10.2 | which pages may connect | `handshake/origin.rs` |
//! | 10.3 | unpredictable masking keys | `net/connection/random.rs` |
//! | 10.4 | limits | `protocol/limits.rs`, `net/limits.rs` |
//!
//! | [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692) | with the feature `deflate` | file in `src/` |
//! |---|---|---|
//! | 5, 7.1 | offers, responses, the four parameters | `handshake/deflate.rs` |
//! | 6, 7.2.1 | compressing a message | `protocol/deflate/compressor.rs`, `protocol/encoder.rs` |
//! | 6, 7.2.2 | inflating a message as it arrives, within the limits | `protocol/deflate/decompressor.rs`, `protocol/decoder.rs` |
//! | – | options, cost, and what compression can leak | `net/connection/deflate.rs` |
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod guide;
pub mod handshake;
pub mod http;
mod log_targets;
pub mod net;
pub mod protocol;

pub use net::{
    AsMessage, Client, Error, Incoming, Limits, Message, MessageRef, Proxy, Reader, Sender, Server,
    ServerHandle, WebSocket, connect, serve,
};
pub use protocol::{CloseCode, CloseReason};
#[cfg(feature = "deflate")]
pub use {handshake::DeflateParams, net::DeflateOptions};

/// Compiles the programs in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// Compiles the programs in the Spanish README.
#[cfg(doctest)]
#[doc = include_str!("../LEEME.md")]
struct Leeme;
