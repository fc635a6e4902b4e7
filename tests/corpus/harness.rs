//! Runs the inputs in `fuzz/corpus/TARGET`, and a few thousand mutations of them, always the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::mutate::Mutator;
use super::tools;

/// Checks one input; panics when something is wrong.
pub(crate) type Check = fn(&[u8]);

/// Runs every input of each target's corpus.
pub(crate) fn run_corpus(targets: &[(&'static str, Check)]) {
    for &(target, check) in targets {
        let Some(corpus) = corpus(target) else { return };
        assert!(corpus.len() >= 5, "{target} has {} inputs", corpus.len());
        run(target, check, corpus);
    }
}

/// Runs mutations of each target's corpus.
pub(crate) fn run_mutations(targets: &[(&'static str, Check)]) {
    for &(target, check) in targets {
        let Some(corpus) = corpus(target) else { return };
        let mut mutator = Mutator::new(&corpus);
        let changes = (0..MUTATIONS).map(|number| (format!("mutation {number}"), mutator.next()));
        run(target, check, changes.collect());
    }
}

/// Runs a target on a thread, so that an input that never ends can be named too.
fn run(target: &'static str, check: Check, inputs: Vec<(String, Vec<u8>)>) {
    let (tell, done) = channel();
    let worker = thread::spawn(move || {
        for (name, bytes) in inputs {
            // The receiver is gone when the test has failed.
            let _ = tell.send(format!("{target}, {name}: {}", bytes.escape_ascii()));
            check(&bytes);
        }
    });
    let mut current = String::new();
    loop {
        match done.recv_timeout(TIME_LIMIT) {
            Ok(next) => current = next,
            Err(RecvTimeoutError::Timeout) => panic!("{current} does not end"),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    assert!(worker.join().is_ok(), "{current}");
}

/// Inputs of a target with their names; `None` without the corpus, as in a published package.
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

/// Mutations of each target: a second or two.
const MUTATIONS: usize = 3_000;
/// No input takes nearly as long, even on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(10);
