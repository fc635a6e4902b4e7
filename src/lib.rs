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
//! [`WebSocket::split`] makes two halves for two threads, a [`Reader`] that lends each message out of its buffer and a
//! [`Encoder`] that can be cloned; [`WebSocket::from_stream`] speaks over any `Read + Write`; [`net::Service`] decides by request
//! what each connection gets; [`net::Room`] sends one message to many. [`Limits`] has every bound, with its reason.
//!
//! # Features
//!
//! With `default-features = false` there is the library: all of RFC 6455, both roles, the chat's binary wire, pages and
//! metrics, on three dependencies. A feature adds, and changes nothing that was there.
//!
//! | feature | | adds |
//! |---|---|---|
//! | `cli` | default | the command line, with `signals` and `files` |
//! | `signals` | with `cli` | an orderly stop on SIGINT and SIGTERM, for the program that `cli` makes |
//! | `files` | default | `services::files`, a folder over HTTP |
//! | `json` | default | the JSON wire of the chat, the hospital hub |
//! | `store` | default | `store::open`, what survives a restart |
//! | `simd` | opt-in | long text that is not ASCII checked several times faster |
//! | `deflate` | opt-in | compressed messages, RFC 7692: `DeflateOptions`, off until asked for |
//! | `tls` | opt-in | `wss://` in both roles: `Server::tls`, `Client::tls` |
//! | `cluster` | opt-in | several servers that are one, over Redis |
//! | `full` | opt-in | all of these |
//!
//! # The layers
//!
//! ```text
//! main, cli ──> services ──> net ──> handshake ──> http
//!                  │           └───> protocol
//!                  ├───────> store
//!                  └───────> cluster ──> store
//! ```
//!
//! | layer | what it is | what it does without |
//! |---|---|---|
//! | [`protocol`] | frames, messages, closing: sections 5 to 8 | sockets, threads, clocks, randomness |
//! | [`http`] | heads of HTTP/0.9, 1.0 and 1.1 | the same |
//! | [`handshake`] | from HTTP to WebSocket: section 4 | the same |
//! | [`net`] | the one place with sockets, threads and timeouts | any knowledge of what messages mean |
//! | [`store`] | what survives a restart: rows of bytes, and the one thread that writes them | sockets; any knowledge of what rows mean |
//! | `cluster` | with the feature of that name: several servers that are one, by a log in Redis | any knowledge of what entries mean |
//! | [`services`] | echo, inspect, chat, hospital hub, files, pages, metrics | sockets; frames, but for encoding a notice once |
//!
//! A layer names only those to its right. Whoever wants to see how WebSocket works reads them from below: [`protocol`],
//! then [`http`] and [`handshake`], then [`net`], then a service; the page of each module names its files in order. Whoever
//! wants to use the library begins at [`WebSocket`] and [`Server`]. [`guide::tour`] follows one chat message through all of
//! them, and every program in `examples/` shows one idea.
//!
//! # A whole connection in memory
//!
//! Below [`net`] everything is bytes in, bytes out, so a connection can be walked through without one: handshake, frame,
//! close.
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
//! let mut receiver = Decoder::new(Role::Server, MessageLimits::default());
//! let received = receiver.receive(&mut wire)?;
//! assert_eq!(received.event, Some(Event::Message(MessageKind::Text)));
//! assert_eq!(receiver.payload(&wire, &received), b"Hello");
//! wire.drain(..received.used);
//!
//! // 7.1.2: the client closes ...
//! let reason = CloseReason::new(CloseCode::NormalClosure, "bye");
//! client.close(Some(&reason), Some(key), &mut wire)?;
//! assert_eq!(client.state(), State::CloseSent);
//! let received = receiver.receive(&mut wire)?;
//! assert_eq!(received.event, Some(Event::Close(Some(reason))));
//!
//! // 5.5.1: ... and the server answers with a Close of its own, its last word.
//! let mut server = Encoder::new(Role::Server);
//! server.step(Transition::CloseReceived);
//! server.close(None, None, &mut wire)?;
//! assert_eq!(server.state(), State::Closed);
//! # Ok(())
//! # }
//! ```
//!
//! # Where each section of the RFC is
//!
//! | [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) | what it says | file in `src/` |
//! |---|---|---|
//! | 1.3, 4.2.2 | the proof in `Sec-WebSocket-Accept` | `handshake/accept_key.rs` |
//! | 3 | `ws://` and `wss://` URLs | `handshake/url.rs` |
//! | 4.1 | the way out: proxies, one connection at a time | `net/dial.rs`, `net/proxy/mod.rs`, `net/turn.rs` |
//! | 4.1 | what the client asks, and checks in the answer | `handshake/client.rs`, `net/client.rs`, `net/opening.rs` |
//! | 4.2 | what the server checks, and answers | `handshake/server.rs`, `net/exchange.rs` |
//! | 4.2.2, 4.4 | refusals, and the version | `handshake/error.rs` |
//! | 5.1 | who masks | `protocol/role.rs` |
//! | 5.2 | the header, bit by bit | `protocol/header.rs`; drawn by `protocol/diagram.rs` |
//! | 5.3 | masking | `protocol/mask.rs` |
//! | 5.4 | fragments become a message | `protocol/assembler.rs` |
//! | 5.5 | what a control frame may be | `protocol/header.rs`, `protocol/opcode.rs` |
//! | 5.5.1, 7.1.5, 7.4 | close codes and reasons | `protocol/close.rs` |
//! | 5.5.2, 5.5.3 | a Pong for each Ping | `net/reader.rs`, `net/outbox.rs` |
//! | 5.6, 11.8 | opcodes, text and binary | `protocol/opcode.rs` |
//! | 6.1 | sending | `protocol/sender.rs`, `net/outbox.rs` |
//! | 6.2 | receiving | `protocol/receiver.rs`, `net/reader.rs` |
//! | 7.1 | closing, every transition | `protocol/state.rs` |
//! | 7.1.1 | which side closes TCP | `net/ending.rs` |
//! | 7.1.7, 7.4.1 | which code each violation gets | `protocol/error.rs` |
//! | 7.2.3 | coming back after a failure, not all at once | `cli/backoff.rs` |
//! | 8.1 | UTF-8, as it arrives | `protocol/utf8.rs` |
//! | 9.1 | extensions offered and accepted | `handshake/extensions.rs` |
//! | 10.2 | which pages may connect | `handshake/origin.rs` |
//! | 10.3 | keys that nobody can guess | `net/mask_keys.rs` |
//! | 10.4 | limits | `protocol/limits.rs`, `net/limits.rs` |
//!
//! | [RFC 7692](https://www.rfc-editor.org/rfc/rfc7692) | with the feature `deflate` | file in `src/` |
//! |---|---|---|
//! | 5, 7.1 | offers, answers, the four parameters | `handshake/deflate.rs` |
//! | 6, 7.2.1 | compressing a message | `protocol/deflate/compressor.rs`, `protocol/sender.rs` |
//! | 6, 7.2.2 | inflating it as it arrives, within the limits | `protocol/deflate/decompressor.rs`, `protocol/receiver.rs` |
//! | – | what a program asks for, what it costs, what it tells | `net/deflate.rs` |
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

/// The programs in the README are compiled, so that they stay true.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// And those in its Spanish twin.
#[cfg(doctest)]
#[doc = include_str!("../LEEME.md")]
struct Leeme;
