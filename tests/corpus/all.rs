//! Nothing is fuzzed that is not replayed, and the other way round.

use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_target_is_fuzzed_and_replayed() {
    if !crate::folder().is_dir() {
        return crate::tools::skip("there is no fuzz folder here");
    }
    let replayed: BTreeSet<String> = crate::targets()
        .iter()
        .map(|(target, _)| (*target).to_owned())
        .collect();
    assert_eq!(names("targets"), replayed);
    assert_eq!(names("corpus"), replayed);
}

/// The names in a folder of `fuzz`, without their ends.
fn names(folder: &str) -> BTreeSet<String> {
    fs::read_dir(crate::folder().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into())
        .collect()
}
