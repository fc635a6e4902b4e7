//! Nothing outside the directory is ever read, and inside of it only plain files that are meant to be seen.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::site::{SECRET, Site};

/// 400 or 404, and not a word of the secret.
#[track_caller]
fn is_refused(site: &Site, path: &str) {
    let reply = site.get(path, "");
    assert!(
        [400, 404].contains(&reply.status),
        "{path}: {}",
        reply.status
    );
    let body = String::from_utf8_lossy(&reply.body);
    assert!(
        !body.contains(SECRET) && !body.contains("root:"),
        "{path}: {body}"
    );
    assert_eq!(reply.field("Location"), None, "{path}");
}

#[test]
fn no_path_leads_out() {
    let site = Site::new();
    for path in [
        "/../secret.txt",
        "/..",
        "/../",
        "/./../secret.txt",
        "/sub/../../secret.txt",
        "/sub/..",
        "/sub/../hola.txt",
        "/./hola.txt",
        "/%2e%2e/secret.txt",
        "/%2E%2E/secret.txt",
        "/.%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%2Fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/sub%2f..%2f..%2fsecret.txt",
        "/%2e%2e%5csecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/....//secret.txt",
        "/..../secret.txt",
        "/.../secret.txt",
        "/..;/secret.txt",
        "/%252e%252e/secret.txt",
        "/%252e%252e%252fsecret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/%c0%ae/secret.txt",
        "/%e0%80%ae%e0%80%ae/secret.txt",
        "/%uff0e%uff0e/secret.txt",
        "/..%00/secret.txt",
        "/..%0d/secret.txt",
        "//etc/passwd",
        "///etc/passwd",
        "/%2fetc/passwd",
        "/%2f%2fetc/passwd",
        "//../secret.txt",
        "/C:/x",
        "/C:%5cx",
        "/file:///etc/passwd",
        "http://h/../secret.txt",
        "http://h//etc/passwd",
        "/hola.txt/../../secret.txt",
        "/hola.txt%00.html",
        "/a/%00.html",
        "/%00",
        "/hola.txt/",
        "/hola.txt/.",
    ] {
        is_refused(&site, path);
    }
    // And with the other versions of HTTP.
    for request in [
        "GET /../secret.txt HTTP/1.0\r\n\r\n",
        "GET /%2e%2e/secret.txt\r\n",
        "GET //etc/passwd\r\n",
        "GET ../secret.txt HTTP/1.0\r\n\r\n",
        "GET secret.txt HTTP/1.0\r\n\r\n",
    ] {
        let answer = String::from_utf8_lossy(&site.raw(request)).into_owned();
        assert!(
            !answer.contains(SECRET) && !answer.contains("root:"),
            "{request}"
        );
    }
    assert_eq!(site.get("/hola.txt", "").text(), "hola");
}

#[test]
fn a_symbolic_link_is_followed_inside_and_not_out() {
    let site = Site::new();
    let www = site.folder.path().join("www");
    site.folder
        .write("www/.hidden", SECRET)
        .write("beside/index.html", SECRET);
    for (to, link) in [
        ("../secret.txt", "out.txt"),
        ("/etc/passwd", "passwd.txt"),
        ("../beside", "beside"),
        ("..", "up"),
        ("../www/../secret.txt", "around.txt"),
        (".hidden", "shown.txt"),
        ("nowhere.txt", "broken.txt"),
        ("loop.txt", "loop.txt"),
        ("/dev/zero", "zero"),
        ("/dev/stdin", "stdin"),
        ("/proc/self/environ", "environ.txt"),
    ] {
        symlink(to, www.join(link)).unwrap();
    }
    for path in [
        "/out.txt",
        "/passwd.txt",
        "/beside",
        "/beside/",
        "/beside/index.html",
        "/up/",
        "/up/secret.txt",
        "/up/www/hola.txt",
        "/around.txt",
        "/shown.txt",
        "/broken.txt",
        "/loop.txt",
        "/zero",
        "/stdin",
        "/environ.txt",
    ] {
        if path == "/up/www/hola.txt" {
            // Out and in again: what is opened is inside, so there is nothing to hide.
            assert_eq!(site.get(path, "").text(), "hola");
            continue;
        }
        is_refused(&site, path);
    }
    symlink("hola.txt", www.join("link.txt")).unwrap();
    symlink("sub", www.join("linked")).unwrap();
    assert_eq!(site.get("/link.txt", "").text(), "hola");
    assert_eq!(site.get("/linked/", "").text(), "<p>sub");
}

#[test]
fn a_link_that_is_swapped_while_it_is_asked_for_never_leads_out() {
    let site = Site::new();
    let www = site.folder.path().join("www");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for to in ["hola.txt", "../secret.txt"].iter().cycle() {
                if done.load(Ordering::Relaxed) {
                    return;
                }
                symlink(to, www.join("next")).unwrap();
                fs::rename(www.join("next"), www.join("swapped.txt")).unwrap();
            }
        });
        let mut seen = [0, 0];
        for _ in 0..500 {
            let reply = site.get("/swapped.txt", "");
            match reply.status {
                200 => assert_eq!(reply.text(), "hola"),
                status => assert_eq!(status, 404),
            }
            seen[usize::from(reply.status == 404)] += 1;
        }
        done.store(true, Ordering::Relaxed);
        // Otherwise nothing was tried.
        assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    });
}

#[test]
fn what_is_hidden_or_left_over_is_not_there() {
    let site = Site::new();
    for path in [
        ".env",
        ".htaccess",
        ".git/config",
        "sub/.git/HEAD",
        "x.html~",
        "back\\slash.txt",
        "new\nline.txt",
        "colon:stream.txt",
    ] {
        site.folder.write(&format!("www/{path}"), SECRET);
    }
    for path in [
        "/.env",
        "/%2eenv",
        "/.htaccess",
        "/.git/config",
        "/.git/",
        "/.git",
        "/sub/.git/HEAD",
        "/x.html~",
        "/x.html%7e",
        "/back%5cslash.txt",
        "/new%0aline.txt",
        "/colon:stream.txt",
        "/colon%3astream.txt",
    ] {
        is_refused(&site, path);
    }
}

#[test]
fn a_fifo_or_a_socket_is_404_at_once_and_nobody_behind_it_notices() {
    let site = Site::new();
    let www = site.folder.path().join("www");
    for name in ["fifo.txt", "sub/index.html"] {
        let path = www.join(name);
        let _ = fs::remove_file(&path);
        let made = Command::new("mkfifo")
            .arg(&path)
            .status()
            .expect("mkfifo can be run");
        assert!(made.success());
    }
    // Who writes into a FIFO waits until somebody opens it.
    let fifo = www.join("fifo.txt");
    let writer = thread::spawn(move || fs::write(fifo, SECRET));
    let _listening = UnixListener::bind(www.join("socket.txt")).unwrap();
    let begun = Instant::now();
    for path in [
        "/fifo.txt",
        "/sub/",
        "/sub/index.html",
        "/sub",
        "/socket.txt",
    ] {
        is_refused(&site, path);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "something has blocked"
    );
    assert!(!writer.is_finished(), "its writer was woken");
    let read = fs::read_to_string(www.join("fifo.txt")).unwrap();
    assert_eq!(read, SECRET);
    writer.join().unwrap().unwrap();
    assert_eq!(site.get("/hola.txt", "").text(), "hola");
}

#[test]
fn a_file_that_may_not_be_read_is_404() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    let path = site.folder.path().join("www/locked.txt");
    fs::write(&path, SECRET).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        return; // the administrator may read everything
    }
    is_refused(&site, "/locked.txt");
}
