//! The settings of the server: every address and every limit, with its default and the flag that changes it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use super::options::{Group, Opt};
use super::value;

/// What `enchufe serve` is told.
#[derive(Clone, Debug)]
pub(crate) struct ServeOptions {
    pub(crate) bind: Vec<String>,
    pub(crate) root: Option<PathBuf>,
    pub(crate) origins: Vec<String>,
    pub(crate) log: LevelFilter,
    pub(crate) inactive_after: Duration,
    pub(crate) history: usize,
    pub(crate) register_timeout: Duration,
    pub(crate) max_register: usize,
    pub(crate) file_clients: usize,
    pub(crate) min_file_rate: usize,
    pub(crate) file_rate_window: Duration,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_per_ip: usize,
    pub(crate) ping_every: Duration,
    pub(crate) dead_after: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) max_queue: usize,
    pub(crate) rate: u32,
    pub(crate) burst: u32,
    pub(crate) max_message: usize,
    pub(crate) max_echo_message: usize,
    pub(crate) max_fragments: u32,
    pub(crate) max_empty_fragments: u32,
    pub(crate) message_timeout: Duration,
    pub(crate) json_depth: usize,
    pub(crate) max_request_line: usize,
    pub(crate) max_head: usize,
    pub(crate) max_headers: usize,
    pub(crate) handshake_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            bind: vec!["127.0.0.1:8080".to_owned()],
            root: None,
            origins: Vec::new(),
            log: LevelFilter::Info,
            inactive_after: Duration::from_secs(60),
            history: 1_000,
            register_timeout: Duration::from_secs(30),
            max_register: 4 << 10,
            file_clients: 10,
            min_file_rate: 1 << 10,
            file_rate_window: Duration::from_secs(30),
            max_connections: None,
            max_per_ip: 64,
            ping_every: Duration::from_secs(20),
            dead_after: Duration::from_secs(20),
            close_timeout: Duration::from_secs(5),
            max_queue: 1 << 20,
            rate: 100,
            burst: 1_000,
            max_message: 64 << 10,
            max_echo_message: 16 << 20,
            max_fragments: 131_072,
            max_empty_fragments: 1_024,
            message_timeout: Duration::from_secs(30),
            json_depth: 32,
            max_request_line: 8 << 10,
            max_head: 16 << 10,
            max_headers: 64,
            handshake_timeout: Duration::from_secs(10),
        }
    }
}

