//! The inputs in `fuzz/corpus`, each through the code that fuzzing runs, and a few thousand changes of them, always the same.
//!
//! `cargo +nightly fuzz run TARGET` looks for more of them, guided by what they reach: `fuzz/README.md`. What it found to be
//! wrong stays here.

#[cfg(all(feature = "files", feature = "json", feature = "deflate"))]
mod all;

mod assembler;
mod binary;
mod frame;
#[path = "../support/frames.rs"]
#[allow(dead_code)]
mod frames;
mod head;
#[cfg(feature = "json")]
mod hub;
#[cfg(feature = "deflate")]
mod inflate;
#[cfg(feature = "json")]
mod json;
mod mutate;
#[cfg(feature = "files")]
mod path;
#[path = "../support/tools.rs"]
#[allow(dead_code)]
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use mutate::Mutator;

/// What a target does with an input; it panics when something is wrong.
type Check = fn(&[u8]);

/// The targets that the features allow.
fn targets() -> Vec<(&'static str, Check)> {
    vec![
        ("assembler", assembler::check),
        ("binary", binary::check),
        ("frame", frame::check),
        ("head", head::check),
        #[cfg(feature = "json")]
        ("hub", hub::check),
        #[cfg(feature = "deflate")]
        ("inflate", inflate::check),
        #[cfg(feature = "json")]
        ("json", json::check),
        #[cfg(feature = "files")]
        ("path", path::check),
    ]
}

#[test]
fn every_input_of_the_corpus_does_what_it_should_in_time() {
    for (target, check) in targets() {
        let Some(corpus) = corpus(target) else { return };
        assert!(corpus.len() >= 5, "{target} has {} inputs", corpus.len());
        run(target, check, corpus);
    }
}

#[test]
fn changes_of_the_corpus_do_what_they_should_in_time() {
    for (target, check) in targets() {
        let Some(corpus) = corpus(target) else { return };
        let mut mutator = Mutator::new(&corpus);
        let changes = (0..CHANGES).map(|number| (format!("change {number}"), mutator.next()));
        run(target, check, changes.collect());
    }
}

/// Runs a target on a thread, so that an input without an end can be named too.
fn run(target: &'static str, check: Check, inputs: Vec<(String, Vec<u8>)>) {
    let (tell, done) = channel();
    let worker = thread::spawn(move || {
        for (name, octets) in inputs {
            // Nobody listens any more when the test has failed.
            let _ = tell.send(format!("{target}, {name}: {}", octets.escape_ascii()));
            check(&octets);
        }
    });
    let mut current = String::new();
    loop {
        match done.recv_timeout(PATIENCE) {
            Ok(next) => current = next,
            Err(RecvTimeoutError::Timeout) => panic!("no end of {current}"),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    assert!(worker.join().is_ok(), "{current}");
}

/// The inputs of a target with their names; `None` where they do not lie beside the tests, as in a published package.
fn corpus(target: &str) -> Option<Vec<(String, Vec<u8>)>> {
    if !folder().is_dir() {
        tools::skip("there is no fuzz/corpus here");
        return None;
    }
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("corpus").join(target))
        .unwrap_or_else(|error| panic!("the corpus of {target}: {error}"))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        (name.into_owned(), fs::read(&path).expect("an input"))
    };
    Some(files.into_iter().map(read).collect())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// How many changes each target gets: a second or two of them.
const CHANGES: usize = 3_000;
/// No input takes nearly as long, on a machine with other work to do neither.
const PATIENCE: Duration = Duration::from_secs(10);
