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
        let line = format!("skipped: `{program} {}` does not work here", args.join(" "));
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}");
        // Past the harness, which hides what a passing test prints.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    answers
}
