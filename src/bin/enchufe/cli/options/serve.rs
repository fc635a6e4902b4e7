//! The settings of the server: every address and every limit, with its default and the flag that changes it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::chat;
use crate::chat::limits::ConnectionLimits;
use enchufe::Limits;
use enchufe::http::Authority;
use log::LevelFilter;

use crate::cli::options::option_value;
use crate::cli::options::table::{Group, Opt};

/// Settings of `enchufe serve`.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    pub bind: Vec<String>,
    #[cfg(feature = "tls")]
    pub tls_cert: Option<PathBuf>,
    #[cfg(feature = "tls")]
    pub tls_key: Option<PathBuf>,
    pub root: Option<PathBuf>,
    #[cfg(feature = "store")]
    pub data: Option<PathBuf>,
    pub cluster: Option<String>,
    pub cluster_lease: Duration,
    pub origins: Vec<String>,
    pub hosts: Vec<String>,
    pub require_origin: bool,
    pub token_file: Option<PathBuf>,
    pub log: LevelFilter,
    /// Limits of every connection.
    pub limits: Limits,
    /// Limits of a chat connection; those on messages and JSON apply to the hub too.
    pub connections: ConnectionLimits,
    /// Maximum size of a message on `/echo` and `/inspect`.
    pub max_echo_message: usize,
    /// Whether to compress for clients that offer it.
    pub deflate: bool,
    /// History and presence settings of the chat.
    pub chat: chat::domain::state::ChatSettings,
    pub file_clients: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            bind: vec!["127.0.0.1:8080".to_owned()],
            #[cfg(feature = "tls")]
            tls_cert: None,
            #[cfg(feature = "tls")]
            tls_key: None,
            root: None,
            #[cfg(feature = "store")]
            data: None,
            cluster: None,
            cluster_lease: crate::cluster::DEFAULT_LEASE,
            origins: Vec::new(),
            hosts: Vec::new(),
            require_origin: false,
            token_file: None,
            log: LevelFilter::Info,
            limits: Limits::default(),
            connections: ConnectionLimits::default(),
            max_echo_message: 16 << 20,
            deflate: false,
            chat: chat::domain::state::ChatSettings::default(),
            file_clients: 10,
        }
    }
}

