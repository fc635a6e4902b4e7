//! The inputs in `fuzz/corpus`, each through the code that fuzzing runs, and a few thousand mutations of them.
//!
//! `cargo +nightly fuzz run TARGET` looks for more of them, guided by coverage: `fuzz/README.md`. Inputs that once failed
//! stay here. The parsers of the program are run by `src/bin/enchufe/tests/`.

mod assembler;
mod frame;
#[path = "../support/frames.rs"]
#[allow(dead_code)]
mod frames;
mod harness;
mod head;
#[cfg(feature = "deflate")]
mod inflate;
mod mutate;
#[path = "../support/tools.rs"]
#[allow(dead_code)]
mod tools;

#[cfg(feature = "deflate")]
use std::collections::BTreeSet;
#[cfg(feature = "deflate")]
use std::fs;
#[cfg(feature = "deflate")]
use std::path::{Path, PathBuf};

use harness::{Check, run_corpus, run_mutations};

/// Targets that the features allow.
const TARGETS: &[(&str, Check)] = &[
    ("assembler", assembler::check),
    ("frame", frame::check),
    ("head", head::check),
    #[cfg(feature = "deflate")]
    ("inflate", inflate::check),
];

/// Some parsers belong to the program: its own tests run their targets.
#[cfg(feature = "deflate")]
#[test]
fn every_target_has_a_corpus_and_is_replayed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    if !fuzz.is_dir() {
        return tools::skip("there is no fuzz directory here");
    }
    let names = |directory: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(fuzz.join(directory)).expect("a directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let stem = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into();
        paths.map(stem).collect()
    };
    let program = include_str!("../../src/bin/enchufe/tests/mod.rs");
    let of_program = program.lines().filter_map(|line| {
        let (name, check) = line.trim().strip_prefix("(\"")?.split_once('"')?;
        check.contains("::check").then(|| name.to_owned())
    });
    let own = TARGETS.iter().map(|(name, _)| (*name).to_owned());
    let replayed: BTreeSet<String> = own.chain(of_program).collect();
    assert_eq!(names("targets"), replayed);
    assert_eq!(names("corpus"), replayed);
}

#[test]
fn every_input_of_the_corpus_passes_in_time() {
    run_corpus(TARGETS);
}

#[test]
fn mutations_of_the_corpus_pass_in_time() {
    run_mutations(TARGETS);
}
