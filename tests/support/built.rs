//! What Cargo builds beside the tests.

use std::path::PathBuf;
use std::process::Command;

/// The executable of an example. `cargo test` has built it; `cargo test --test NAME` has not, or perhaps without the features
/// of this test, so it is built here.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it lies");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let path = profile.join("examples").join(name);
    if cfg!(feature = "deflate") || !path.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--example", name])
            .args(cfg!(feature = "deflate").then_some("--features=deflate"))
            .status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "the example {name} builds"
        );
    }
    path
}
