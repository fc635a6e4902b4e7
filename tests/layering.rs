//! The structure of `src/`: layers, directories, and no circle among files. `ARCHITECTURE.md` says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Roots of the two crates, below `src/`.
const PROGRAM: &str = "bin/enchufe/";

/// Files a directory may hold.
const MAX_FILES: usize = 15;

/// Directories a path may have below its crate root.
const MAX_DEPTH: usize = 3;

/// Lines a file may have.
const MAX_LINES: usize = 800;

/// Layers of the library, and the layers that each may import.
const LAYERS: [(&str, &[&str]); 5] = [
    ("protocol", &[]),
    ("http", &[]),
    ("handshake", &["http"]),
    ("net", &["handshake", "http", "protocol", "log_targets"]),
    ("guide", &[]),
];

/// Parts of `std` that `protocol`, `http` and `handshake` do without: bytes in, bytes out.
const IO: [&str; 6] = [
    "std::net::Tcp",
    "std::net::Udp",
    "std::thread",
    "std::time",
    "std::fs",
    "std::env",
];

/// Packages of the library, and the directory that an optional one belongs to.
const PACKAGES: [(&str, &str); 9] = [
    ("sha1", "handshake/accept_key.rs"),
    ("base64", ""),
    ("log", ""),
    ("flate2", "protocol/deflate/"),
    ("rustls", "net/tls/"),
    ("rustls_native_certs", "net/tls/"),
    ("simdutf8", "protocol/utf8.rs"),
    ("shuttle", "net/"),
    ("enchufe", PROGRAM),
];

/// State of the services: no bytes, sockets or threads.
const PURE: [&str; 4] = [
    "bin/enchufe/chat/domain/state.rs",
    "bin/enchufe/chat/domain/presence.rs",
    "bin/enchufe/chat/domain/history.rs",
    "bin/enchufe/hospital/state.rs",
];

#[test]
fn a_directory_has_at_most_15_files() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for path in files("") {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        *counts.entry(directory.to_owned()).or_default() += 1;
    }
    assert!(counts.len() > 10, "the sources are not where they were");
    let crowded: Vec<_> = counts.iter().filter(|(_, n)| **n > MAX_FILES).collect();
    assert!(crowded.is_empty(), "{crowded:?}");
}

#[test]
fn a_file_is_at_most_three_directories_below_its_crate_root() {
    for path in files("") {
        let below = path.strip_prefix(PROGRAM).unwrap_or(&path);
        assert!(below.matches('/').count() <= MAX_DEPTH, "{path}");
    }
}

#[test]
fn a_file_can_be_read_in_one_sitting() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= MAX_LINES, "{path} has {lines} lines: split it");
    }
}

