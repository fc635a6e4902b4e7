//! The layers of `src/lib.rs`, kept: every path that a source file names, in a `use` or in the middle of a line, goes
//! sideways or down, and sockets, threads and clocks stay in `net`.
//!
//! ```text
//! main, cli -> services -> net -> handshake -> http
//!                    \         \--> protocol
//!                     \--> store <-- cluster <-- services
//! ```

use std::fs;
use std::path::{Path, PathBuf};

/// Which layers a file of a layer may name besides its own.
const LAYERS: [(&str, &[&str]); 9] = [
    ("protocol", &[]),
    ("http", &[]),
    ("handshake", &["http"]),
    ("net", &["handshake", "http", "protocol"]),
    ("store", &[]),
    // Opt-in. Of the store it takes the form of a row.
    ("cluster", &["store"]),
    (
        "services",
        &["net", "handshake", "http", "protocol", "store", "cluster"],
    ),
    ("guide", &[]),
    (
        "cli",
        &[
            "services",
            "net",
            "handshake",
            "http",
            "protocol",
            "store",
            "cluster",
        ],
    ),
];

/// Bytes in, bytes out: no sockets, threads, clocks, files or randomness.
const SANS_IO: [&str; 3] = ["protocol", "http", "handshake"];

/// What of `std` the layers without I/O do without. Addresses are data; sockets are not.
const IO: [&str; 6] = [
    "std::net",
    "std::thread",
    "std::time",
    "std::fs",
    "std::env",
    "std::process",
];
const ADDRESSES: [&str; 6] = [
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::net::SocketAddrV4",
    "std::net::SocketAddrV6",
];

/// The packages of the library itself; every other one belongs to a service or to the command line.
const PACKAGES: [&str; 3] = ["sha1", "base64", "log"];

/// Packages behind a feature, or behind `--cfg model`, each in the one place that knows it.
const OPTIONAL: [(&str, &str); 6] = [
    ("flate2", "protocol/deflate/"),
    ("rustls", "net/tls/"),
    ("rustls_native_certs", "net/tls/"),
    ("shuttle", "net/model/"),
    ("shuttle", "net/sync.rs"),
    ("simdutf8", "protocol/utf8.rs"),
];

/// State that knows neither bytes nor sockets nor threads.
const PURE_STATE: [&str; 5] = [
    "services/chat/state.rs",
    "services/chat/rules.rs",
    "services/chat/presence.rs",
    "services/hospital/state.rs",
    "services/hospital/rules.rs",
];

/// Lines at which a file should be looked at, and at which it has to be split.
const LONG: usize = 400;
const TOO_LONG: usize = 800;

#[test]
fn no_file_names_a_layer_above_its_own() {
    assert_none(upward);
}

#[test]
fn sockets_and_threads_are_in_net_alone_and_clocks_not_below_it() {
    assert_none(stray_io);
}

#[test]
fn the_library_itself_needs_three_packages() {
    assert_none(foreign_packages);
}

#[test]
fn the_state_of_the_services_knows_no_bytes_and_no_threads() {
    for file in PURE_STATE {
        let found = sources().iter().any(|(path, _)| path == file);
        assert!(found, "{file} is not where it was");
    }
    assert_none(impure_state);
}

#[test]
fn json_is_read_in_one_place() {
    assert_none(other_json_parsers);
}

#[test]
fn a_file_can_be_read_in_one_sitting() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= TOO_LONG, "{path} has {lines} lines: split it");
        if lines > LONG {
            println!("{path} has {lines} lines: think of a split");
        }
    }
}