/// The options of `enchufe serve`. Rows are applied in this order, which matters once: `max-echo-message` comes after
/// `max-message`, because that one sets both.
pub static SERVE: &[Group<ServeOptions>] = &[
    Group {
        title: "Where to listen and what to serve",
        options: &[
            Opt {
                name: "bind",
                help: "Address to listen on, or unix:PATH; may be repeated. Port 0 picks a free one",
                field: |o| option_value::list(&mut o.bind, "ADDR:PORT", address),
            },
            #[cfg(feature = "tls")]
            Opt {
                name: "tls-cert",
                help: "PEM certificate; enables TLS on all addresses. Reloaded on SIGHUP",
                field: |o| option_value::file(&mut o.tls_cert),
            },
            #[cfg(feature = "tls")]
            Opt {
                name: "tls-key",
                help: "PEM private key of that certificate",
                field: |o| option_value::file(&mut o.tls_key),
            },
            Opt {
                name: "root",
                help: "Directory of static files to serve",
                field: |o| option_value::directory(&mut o.root),
            },
            #[cfg(feature = "store")]
            Opt {
                name: "data",
                help: "Directory to persist users, chats and hospitals in; memory only without it",
                field: |o| option_value::directory(&mut o.data),
            },
            Opt {
                name: "cluster",
                help: "Redis shared by the servers of a cluster: redis://HOST:PORT/DATABASE",
                field: |o| option_value::redis(&mut o.cluster),
            },
            Opt {
                name: "cluster-lease",
                help: "Time without contact after which a server leaves the cluster; equal on all",
                field: |o| option_value::time(&mut o.cluster_lease),
            },
            Opt {
                name: "origin",
                help: "Web origin allowed besides this host; may be repeated",
                field: |o| option_value::list(&mut o.origins, "URL", origin),
            },
            Opt {
                name: "allowed-host",
                help: "Host name to accept besides localhost and IP addresses; may be repeated",
                field: |o| option_value::list(&mut o.hosts, "HOST[:PORT]", host),
            },
            Opt {
                name: "require-origin",
                help: "Reject upgrades without an Origin header",
                field: |o| option_value::switch(&mut o.require_origin),
            },
            Opt {
                name: "token-file",
                help: "File with one token per line, for all but the built-in pages. Reloaded on SIGHUP",
                field: |o| option_value::file(&mut o.token_file),
            },
            Opt {
                name: "trusted-proxy",
                help: "Proxy whose X-Forwarded-For or Forwarded is trusted; may be repeated",
                field: |o| option_value::addresses(&mut o.limits.trusted_proxies),
            },
            Opt {
                name: "log-rate",
                help: "Log lines per second about one address, info and above; 0 for no limit",
                field: |o| option_value::count(&mut o.limits.log_rate),
            },
            Opt {
                name: "log-burst",
                help: "Log lines about one address before that rate applies",
                field: |o| option_value::count(&mut o.limits.log_burst),
            },
            Opt {
                name: "log",
                help: "off, error, warn, info, debug (socket calls) or trace (frames); RUST_LOG wins",
                field: |o| option_value::level(&mut o.log),
            },
        ],
    },
    Group {
        title: "Chat",
        options: &[
            Opt {
                name: "inactive-after",
                help: "Idle time after which an ACTIVE user becomes INACTIVE; 0 for never",
                field: |o| option_value::time_or_zero(&mut o.chat.inactive_after),
            },
            Opt {
                name: "history",
                help: "Messages stored per chat",
                field: |o| option_value::count(&mut o.chat.history.messages),
            },
            Opt {
                name: "history-bytes",
                help: "Bytes stored for all chats together",
                field: |o| option_value::size(&mut o.chat.history.bytes),
            },
            Opt {
                name: "max-absent",
                help: "Known users who are not connected; past it, the earliest to leave is evicted",
                field: |o| option_value::count(&mut o.chat.max_absent),
            },
            Opt {
                name: "register-timeout",
                help: "JSON chat: time to register before the connection is closed",
                field: |o| option_value::time(&mut o.connections.register_within),
            },
            Opt {
                name: "max-register",
                help: "JSON chat: maximum size of a message before registration",
                field: |o| option_value::size(&mut o.connections.first_message),
            },
        ],
    },
    Group {
        title: "Files",
        options: &[
            Opt {
                name: "file-clients",
                help: "Files sent at the same time; further requests wait",
                field: |o| option_value::positive(&mut o.file_clients),
            },
            Opt {
                name: "min-file-rate",
                help: "Minimum average bytes per second of a download",
                field: |o| option_value::size(&mut o.limits.min_body_rate),
            },
            Opt {
                name: "file-rate-window",
                help: "Period of that average",
                field: |o| option_value::time(&mut o.limits.body_window),
            },
        ],
    },
    Group {
        title: "Connections",
        options: &[
            Opt {
                name: "max-connections",
                help: "Maximum connections; auto: what descriptors, processes and memory maps allow",
                field: |o| option_value::count_or_auto(&mut o.limits.max_connections),
            },
            Opt {
                name: "max-per-ip",
                help: "Connections from one address, loopback exempt; 0 for no limit",
                field: |o| option_value::count(&mut o.limits.max_per_ip),
            },
            Opt {
                name: "ping-every",
                help: "Idle time after which a peer is pinged; 0 for never",
                field: |o| option_value::time_or_never(&mut o.limits.ping_interval),
            },
            Opt {
                name: "dead-after",
                help: "Time to answer a ping before the connection is closed",
                field: |o| option_value::time(&mut o.limits.pong_timeout),
            },
            Opt {
                name: "close-timeout",
                help: "Time for a peer to answer a Close",
                field: |o| option_value::time(&mut o.limits.close_timeout),
            },
            Opt {
                name: "drain-time",
                help: "Period over which connections are closed on shutdown; /healthz answers 503",
                field: |o| option_value::time_or_zero(&mut o.limits.shutdown_grace),
            },
            Opt {
                name: "max-queue",
                help: "Maximum bytes queued for a slow client before it is closed",
                field: |o| option_value::size(&mut o.limits.max_send_queue),
            },
            Opt {
                name: "rate",
                help: "Messages per second read from one connection; 0 for no limit",
                field: |o| option_value::count(&mut o.limits.message_rate),
            },
            Opt {
                name: "burst",
                help: "Messages in a burst before the rate applies",
                field: |o| option_value::count(&mut o.limits.message_burst),
            },
        ],
    },
    Group {
        title: "Messages",
        options: &[
            Opt {
                name: "max-message",
                help: "Largest message, on every service",
                field: |o| {
                    option_value::sizes([
                        &mut o.connections.message.max_message,
                        &mut o.max_echo_message,
                    ])
                },
            },
            Opt {
                name: "max-echo-message",
                help: "Largest message on /echo and /inspect",
                field: |o| option_value::size(&mut o.max_echo_message),
            },
            Opt {
                name: "max-fragments",
                help: "Maximum fragments of a message",
                field: |o| option_value::positive(&mut o.connections.message.max_fragments),
            },
            Opt {
                name: "max-empty-fragments",
                help: "Maximum empty fragments in a row",
                field: |o| option_value::count(&mut o.connections.message.max_empty_run),
            },
            Opt {
                name: "message-timeout",
                help: "Time to receive a whole message",
                field: |o| option_value::time(&mut o.limits.incomplete_message),
            },
            Opt {
                name: "deflate",
                help: "Compress messages for clients that offer it, which takes more memory",
                field: |o| {
                    option_value::feature_switch(
                        &mut o.deflate,
                        "deflate",
                        cfg!(feature = "deflate"),
                    )
                },
            },
            Opt {
                name: "json-depth",
                help: "Maximum nesting of a JSON message",
                field: |o| option_value::positive(&mut o.connections.json_depth),
            },
        ],
    },
    Group {
        title: "HTTP requests",
        options: &[
            Opt {
                name: "max-request-line",
                help: "Longest request line",
                field: |o| option_value::size(&mut o.limits.head.request_line),
            },
            Opt {
                name: "max-head",
                help: "All header lines together",
                field: |o| option_value::size(&mut o.limits.head.head),
            },
            Opt {
                name: "max-headers",
                help: "Number of headers",
                field: |o| option_value::count(&mut o.limits.head.headers),
            },
            Opt {
                name: "max-body",
                help: "Body of a plain HTTP request",
                field: |o| option_value::size(&mut o.limits.max_body),
            },
            Opt {
                name: "handshake-timeout",
                help: "Time for a request to be complete",
                field: |o| option_value::time(&mut o.limits.handshake_timeout),
            },
        ],
    },
];