#[test]
fn no_two_files_import_each_other_directly_or_through_others() {
    let circles = circles(&imports());
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found() {
    let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")];
    let mut graph = Graph::new();
    for (from, to) in edges {
        graph.entry(from.into()).or_default().insert(to.into());
    }
    let expected: BTreeSet<String> = ["a", "b", "c"].map(String::from).into();
    assert_eq!(circles(&graph), [expected]);
}

#[test]
fn a_sibling_is_imported_by_its_own_path() {
    for (path, source) in sources() {
        let relative = code(&source).find(|line| line.contains("super::"));
        let exempt = path.contains("/tests/") || path.contains("/model/");
        assert!(exempt || relative.is_none(), "{path}: {relative:?}");
    }
}

#[test]
fn a_layer_imports_only_layers_below_it() {
    for (path, source) in sources() {
        let Some((layer, below)) = LAYERS.iter().find(|(layer, _)| path.starts_with(layer)) else {
            continue;
        };
        for import in code(&source).flat_map(crate_paths) {
            let first = import.split("::").next().unwrap_or_default();
            let allowed = first == *layer || below.contains(&first);
            assert!(allowed, "{path} imports {import}");
        }
    }
}

#[test]
fn the_layers_without_io_use_no_sockets_threads_clocks_or_files() {
    for (path, source) in sources() {
        if !["protocol/", "http/", "handshake/"]
            .iter()
            .any(|it| path.starts_with(it))
        {
            continue;
        }
        for line in code(&source) {
            assert!(!IO.iter().any(|io| line.contains(io)), "{path}: {line}");
        }
    }
}

#[test]
fn the_library_uses_its_own_packages_only() {
    for (path, source) in sources() {
        if path.starts_with(PROGRAM) {
            continue;
        }
        for line in code(&source) {
            let Some(import) = line.trim().strip_prefix("use ") else {
                continue;
            };
            let package = import.split([':', ';', ' ']).next().unwrap_or_default();
            let local = ["std", "core", "crate", "self", "super", "{"].contains(&package)
                || package.starts_with(char::is_uppercase);
            let home = PACKAGES.iter().find(|(name, _)| *name == package);
            let at_home = home.is_some_and(|(_, home)| path.starts_with(home));
            assert!(local || at_home, "{path}: {line}");
        }
    }
}

#[test]
fn the_state_of_the_services_knows_no_bytes_and_no_threads() {
    for path in PURE {
        let source = read(path);
        for line in code(&source) {
            let banned = ["enchufe::", "std::thread", "std::net", "std::io"];
            assert!(!banned.iter().any(|it| line.contains(it)), "{path}: {line}");
        }
    }
}

#[test]
fn json_is_parsed_in_one_place() {
    for (path, source) in sources() {
        if path.starts_with("bin/enchufe/json/") || path.contains("/tests/") {
            continue;
        }
        for line in code(&source) {
            let parses = ["from_str", "from_slice", "from_reader", "Deserializer"];
            let parses = parses
                .iter()
                .any(|it| line.contains(&format!("serde_json::{it}")));
            assert!(!parses, "{path}: {line}");
        }
    }
}

/// Files by path, and the files that each imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Imports of both crates. A `mod.rs` imports what it re-exports.
fn imports() -> Graph {
    let sources = sources();
    let mut graph = Graph::new();
    for (path, source) in &sources {
        let root = if path.starts_with(PROGRAM) {
            PROGRAM
        } else {
            ""
        };
        if path
            .strip_prefix(root)
            .is_some_and(|it| ["lib.rs", "main.rs"].contains(&it))
        {
            continue;
        }
        let targets = graph.entry(path.clone()).or_default();
        for line in code(source) {
            for import in crate_paths(line) {
                targets.extend(file_of(root, &import, &sources));
            }
            if path.ends_with("mod.rs")
                && let Some(import) = line.trim().strip_prefix("pub use ")
            {
                let directory = path.trim_end_matches("mod.rs").trim_start_matches(root);
                let import = format!("{}{import}", directory.replace('/', "::"));
                targets.extend(file_of(root, &import, &sources));
            }
        }
        targets.remove(path);
    }
    graph
}

/// The file that a path from a crate root leads into: the longest prefix that is one.
fn file_of(root: &str, import: &str, sources: &BTreeMap<String, String>) -> Option<String> {
    let names: Vec<&str> = import.split("::").collect();
    (1..=names.len()).rev().find_map(|count| {
        let stem = format!("{root}{}", names[..count].join("/"));
        [format!("{stem}.rs"), format!("{stem}/mod.rs")]
            .into_iter()
            .find(|file| sources.contains_key(file))
    })
}

/// Every path after `crate::` in a line, groups expanded.
fn crate_paths(line: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let is_name = |it: char| it.is_alphanumeric() || it == '_' || it == ':';
        let end = rest.find(|it| !is_name(it)).unwrap_or(rest.len());
        let (prefix, rest) = rest.split_at(end);
        match rest.strip_prefix('{').and_then(|it| it.split_once('}')) {
            Some((group, _)) => {
                paths.extend(group.split(',').map(|it| format!("{prefix}{}", it.trim())));
            }
            None => paths.push(prefix.to_owned()),
        }
    }
    paths
}

/// Groups of files each of which leads to every other of its group.
fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reach: Graph = graph
        .keys()
        .map(|file| (file.clone(), reachable(graph, file)))
        .collect();
    let mut circles: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for (file, others) in reach.iter().filter(|(file, others)| others.contains(*file)) {
        let back = |other: &&String| reach.get(*other).is_some_and(|it| it.contains(file));
        circles.insert(others.iter().filter(back).cloned().collect());
    }
    circles.into_iter().collect()
}

fn reachable(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(file) = open.pop() {
        for next in graph.get(&file).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}

/// Lines of code before the tests of a file, with each `use` joined into one line.
fn code(source: &str) -> impl Iterator<Item = &str> {
    let code = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    statements(code).filter(|line| !line.trim_start().starts_with("//"))
}

/// Splits at line ends, but not within the braces of a `use`.
fn statements(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = code;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let head = rest.trim_start();
        let is_use = ["use ", "pub use ", "pub(crate) use "]
            .iter()
            .any(|it| head.starts_with(it));
        let end = rest
            .find(if is_use { ';' } else { '\n' })
            .map_or(rest.len(), |at| at + 1);
        let (line, left) = rest.split_at(end);
        rest = left;
        Some(line)
    })
}

/// Rust sources below `src/`, by path.
fn sources() -> BTreeMap<String, String> {
    let rust = files("").into_iter().filter(|path| path.ends_with(".rs"));
    rust.map(|path| (path.clone(), read(&path))).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files below a directory of `src/`.
fn files(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(directory)).expect("a directory");
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.expect("a directory entry");
        let path = format!("{directory}{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("a file type").is_dir() {
            found.extend(files(&format!("{path}/")));
        } else {
            found.push(path);
        }
    }
    found
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
