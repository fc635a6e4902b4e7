//! Words, variables, help, and what a wrong word costs.

use crate::program::{End, run, run_with};

/// The end of a command that was used wrongly: status 2, nothing on standard output, one line that says why.
fn refused(end: &End) -> &str {
    assert_eq!(end.code, Some(2), "{end:?}");
    assert_eq!(end.output, "");
    let line = end.errors.strip_suffix('\n').expect("a line");
    assert!(
        !line.contains('\n') && line.starts_with("enchufe: "),
        "{end:?}"
    );
    line
}

#[test]
fn a_wrong_flag_is_status_2_and_one_line_that_helps() {
    let end = run(&["--bnid", "127.0.0.1:0"]);
    assert!(refused(&end).contains("did you mean '--bind'?"), "{end:?}");
}

#[test]
fn a_wrong_value_is_status_2_and_says_what_to_write() {
    for (words, hint) in [
        (&["--max-message", "lots"][..], "64KiB"),
        (&["--bind", "8080"], "127.0.0.1:8080"),
        (&["--log", "loud"], "debug"),
        (&["--rate"], "--rate"),
        (&["chat", "ws://127.0.0.1:1/"], "--name NAME"),
        (&["send"], "enchufe send ws://"),
        (&["dance"], "enchufe help"),
        (&["help", "dance"], "serve, chat or send"),
    ] {
        let end = run(words);
        assert!(refused(&end).contains(hint), "{end:?}");
    }
}

/// What the build leaves out is not forgotten: the line says how to get it.
#[test]
fn a_flag_of_a_feature_that_is_not_built_in_says_how_to_build_it() {
    for words in [&["--deflate"][..], &["send", "--deflate", "h:1"]] {
        if cfg!(feature = "deflate") {
            let end = run(&[words, &["--help"]].concat());
            assert!(end.output.contains("--deflate"), "{end:?}");
        } else {
            let end = run(words);
            let hint = "--deflate: not in this build; `cargo build --release --features deflate`";
            assert!(refused(&end).contains(hint), "{end:?}");
        }
    }
    assert_eq!(
        run_with(&["--print-config"], &[("ENCHUFE_DEFLATE", "no")], b"").code,
        Some(0)
    );
}

#[test]
fn control_characters_in_a_word_do_not_reach_the_terminal() {
    let end = run(&["--\x1b[2J\n"]);
    assert!(refused(&end).contains("\\x1b[2J\\n"), "{end:?}");
}

#[test]
fn help_is_on_standard_output_and_status_0() {
    for (words, part) in [
        (&["help"][..], "--max-per-ip N"),
        (&["--help"], "enchufe chat URL --name NAME"),
        (&["help", "chat"], "/help"),
        (&["send", "--help"], "--trace"),
        (&["help", "serve"], "Examples:"),
    ] {
        let end = run(words);
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""), "{words:?}");
        assert!(end.output.contains(part), "{words:?}: {}", end.output);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let end = run(&["--version"]);
    assert_eq!(
        end.output,
        concat!("enchufe ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert_eq!(end.code, Some(0));
}

#[test]
fn print_config_shows_flags_over_variables_over_defaults() {
    let variables = [("ENCHUFE_RATE", "7"), ("ENCHUFE_BURST", "8")];
    let end = run_with(&["--print-config", "--rate", "9"], &variables, b"");
    let line = |name: &str| {
        let line = end
            .output
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} in {}", end.output))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("rate"), "rate = 9 # --rate");
    assert_eq!(line("burst"), "burst = 8 # ENCHUFE_BURST");
    assert_eq!(line("max-message"), "max-message = 64KiB");
    assert_eq!(end.code, Some(0));
}

#[test]
fn a_wrong_variable_is_told_by_its_name() {
    let end = run_with(&["--print-config"], &[("ENCHUFE_MAX_HEAD", "huge")], b"");
    assert!(
        refused(&end).contains("ENCHUFE_MAX_HEAD: 'huge'"),
        "{end:?}"
    );
}