#[test]
fn an_upward_path_is_found_however_it_is_written() {
    for (path, source) in [
        ("protocol/mask.rs", "use crate::http::Headers;"),
        ("protocol/mask.rs", "use super::super::http::Headers;"),
        ("protocol/mod.rs", "use super::handshake;"),
        (
            "http/request.rs",
            "use crate::{\n    protocol::{Role, State},\n};",
        ),
        (
            "http/request.rs",
            "fn f() {\n    crate::net::connect(\"\");\n}",
        ),
        (
            "handshake/server.rs",
            "mod tests {\n    use super::super::super::net;\n}",
        ),
        ("handshake/server.rs", "use crate::Server;"),
        ("net/room.rs", "pub(crate) use crate::services::Router;"),
        (
            "net/room.rs",
            "fn f(_: &'static str) -> crate::services::Router { todo!() }",
        ),
        ("services/echo.rs", "use crate::cli::serve;"),
        ("metrics/mod.rs", "use crate::http::Response;"),
    ] {
        assert!(!upward(path, source).is_empty(), "{path}: {source}");
    }
}

#[test]
fn what_goes_down_or_sideways_or_is_no_code_is_not_found() {
    for (path, source) in [
        ("net/room.rs", "use crate::protocol::{Role, State};"),
        ("net/room.rs", "use super::websocket::Sender;"),
        (
            "net/room.rs",
            "mod tests {\n    use super::super::Error;\n}",
        ),
        (
            "protocol/mask.rs",
            "//! See crate::net::Room.\nuse super::Role;",
        ),
        (
            "protocol/mask.rs",
            "/* crate::net */ fn f(it: &'static str) {}",
        ),
        (
            "protocol/mask.rs",
            "const A: &str = \"crate::net \\\" crate::net\";",
        ),
        ("protocol/mask.rs", "const A: &str = r#\"\" crate::net\"#;"),
        ("protocol/mask.rs", "const A: char = '\"'; use super::Role;"),
        ("services/chat/mod.rs", "pub(super) use self::state::State;"),
        (
            "lib.rs",
            "pub use net::Server; use crate::services::Router;",
        ),
    ] {
        assert_eq!(upward(path, source), [""; 0], "{path}: {source}");
    }
}

#[test]
fn stray_sockets_threads_clocks_and_packages_are_found() {
    for (path, source) in [
        ("protocol/mask.rs", "use std::net::TcpStream;"),
        ("http/mod.rs", "use std::{fmt, thread};"),
        (
            "handshake/server.rs",
            "fn f() { std::time::Instant::now(); }",
        ),
        (
            "services/echo.rs",
            "use std::net::{SocketAddr, TcpListener};",
        ),
        ("services/echo.rs", "fn f() { std::thread::sleep(it); }"),
        ("http/mod.rs", "use core::time::Duration;"),
    ] {
        assert!(!stray_io(path, source).is_empty(), "{path}: {source}");
    }
    for (path, source) in [
        (
            "net/server.rs",
            "use std::net::TcpListener; use std::thread;",
        ),
        ("http/authority.rs", "use std::net::{Ipv4Addr, Ipv6Addr};"),
        (
            "services/echo.rs",
            "use std::time::Instant; use std::net::SocketAddr;",
        ),
        (
            "services/echo.rs",
            "#[cfg(test)]\nmod tests { use std::thread; }",
        ),
        ("cli/send.rs", "use std::thread;"),
    ] {
        assert_eq!(stray_io(path, source), [""; 0], "{path}: {source}");
    }
    assert_eq!(
        foreign_packages("net/room.rs", "use serde_json::Value;"),
        ["net/room.rs: serde_json::Value"]
    );
    let inflate = "use flate2::Decompress;";
    assert_eq!(
        foreign_packages("protocol/deflate/mod.rs", inflate),
        [""; 0]
    );
    assert_eq!(foreign_packages("protocol/receiver.rs", inflate).len(), 1);
    assert_eq!(
        foreign_packages("http/mod.rs", "mod lines; use lines::Lines; use Role::*;"),
        [""; 0]
    );
    assert_eq!(
        impure_state("services/chat/state.rs", "use crate::net::Room;").len(),
        1
    );
    let parses = "fn f(it: &str) { serde_json::from_str(it) }";
    assert_eq!(other_json_parsers("services/echo.rs", parses).len(), 1);
}

