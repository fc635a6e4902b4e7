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

use harness::{Check, run_corpus, run_mutations};

/// Targets that the features allow.
const TARGETS: &[(&str, Check)] = &[
    ("assembler", assembler::check),
    ("frame", frame::check),
    ("head", head::check),
    #[cfg(feature = "deflate")]
    ("inflate", inflate::check),
];

#[test]
fn every_input_of_the_corpus_passes_in_time() {
    run_corpus(TARGETS);
}

#[test]
fn mutations_of_the_corpus_pass_in_time() {
    run_mutations(TARGETS);
}
