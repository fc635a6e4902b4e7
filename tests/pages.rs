//! The modules of the pages without a browser: what they decide, run by Node.js.

#[path = "support/tools.rs"]
mod tools;

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_modules_of_the_pages_pass_their_tests() {
    if !tools::available("node", &["--version"]) {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages");
    let entries = fs::read_dir(&folder).expect("the folder of the tests");
    let paths = entries.map(|entry| entry.expect("its entry").path());
    let files = paths.filter(|path| path.to_string_lossy().ends_with(".test.mjs"));
    // All in one process: each of them is a moment's work.
    let script: String = files
        .map(|file| format!("await import({file:?});"))
        .collect();
    let output = Command::new("node")
        .args(["--input-type=module", "--eval", &script])
        .output()
        .expect("node starts");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
