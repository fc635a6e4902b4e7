//! The same with curl, which has its own idea of each version of HTTP.

use std::fs;
use std::process::Command;

use crate::site::{SECRET, Site};
use crate::support::tools::available;

/// What curl prints: with `-w`, the status at the end.
fn curl(site: &Site, path: &str, words: &[&str]) -> String {
    let output = Command::new("curl")
        .args([
            "-sS",
            "--max-time",
            "20",
            "--path-as-is",
            "-w",
            " %{http_code}",
        ])
        .args(words)
        .arg(format!("http://{}{path}", site.server.addr))
        .output()
        .expect("curl runs");
    assert!(
        output.status.success(),
        "{words:?} {path}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn has_curl() -> bool {
    available("curl", &["--version"])
}

#[test]
fn curl_gets_files_in_every_version_of_http() {
    if !has_curl() {
        return;
    }
    let site = Site::new();
    assert_eq!(curl(&site, "/hola.txt", &[]), "hola 200");
    assert_eq!(curl(&site, "/hola.txt", &["--http1.1"]), "hola 200");
    assert_eq!(curl(&site, "/hola.txt", &["--http1.0"]), "hola 200");
    // It takes an answer without a head only if told so, and sends 1.x all the same.
    assert_eq!(
        curl(&site, "/hola.txt", &["--http0.9", "--http1.0"]),
        "hola 200"
    );
    // A request of HTTP/0.9 as curl can be made to send it: the version left out, no fields.
    let request = format!("telnet://{}", site.server.addr);
    let script = format!("printf 'GET /hola.txt\\r\\n' | curl -sS --max-time 20 {request}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hola");
    let head = curl(&site, "/digits.txt", &["-I"]);
    assert!(
        head.contains("Content-Length: 10\r\n") && head.ends_with(" 200"),
        "{head}"
    );
    assert_eq!(curl(&site, "/sub", &["-L"]), "<p>sub 200");
}

#[test]
fn curl_reuses_its_connection() {
    if !has_curl() {
        return;
    }
    let site = Site::new();
    let again = format!("http://{}/digits.txt", site.server.addr);
    // Twice `-w`: how many connections each transfer opened.
    let words = ["-w", "[%{num_connects}]", again.as_str()];
    assert_eq!(curl(&site, "/hola.txt", &words), "0123456789[1]hola[0]");
}

#[test]
fn curl_gets_ranges_and_takes_up_a_download_again() {
    if !has_curl() {
        return;
    }
    let site = Site::new();
    assert_eq!(curl(&site, "/digits.txt", &["-r", "2-4"]), "234 206");
    assert_eq!(curl(&site, "/digits.txt", &["-r", "7-"]), "789 206");
    assert_eq!(curl(&site, "/digits.txt", &["-r", "-2"]), "89 206");
    assert_eq!(
        curl(&site, "/digits.txt", &["-r", "0-1,4-5"]),
        "0123456789 200"
    );
    assert!(curl(&site, "/digits.txt", &["-r", "10-"]).ends_with(" 416"));
    let part = site.folder.path().join("part");
    fs::write(&part, "01234").unwrap();
    let file = part.to_str().unwrap();
    assert_eq!(curl(&site, "/digits.txt", &["-C", "-", "-o", file]), " 206");
    assert_eq!(fs::read_to_string(&part).unwrap(), "0123456789");
}

#[test]
fn curl_is_not_sent_what_it_has() {
    if !has_curl() {
        return;
    }
    let site = Site::new();
    let copy = site.folder.path().join("copy");
    let copy = copy.to_str().unwrap();
    // `-R` gives the copy the time of the original, `-z` asks for what is newer.
    assert_eq!(curl(&site, "/digits.txt", &["-R", "-o", copy]), " 200");
    assert_eq!(curl(&site, "/digits.txt", &["-z", copy]), " 304");
    assert_eq!(
        curl(&site, "/digits.txt", &["-z", "2001-01-01"]),
        "0123456789 200"
    );
    let tags = site.folder.path().join("tags");
    let tags = tags.to_str().unwrap();
    assert_eq!(
        curl(&site, "/digits.txt", &["--etag-save", tags]),
        "0123456789 200"
    );
    assert_eq!(
        curl(&site, "/digits.txt", &["--etag-compare", tags]),
        " 304"
    );
}

#[test]
fn curl_does_not_get_out_of_the_folder() {
    if !has_curl() {
        return;
    }
    let site = Site::new();
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "//etc/passwd",
        "/sub/../../secret.txt",
    ] {
        for version in ["--http1.0", "--http1.1"] {
            let output = curl(&site, path, &[version]);
            assert!(
                output.ends_with(" 404") || output.ends_with(" 400"),
                "{path}: {output}"
            );
            assert!(
                !output.contains(SECRET) && !output.contains("root:"),
                "{path}"
            );
        }
    }
}
