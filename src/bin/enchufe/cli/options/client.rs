//! The settings of the two clients, `enchufe chat` and `enchufe send`.

use std::time::Duration;

use log::LevelFilter;

use crate::cli::options::connect_options::ConnectOptions;
use crate::cli::options::option_value;
use crate::cli::options::table::{Group, Opt};

/// Settings of `enchufe chat`.
#[derive(Clone, Debug)]
pub struct ChatOptions {
    /// The server, as typed.
    pub url: String,
    pub name: String,
    pub reach: ConnectOptions,
    pub log: LevelFilter,
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            name: String::new(),
            reach: ConnectOptions::default(),
            log: LevelFilter::Off,
        }
    }
}

/// Settings of `enchufe send`.
#[derive(Clone, Debug)]
pub struct SendOptions {
    /// The server, as typed.
    pub url: String,
    pub trace: bool,
    pub headers: Vec<(String, String)>,
    pub subprotocols: Vec<String>,
    pub binary: bool,
    pub raw: bool,
    pub deflate: bool,
    pub wait: Duration,
    pub max_message: usize,
    pub reach: ConnectOptions,
    pub log: LevelFilter,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            trace: false,
            headers: Vec::new(),
            subprotocols: Vec::new(),
            binary: false,
            raw: false,
            deflate: false,
            wait: Duration::ZERO,
            max_message: 16 << 20,
            reach: ConnectOptions::default(),
            log: LevelFilter::Off,
        }
    }
}

/// The options of `enchufe chat`.
pub static CHAT: &[Group<ChatOptions>] = &[
    Group {
        title: "Options",
        options: &[
            Opt {
                name: "name",
                help: "User name in the chat, 1 to 255 bytes",
                field: |o| option_value::text(&mut o.name, "NAME"),
            },
            Opt {
                name: "log",
                help: "off, error, warn, info, debug or trace, on standard error; RUST_LOG wins",
                field: |o| option_value::level(&mut o.log),
            },
        ],
    },
    ChatOptions::REACH,
];

/// The options of `enchufe send`.
pub static SEND: &[Group<SendOptions>] = &[
    Group {
        title: "Options",
        options: &[
            Opt {
                name: "trace",
                help: "Show both handshakes and every frame on standard error",
                field: |o| option_value::switch(&mut o.trace),
            },
            Opt {
                name: "header",
                help: "Header for the opening handshake; may be repeated",
                field: |o| option_value::headers(&mut o.headers),
            },
            Opt {
                name: "subprotocol",
                help: "Subprotocol to offer; may be repeated",
                field: |o| {
                    option_value::list(&mut o.subprotocols, "NAME", |text| Ok(text.to_owned()))
                },
            },
            Opt {
                name: "binary",
                help: "Send binary messages instead of text",
                field: |o| option_value::switch(&mut o.binary),
            },
            Opt {
                name: "raw",
                help: "Do not escape control characters in received messages; not on a terminal",
                field: |o| option_value::switch(&mut o.raw),
            },
            Opt {
                name: "deflate",
                help: "Offer compression",
                field: |o| {
                    option_value::feature_switch(
                        &mut o.deflate,
                        "deflate",
                        cfg!(feature = "deflate"),
                    )
                },
            },
            Opt {
                name: "wait",
                help: "Time to keep receiving after the input ends",
                field: |o| option_value::time_or_zero(&mut o.wait),
            },
            Opt {
                name: "max-message",
                help: "Largest message to accept",
                field: |o| option_value::size(&mut o.max_message),
            },
            Opt {
                name: "log",
                help: "off, error, warn, info, debug or trace, on standard error; RUST_LOG wins",
                field: |o| option_value::level(&mut o.log),
            },
        ],
    },
    SendOptions::REACH,
];

/// Settings with connection options.
trait Reaches: Sized + 'static {
    fn reach(&mut self) -> &mut ConnectOptions;

    /// The options for that.
    const REACH: Group<Self> = Group {
        title: "The way to the server",
        options: &[
            Opt {
                name: "proxy",
                help: "http://, socks5:// or socks5h://[USER:PASSWORD@]HOST:PORT, or none; auto is what HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say",
                field: |o| option_value::proxy(&mut o.reach().proxy),
            },
            Opt {
                name: "follow",
                help: "Follow redirects, at most 5 and never from wss to ws",
                field: |o| option_value::switch(&mut o.reach().follow),
            },
            Opt {
                name: "token",
                help: "Token to bring; ENCHUFE_TOKEN does not show in a list of processes",
                field: |o| option_value::secret(&mut o.reach().token, "TOKEN"),
            },
            Opt {
                name: "token-file",
                help: "File whose first line is the token to bring, unless --token is there",
                field: |o| option_value::file(&mut o.reach().token_file),
            },
            Opt {
                name: "timeout",
                help: "Time to connect",
                field: |o| option_value::time(&mut o.reach().timeout),
            },
            #[cfg(feature = "tls")]
            Opt {
                name: "ca",
                help: "For wss://: trust the certificates in this PEM file, and not those of the system",
                field: |o| option_value::file(&mut o.reach().ca),
            },
        ],
    };
}

impl Reaches for ChatOptions {
    fn reach(&mut self) -> &mut ConnectOptions {
        &mut self.reach
    }
}

impl Reaches for SendOptions {
    fn reach(&mut self) -> &mut ConnectOptions {
        &mut self.reach
    }
}
