//! Directories that cannot be used: one line that says why and what to do, and status 1.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::guest::Guest;
use crate::server::{Folder, command, fails};
use crate::tools::available;

#[test]
fn a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let folder = Folder::new();
    let server = folder.start(&[]);
    let end = fails(folder.command(&[]));
    assert_eq!(end.code, Some(1));
    assert_eq!(end.errors.lines().count(), 1, "{end:?}");
    assert!(end.errors.contains("in use by another process"), "{end:?}");
    assert!(end.errors.contains(folder.text()), "{end:?}");
    let mut ana = Guest::new(&server, "ana");
    ana.broadcasts("sigo aquí");
    ana.hears_a("broadcast");
}

#[test]
fn a_damaged_file_is_refused_with_what_to_do() {
    let folder = Folder::new();
    let server = folder.start(&[]);
    let mut ana = Guest::new(&server, "ana");
    for number in 0..50 {
        ana.broadcasts(&format!("{number:0500}"));
        ana.hears_a("broadcast");
    }
    server.stop();
    let whole = fs::read(folder.file()).unwrap();
    let zeroed = [&whole[..4_096], &vec![0; whole.len() - 4_096]].concat();
    let other = b"{\"this\": \"is something else\"}".repeat(1_000);
    for bytes in [&whole[..whole.len() / 2], &zeroed, &other] {
        fs::write(folder.file(), bytes).unwrap();
        let end = fails(folder.command(&[]));
        assert_eq!(end.code, Some(1), "{end:?}");
        assert_eq!(end.errors.lines().count(), 1, "{end:?}");
        assert!(
            end.errors.contains("enchufe.redb: it is damaged"),
            "{end:?}"
        );
        assert!(end.errors.contains("move it away"), "{end:?}");
        assert_eq!(fs::read(folder.file()).unwrap(), bytes, "it is left alone");
    }
    fs::write(folder.file(), whole).unwrap();
    let server = folder.start(&[]);
    assert_eq!(Guest::new(&server, "bo").history(None).len(), 50);
}

#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    let folder = Folder::new();
    fs::write(folder.path().join("file"), b"").unwrap();
    let place = folder.path().join("file/data");
    let end = fails(command(&["--data", place.to_str().unwrap()]));
    assert_eq!((end.code, end.errors.lines().count()), (Some(1), 1));
    assert!(end.errors.contains("cannot store history in"), "{end:?}");
    assert!(end.errors.contains("file/data"), "{end:?}");
}

/// For the administrator every directory can be written to, so the server is run as somebody else then.
#[test]
fn a_folder_that_is_read_only_is_refused() {
    let folder = Folder::new();
    let with_file = Folder::new();
    with_file.start(&[]).stop();
    let bin = Folder::new();
    for folder in [&folder, &with_file] {
        if folder.file().exists() {
            fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o444)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let mut server = folder.command(&[]);
        if is_administrator() {
            let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
            // Where it was built is perhaps for the administrator's eyes only.
            let program = bin.path().join("enchufe");
            fs::copy(env!("CARGO_BIN_EXE_enchufe"), &program).unwrap();
            let program = program.to_str().unwrap();
            if !available("setpriv", &[&nobody[..], &[program, "--version"]].concat()) {
                return;
            }
            let mut other = Command::new("setpriv");
            other.args(nobody).arg(program).args(server.get_args());
            server = other;
        }
        let end = fails(server);
        assert_eq!((end.code, end.errors.lines().count()), (Some(1), 1));
        assert!(end.errors.contains("ermission denied"), "{end:?}");
        assert!(end.errors.contains("a writable directory"), "{end:?}");
    }
}

fn is_administrator() -> bool {
    let id = Command::new("id")
        .arg("-u")
        .output()
        .expect("id can be run");
    id.stdout == b"0\n"
}