/// Checks the form of an address; whether it can be listened on is found out by trying.
fn address(text: &str) -> Result<String, String> {
    if cfg!(unix) && text.strip_prefix(UNIX).is_some_and(|path| !path.is_empty()) {
        return Ok(text.to_owned());
    }
    let wrong = || {
        format!(
            "'{text}' is not an address: write ADDR:PORT, as in 127.0.0.1:8080 or [::1]:0, or unix:PATH"
        )
    };
    if text.parse::<SocketAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    // A name is left to the resolver; a colon in it is an IPv6 address without its brackets.
    if host.is_empty() || host.contains([':', '/', '[', ']']) || port.parse::<u16>().is_err() {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

/// What the name of a Unix-domain socket begins with.
pub const UNIX: &str = "unix:";

/// Checks the form of an origin: a scheme and a host, perhaps a port, no path
/// ([RFC 6454, 6.2](https://www.rfc-editor.org/rfc/rfc6454#section-6.2)).
fn origin(text: &str) -> Result<String, String> {
    let trimmed = text.strip_suffix('/').unwrap_or(text);
    match trimmed.split_once("://") {
        Some((scheme, host))
            if !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '@']) =>
        {
            Ok(trimmed.to_owned())
        }
        _ => Err(format!(
            "'{text}' is not an origin: write SCHEME://HOST[:PORT], as in https://chat.example.org"
        )),
    }
}

/// Checks a name the server answers to.
fn host(text: &str) -> Result<String, String> {
    Authority::parse(text)
        .map(|_| text.to_owned())
        .map_err(|_| {
            format!("'{text}' is not a host: write HOST or HOST:PORT, as in chat.example.org")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::table::{Given, rows, settings};

    fn read(flags: &[(&'static str, &str)]) -> Result<ServeOptions, String> {
        let mut given = Given::default();
        for (name, text) in flags {
            given.add(name, (*text).to_owned());
        }
        settings(SERVE, &given, &|_| None).map(|(options, _)| options)
    }

    #[test]
    fn no_two_options_have_the_same_name() {
        let mut names: Vec<_> = rows(SERVE).map(|option| option.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_default_can_be_given_as_it_is_printed() {
        for option in rows(SERVE) {
            let default = option.default();
            if default != "none" {
                let mut options = ServeOptions::default();
                (option.field)(&mut options)
                    .set(std::slice::from_ref(&default))
                    .unwrap_or_else(|e| panic!("{}: {e}", option.name));
                assert_eq!(
                    (option.field)(&mut options).show(),
                    default,
                    "{}",
                    option.name
                );
            }
        }
    }

    #[test]
    fn an_address_given_replaces_the_default() {
        assert_eq!(
            read(&[("bind", "0.0.0.0:80"), ("bind", "[::]:80")])
                .unwrap()
                .bind,
            ["0.0.0.0:80", "[::]:80"]
        );
        assert_eq!(
            read(&[("bind", "localhost:0")]).unwrap().bind,
            ["localhost:0"]
        );
    }

    #[test]
    fn an_address_without_host_or_port_is_refused() {
        for text in [
            "8080",
            ":8080",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:99999",
            "::1:80:",
            "http://x:80",
            "::1",
        ] {
            assert!(
                read(&[("bind", text)]).unwrap_err().contains("ADDR:PORT"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_origin_has_a_scheme_and_no_path() {
        assert_eq!(
            read(&[("origin", "https://a.example/")]).unwrap().origins,
            ["https://a.example"]
        );
        for text in [
            "a.example",
            "https://",
            "https://a.example/x",
            "https://u@a.example",
            "null",
            "*",
        ] {
            assert!(
                read(&[("origin", text)])
                    .unwrap_err()
                    .contains("SCHEME://HOST"),
                "{text}"
            );
        }
    }

    #[test]
    fn max_message_holds_for_every_service_unless_echo_has_its_own() {
        let options = read(&[("max-message", "1MiB")]).unwrap();
        assert_eq!(
            (
                options.connections.message.max_message,
                options.max_echo_message
            ),
            (1 << 20, 1 << 20)
        );
        let options = read(&[("max-echo-message", "2MiB"), ("max-message", "1MiB")]).unwrap();
        assert_eq!(
            (
                options.connections.message.max_message,
                options.max_echo_message
            ),
            (1 << 20, 2 << 20)
        );
    }
}
