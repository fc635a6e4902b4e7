//! The parsers of the program on the inputs in `fuzz/corpus`, and on mutations of them.

mod binary;
#[path = "../../../../tests/corpus/harness.rs"]
mod harness;
mod hub;
mod json;
#[path = "../../../../tests/corpus/mutate.rs"]
mod mutate;
mod path;
pub mod random;
#[path = "../../../../tests/support/tools.rs"]
#[allow(dead_code)]
mod tools;

use harness::{Check, run_corpus, run_mutations};

const TARGETS: &[(&str, Check)] = &[
    ("binary", binary::check),
    ("hub", hub::check),
    ("json", json::check),
    ("path", path::check),
];

#[test]
fn every_input_of_the_corpus_passes_in_time() {
    run_corpus(TARGETS);
}

#[test]
fn mutations_of_the_corpus_pass_in_time() {
    run_mutations(TARGETS);
}