/// The options of `enchufe serve`. Rows are applied in this order, which matters once: `max-echo-message` comes after
/// `max-message`, because that one sets both.
pub(crate) static SERVE: &[Group<ServeOptions>] = &[
    Group {
        title: "Where to listen and what to serve",
        options: &[
            Opt {
                name: "bind",
                help: "Address to listen on; may be repeated. Port 0 picks a free one",
                field: |o| value::list(&mut o.bind, "ADDR:PORT", address),
            },
            Opt {
                name: "root",
                help: "Folder whose files anybody may GET",
                field: |o| value::directory(&mut o.root),
            },
            Opt {
                name: "origin",
                help: "Web page origin that may connect besides this host; may be repeated",
                field: |o| value::list(&mut o.origins, "URL", origin),
            },
            Opt {
                name: "log",
                help: "off, error, warn, info, debug (socket calls) or trace (frames); RUST_LOG wins",
                field: |o| value::level(&mut o.log),
            },
        ],
    },
    Group {
        title: "Chat",
        options: &[
            Opt {
                name: "inactive-after",
                help: "Silence that turns an ACTIVE user INACTIVE",
                field: |o| value::time(&mut o.inactive_after),
            },
            Opt {
                name: "history",
                help: "Messages kept in memory for each chat",
                field: |o| value::count(&mut o.history),
            },
            Opt {
                name: "register-timeout",
                help: "JSON chat: time to say a name before the connection is closed",
                field: |o| value::time(&mut o.register_timeout),
            },
            Opt {
                name: "max-register",
                help: "JSON chat: largest message before that",
                field: |o| value::size(&mut o.max_register),
            },
        ],
    },
    Group {
        title: "Files",
        options: &[
            Opt {
                name: "file-clients",
                help: "Files sent at the same time; further requests wait",
                field: |o| value::positive(&mut o.file_clients),
            },
            Opt {
                name: "min-file-rate",
                help: "Bytes per second a download must take, on average",
                field: |o| value::size(&mut o.min_file_rate),
            },
            Opt {
                name: "file-rate-window",
                help: "Time over which that average is taken",
                field: |o| value::time(&mut o.file_rate_window),
            },
        ],
    },
    Group {
        title: "Connections",
        options: &[
            Opt {
                name: "max-connections",
                help: "Connections at once; auto is what descriptors, processes and memory maps allow",
                field: |o| value::count_or_auto(&mut o.max_connections),
            },
            Opt {
                name: "max-per-ip",
                help: "Connections from one address; loopback is exempt",
                field: |o| value::positive(&mut o.max_per_ip),
            },
            Opt {
                name: "ping-every",
                help: "Silence after which a peer is pinged",
                field: |o| value::time(&mut o.ping_every),
            },
            Opt {
                name: "dead-after",
                help: "Further silence after which it counts as dead",
                field: |o| value::time(&mut o.dead_after),
            },
            Opt {
                name: "close-timeout",
                help: "Wait for a peer to answer our Close",
                field: |o| value::time(&mut o.close_timeout),
            },
            Opt {
                name: "max-queue",
                help: "Bytes waiting for a slow reader before it is dropped",
                field: |o| value::size(&mut o.max_queue),
            },
            Opt {
                name: "rate",
                help: "Messages per second read from one connection; 0 for no limit",
                field: |o| value::count(&mut o.rate),
            },
            Opt {
                name: "burst",
                help: "Messages it may send at once before the rate applies",
                field: |o| value::count(&mut o.burst),
            },
        ],
    },
    Group {
        title: "Messages",
        options: &[
            Opt {
                name: "max-message",
                help: "Largest message, on every service",
                field: |o| value::sizes([&mut o.max_message, &mut o.max_echo_message]),
            },
            Opt {
                name: "max-echo-message",
                help: "Largest message on /echo and /inspect",
                field: |o| value::size(&mut o.max_echo_message),
            },
            Opt {
                name: "max-fragments",
                help: "Fragments of one message",
                field: |o| value::positive(&mut o.max_fragments),
            },
            Opt {
                name: "max-empty-fragments",
                help: "Empty fragments in a row",
                field: |o| value::count(&mut o.max_empty_fragments),
            },
            Opt {
                name: "message-timeout",
                help: "Time for a message that has begun to be complete",
                field: |o| value::time(&mut o.message_timeout),
            },
            Opt {
                name: "json-depth",
                help: "Levels of nesting in a JSON message",
                field: |o| value::positive(&mut o.json_depth),
            },
        ],
    },
    Group {
        title: "HTTP requests",
        options: &[
            Opt {
                name: "max-request-line",
                help: "Longest request line",
                field: |o| value::size(&mut o.max_request_line),
            },
            Opt {
                name: "max-head",
                help: "Request line and headers together",
                field: |o| value::size(&mut o.max_head),
            },
            Opt {
                name: "max-headers",
                help: "Number of headers",
                field: |o| value::count(&mut o.max_headers),
            },
            Opt {
                name: "handshake-timeout",
                help: "Time for a request to be complete",
                field: |o| value::time(&mut o.handshake_timeout),
            },
        ],
    },
];

/// Checks the form of an address; whether it can be listened on is found out by trying.
fn address(text: &str) -> Result<String, String> {
    let wrong =
        || format!("'{text}' is not an address: write ADDR:PORT, as in 127.0.0.1:8080 or [::1]:0");
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

#[cfg(test)]
mod tests {
    use super::super::options::{self, Given, rows};
    use super::*;

    fn read(flags: &[(&'static str, &str)]) -> Result<ServeOptions, String> {
        let mut given = Given::default();
        for (name, text) in flags {
            given.add(name, (*text).to_owned());
        }
        options::settings(SERVE, &given, &|_| None).map(|(options, _)| options)
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
                    .set(&[default.clone()])
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
            (options.max_message, options.max_echo_message),
            (1 << 20, 1 << 20)
        );
        let options = read(&[("max-echo-message", "2MiB"), ("max-message", "1MiB")]).unwrap();
        assert_eq!(
            (options.max_message, options.max_echo_message),
            (1 << 20, 2 << 20)
        );
    }
}