/// Paths into layers that the file's own layer must not know, and into the crate's root, which names them all.
fn upward(path: &str, source: &str) -> Vec<String> {
    let Some(layer) = layer_of(path) else {
        return Vec::new(); // lib.rs and main.rs name everything
    };
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{path}: the layer {layer} is in no table")];
    };
    let allowed = |name: &str| name == layer || below.contains(&name);
    paths(path, source)
        .into_iter()
        .filter(|named| {
            named
                .strip_prefix("crate::")
                .is_some_and(|rest| !allowed(rest.split("::").next().unwrap_or_default()))
        })
        .map(|named| format!("{path}: {named}"))
        .collect()
}

/// Sockets and threads outside `net` and the command line; clocks and files too where there is no I/O at all.
fn stray_io(path: &str, source: &str) -> Vec<String> {
    let banned = match layer_of(path) {
        Some(layer) if SANS_IO.contains(&layer) => &IO[..],
        Some("services") => &IO[..2],
        _ => return Vec::new(),
    };
    // Tests at the bottom of a file may use a thread, for instance one with a small stack.
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    paths(path, code)
        .into_iter()
        .filter(|named| banned.iter().any(|it| is_within(named, it)))
        .filter(|named| !ADDRESSES.iter().any(|it| is_within(named, it)))
        .map(|named| format!("{path}: {named}"))
        .collect()
}

/// `use` of a package that the library itself does not have.
fn foreign_packages(path: &str, source: &str) -> Vec<String> {
    if !matches!(
        layer_of(path),
        Some("protocol" | "http" | "handshake" | "net")
    ) {
        return Vec::new();
    }
    let code = code_of(source);
    paths(path, source)
        .into_iter()
        .filter(|named| {
            let first = named.split("::").next().unwrap_or_default();
            let local = first.starts_with(|it: char| it.is_ascii_uppercase())
                || code.contains(&format!("mod {first};"))
                || named == first;
            let at_home = OPTIONAL
                .iter()
                .any(|(name, home)| *name == first && path.starts_with(home));
            !local && !at_home && !["std", "crate"].contains(&first) && !PACKAGES.contains(&first)
        })
        .map(|named| format!("{path}: {named}"))
        .collect()
}

fn impure_state(path: &str, source: &str) -> Vec<String> {
    if !PURE_STATE.contains(&path) {
        return Vec::new();
    }
    let banned = [
        "crate::net",
        "crate::http",
        "crate::handshake",
        "crate::protocol",
        "std::thread",
        "std::net",
        "std::io",
    ];
    paths(path, source)
        .into_iter()
        .filter(|named| banned.iter().any(|it| is_within(named, it)))
        .map(|named| format!("{path}: {named}"))
        .collect()
}

/// Parsing of JSON outside the one module that knows what to refuse.
fn other_json_parsers(path: &str, source: &str) -> Vec<String> {
    if path.starts_with("services/json/") {
        return Vec::new();
    }
    let code = code_of(source.split("#[cfg(test)]").next().unwrap_or_default());
    let parsers = ["from_str", "from_slice", "from_reader", "Deserializer"];
    parsers
        .into_iter()
        .filter(|name| code.contains(&format!("serde_json::{name}")))
        .map(|name| format!("{path}: serde_json::{name}"))
        .collect()
}

fn is_within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The folder under `src/`; `None` for the files that lie in it directly.
fn layer_of(path: &str) -> Option<&str> {
    path.split_once('/').map(|(layer, _)| layer)
}

