//! What the pages in `src/guide/` and the map in `src/lib.rs` say is still so: every file they link is there, every function
//! they name is in the file named before it, and the bytes of the tour are the bytes of the server.

#[cfg(all(unix, feature = "cli"))]
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
#[cfg(all(unix, feature = "cli"))]
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

#[test]
fn every_link_of_a_page_leads_somewhere() {
    for page in pages() {
        let text = read(&page);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap_or(target);
            let path = page.parent().expect("a page is in a folder").join(file);
            assert!(path.exists(), "{} links {target}", page.display());
        }
    }
}

#[test]
fn every_function_that_the_tour_names_is_in_the_file_named_before_it() {
    let text = read(&root().join("src/guide/tour.md"));
    let (mut file, mut source, mut functions) = ("", String::new(), 0);
    // Code spans are the odd pieces between backticks; drawings are in fences, whose pieces hold line breaks.
    for span in text.split('`').filter(|span| !span.contains('\n')) {
        if span.ends_with(".rs") {
            file = span;
            source = read(&root().join("src").join(span));
        } else if let Some(function) = span.strip_suffix("()") {
            let name = function.rsplit("::").next().unwrap_or(function);
            let defined = [format!("fn {name}("), format!("fn {name}<")];
            assert!(
                defined.iter().any(|definition| source.contains(definition)),
                "the tour says that {function} is in {file}"
            );
            if let Some((owner, _)) = function.split_once("::") {
                assert!(
                    source.contains(owner),
                    "the tour says that {owner} is in {file}"
                );
            }
            functions += 1;
        }
    }
    assert!(
        functions > 40,
        "only {functions} functions found: are they still written so?"
    );
}

#[test]
fn every_file_in_the_map_of_the_crate_is_there() {
    let text = read(&root().join("src/lib.rs"));
    let table = text.lines().filter(|line| line.starts_with("//! |"));
    let files: Vec<&str> = table
        .flat_map(|row| row.split('`'))
        .filter(|span| span.ends_with(".rs"))
        .collect();
    assert!(files.len() > 25, "{files:?}");
    for file in files {
        assert!(
            root().join("src").join(file).exists(),
            "the map names {file}"
        );
    }
}

#[cfg(all(unix, feature = "cli"))]
#[test]
fn the_bytes_of_the_tour_are_what_goes_over_the_wire() {
    let tour = read(&root().join("src/guide/tour.md"));
    let says = "82 88 37 fa 21 3d 33 fb 5f 39 5f 95 4d 5c";
    let hears = "82 0a 37 03 41 6e 61 04 68 6f 6c 61";
    assert!(tour.contains(&format!("\n{says}\n")) && tour.contains(&format!("\n{hears}\n")));

    let server = support::server_process::ServerProcess::start_with(&[], &[]);
    let mut ana = TcpStream::connect(server.addr).expect("it listens");
    ana.set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout above zero");
    let request = "GET /?name=Ana HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    ana.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        ana.read_exact(&mut byte).expect("it answers");
        answer.extend(byte);
    }
    ana.write_all(&bytes(says)).expect("it reads");
    let mut heard = bytes(hears);
    heard.fill(0);
    ana.read_exact(&mut heard).expect("it answers");
    assert_eq!(heard, bytes(hears));
    drop(ana);
    server.stop();
}

/// The pages that are written in Markdown.
fn pages() -> Vec<PathBuf> {
    let folders = [root().to_owned(), root().join("src/guide")];
    let entries = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let pages: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    assert!(!pages.is_empty());
    pages
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[cfg(all(unix, feature = "cli"))]
fn bytes(hex: &str) -> Vec<u8> {
    let bytes = hex.split(' ').map(|byte| u8::from_str_radix(byte, 16));
    bytes.collect::<Result<_, _>>().expect("hexadecimal")
}
