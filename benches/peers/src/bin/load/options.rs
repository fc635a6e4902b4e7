//! What the bench asks for, as `--name value` pairs. Every cell uses some of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::link;

#[derive(Debug, Clone)]
pub struct Options {
    pub addr: SocketAddr,
    /// The path and query of the upgrade; `{}` in it is the number of the connection.
    pub path: String,
    /// No WebSocket: bare bytes, for the servers that show the limit.
    pub raw: bool,
    /// TLS, and whom to trust.
    pub tls: Option<Arc<ClientConfig>>,
    pub connections: usize,
    /// Bytes of payload.
    pub size: usize,
    pub payload: Payload,
    /// Echo with permessage-deflate, both ways.
    pub deflate: bool,
    /// Messages a connection (echo) or a publisher (fan-out) has under way.
    pub in_flight: usize,
    /// Messages per second in all, at fixed times, instead of as many as come back.
    pub rate: Option<f64>,
    pub publishers: usize,
    /// Connections that never read.
    pub stalled: usize,
    /// Fan-out in the binary chat, where a message has an envelope.
    pub chat: bool,
    pub warm_up: Duration,
    pub measure: Duration,
    /// The server, whose processor time and memory are read.
    pub pid: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    Binary,
    /// ASCII text.
    Ascii,
    /// Spanish with emoji.
    Mixed,
    /// What programs say to each other.
    Json,
}

impl Options {
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            path: "/echo".to_owned(),
            raw: false,
            tls: None,
            connections: 32,
            size: 32,
            payload: Payload::Binary,
            deflate: false,
            in_flight: 1,
            rate: None,
            publishers: 1,
            stalled: 0,
            chat: false,
            warm_up: Duration::from_millis(500),
            measure: Duration::from_secs(2),
            pid: None,
        };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--addr" => options.addr = number(&value)?,
                "--path" => options.path = value,
                "--raw" => options.raw = number(&value)?,
                "--tls" => {
                    let trusted = link::trusting(&value);
                    options.tls = Some(trusted.map_err(|error| format!("{value}: {error}"))?);
                }
                "--connections" => options.connections = number(&value)?,
                "--size" => options.size = number(&value)?,
                "--payload" => {
                    options.payload = match value.as_str() {
                        "binary" => Payload::Binary,
                        "ascii" => Payload::Ascii,
                        "mixed" => Payload::Mixed,
                        "json" => Payload::Json,
                        other => return Err(format!("no payload {other}")),
                    }
                }
                "--deflate" => options.deflate = number(&value)?,
                "--in-flight" => options.in_flight = number::<usize>(&value)?.max(1),
                "--rate" => options.rate = Some(number(&value)?),
                "--publishers" => options.publishers = number(&value)?,
                "--stalled" => options.stalled = number(&value)?,
                "--chat" => options.chat = number(&value)?,
                "--warm-up" => options.warm_up = Duration::from_millis(number(&value)?),
                "--measure" => options.measure = Duration::from_millis(number(&value)?),
                "--pid" => options.pid = Some(number(&value)?),
                other => return Err(format!("no option {other}")),
            }
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{value:?} is not a value for this option"))
}