/// Every path in `use` declarations, and every one that begins with `crate`, `super`, `self` or `std` anywhere else;
/// `super` and `self` are resolved to where they lead from the crate's root.
fn paths(path: &str, source: &str) -> Vec<String> {
    let code = code_of(source);
    let tokens = tokens(&code);
    let mut module = module_of(path);
    let mut blocks = Vec::new();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&token) = tokens.get(at) {
        at += 1;
        match token {
            "{" => {
                let inner = at >= 3 && tokens[at - 3] == "mod";
                if inner {
                    module.push(tokens[at - 2].to_owned());
                }
                blocks.push(inner);
            }
            "}" => {
                let inner = blocks.pop() == Some(true);
                module.truncate(module.len() - usize::from(inner));
            }
            "use" => expand(&tokens, &mut at, Vec::new(), &module, &mut found),
            "crate" | "super" | "self" | "std" | "core" if tokens.get(at) == Some(&"::") => {
                at -= 1;
                expand(&tokens, &mut at, Vec::new(), &module, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// Reads one path from `at` on, a braced group as one path for each member.
fn expand(
    tokens: &[&str],
    at: &mut usize,
    mut prefix: Vec<String>,
    module: &[String],
    found: &mut Vec<String>,
) {
    while let Some(&token) = tokens.get(*at) {
        *at += 1;
        match token {
            "{" => {
                while tokens.get(*at).is_some_and(|token| *token != "}") {
                    expand(tokens, at, prefix.clone(), module, found);
                    if tokens.get(*at) == Some(&",") {
                        *at += 1;
                    }
                }
                *at += 1;
                return;
            }
            "core" | "alloc" if prefix.is_empty() => prefix.push("std".to_owned()),
            "super" => {
                if prefix.is_empty() {
                    prefix = module.to_vec();
                }
                prefix.pop();
            }
            "self" if prefix.is_empty() => prefix = module.to_vec(),
            name => prefix.push(name.to_owned()),
        }
        if tokens.get(*at) != Some(&"::") {
            break;
        }
        *at += 1;
    }
    found.push(prefix.join("::"));
    if tokens.get(*at) == Some(&"as") {
        *at += 2;
    }
}

/// `net/room.rs` is `crate::net::room`, `net/mod.rs` is `crate::net`.
fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let names = stem
        .split('/')
        .filter(|name| !["mod", "lib", "main"].contains(name));
    std::iter::once("crate")
        .chain(names)
        .map(str::to_owned)
        .collect()
}

fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ':' if rest.starts_with("::") => 2,
            it if it.is_alphanumeric() || it == '_' => rest
                .find(|it: char| !(it.is_alphanumeric() || it == '_'))
                .unwrap_or(rest.len()),
            it => it.len_utf8(),
        };
        let (token, left) = rest.split_at(length);
        tokens.push(token);
        rest = left.trim_start();
    }
    tokens
}

/// The source without comments and without what is inside of strings.
fn code_of(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n')
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|end| end + 2)
        } else if first == '"' {
            Some(1 + end_of_quoted(&rest[1..], '"'))
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            let hashes = rest[1..].find(|it| it != '#').unwrap_or(0);
            let end = format!("\"{}", "#".repeat(hashes));
            let open = 2 + hashes;
            rest.get(open..)
                .and_then(|body| body.find(&end))
                .map(|at| open + at + end.len())
        } else if first == '\'' && is_character(rest) {
            Some(1 + end_of_quoted(&rest[1..], '\''))
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[skipped.unwrap_or(rest.len())..];
    }
    code
}

/// A character in quotes, and no lifetime.
fn is_character(text: &str) -> bool {
    let mut characters = text.chars().skip(1);
    characters.next() == Some('\\') || characters.next() == Some('\'')
}

/// Where what is quoted ends, its last quote included.
fn end_of_quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, it) in body.char_indices() {
        match it {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            it if it == quote => return at + it.len_utf8(),
            _ => {}
        }
    }
    body.len()
}

#[track_caller]
fn assert_none(check: impl Fn(&str, &str) -> Vec<String>) {
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|(path, source)| check(path, source))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Every Rust file under `src/`: its path from there, and its text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("a file of sources").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 20, "the sources are not where they were");
    files.sort();
    files
        .iter()
        .map(|file| {
            let path = file.strip_prefix(&root).expect("a path below the root");
            let name = path.to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(file).expect("a readable source"))
        })
        .collect()
}
