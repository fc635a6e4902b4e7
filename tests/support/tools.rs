//! Programs from outside that a test may need.

use std::io::Write;
use std::process::Command;

/// Whether `program` answers to `args`. If not, the test is to return at once: it is skipped with a visible line, and
/// fails where everything must be there (`CI=true`).
pub(crate) fn available(program: &str, args: &[&str]) -> bool {
    let answers = Command::new(program)
        .args(args)
        .output()
        .is_ok_and(|output| output.status.success());
    if !answers {
        skip(&format!(
            "`{program} {}` does not work here",
            args.join(" ")
        ));
    }
    answers
}

/// Says why the test that returns now is skipped; fails where nothing may be.
#[track_caller]
pub(crate) fn skip(why: &str) {
    let line = format!("skipped: {why}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}");
    // Past the harness, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "{line}");
}
