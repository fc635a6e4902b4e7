//! One byte range ([RFC 9110, 14](https://www.rfc-editor.org/rfc/rfc9110#section-14)): what a player asks for when its
//! viewer jumps, and a download that is taken up again.

use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use crate::site::Site;

#[test]
fn a_range_is_cut_to_the_file() {
    let site = Site::new();
    for (range, content, described) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=3-3", "3", "bytes 3-3/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=-100", "0123456789", "bytes 0-9/10"),
        ("bytes=0-", "0123456789", "bytes 0-9/10"),
        ("bytes=8-99999999999999999999999", "89", "bytes 8-9/10"),
        ("BYTES=9-9", "9", "bytes 9-9/10"),
    ] {
        let reply = site.get("/digits.txt", &format!("Range: {range}\r\n"));
        assert_eq!((reply.status, reply.text()), (206, content), "{range}");
        assert_eq!(reply.field("Content-Range"), Some(described), "{range}");
        assert_eq!(
            reply.field("Content-Type"),
            Some("text/plain; charset=utf-8")
        );
        assert!(reply.field("ETag").is_some() && reply.field("Last-Modified").is_some());
    }
}

#[test]
fn a_range_behind_the_end_is_416_and_says_how_long_the_file_is() {
    let site = Site::new();
    for (path, range, described) in [
        ("/digits.txt", "bytes=10-", "bytes */10"),
        ("/digits.txt", "bytes=99-100", "bytes */10"),
        (
            "/digits.txt",
            "bytes=99999999999999999999999-",
            "bytes */10",
        ),
        ("/digits.txt", "bytes=-0", "bytes */10"),
        ("/empty.txt", "bytes=0-", "bytes */0"),
        ("/empty.txt", "bytes=0-0", "bytes */0"),
        ("/empty.txt", "bytes=-1", "bytes */0"),
    ] {
        let reply = site.get(path, &format!("Range: {range}\r\n"));
        assert_eq!(reply.status, 416, "{path} {range}");
        assert_eq!(
            reply.field("Content-Range"),
            Some(described),
            "{path} {range}"
        );
    }
}

#[test]
fn what_is_no_single_range_gets_the_whole_file() {
    let site = Site::new();
    let thousand = format!("bytes={}", vec!["0-"; 1000].join(","));
    for range in [
        "bytes=5-2",
        "bytes=0-1,3-4",
        "bytes=a-b",
        "bytes=1-b",
        "bytes=",
        "bytes=-",
        "bytes=--5",
        "bytes=+1-2",
        "bytes 0-3",
        "lines=1-2",
        "0-3",
        &thousand,
    ] {
        let reply = site.get("/digits.txt", &format!("Range: {range}\r\n"));
        assert_eq!((reply.status, reply.text()), (200, "0123456789"), "{range}");
        assert_eq!(reply.field("Content-Range"), None, "{range}");
    }
    let reply = site.get("/empty.txt", "Range: bytes=0-1,2-3\r\n");
    assert_eq!((reply.status, reply.text()), (200, ""));
}

#[test]
fn head_knows_no_ranges() {
    let site = Site::new();
    let reply = site.ask("HEAD", "/digits.txt", "Range: bytes=0-3\r\n");
    assert_eq!((reply.status, reply.text()), (200, ""));
    assert_eq!(reply.field("Content-Length"), Some("10"));
}

#[test]
fn if_range_gives_the_range_only_of_the_state_it_names() {
    let site = Site::new();
    let whole = site.get("/digits.txt", "");
    let (tag, date) = (
        whole.field("ETag").unwrap(),
        whole.field("Last-Modified").unwrap(),
    );
    for (validator, status) in [
        (tag, 206),
        (date, 206),
        (&format!("W/{tag}"), 200),
        ("\"x\"", 200),
        ("*", 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 200),
        ("", 200),
    ] {
        let lines = format!("Range: bytes=0-3\r\nIf-Range: {validator}\r\n");
        let reply = site.get("/digits.txt", &lines);
        assert_eq!(reply.status, status, "{validator}");
        let content = if status == 206 { "0123" } else { "0123456789" };
        assert_eq!(reply.text(), content, "{validator}");
    }
    // Without a range there is nothing to ask: the whole file.
    assert_eq!(
        site.get("/digits.txt", &format!("If-Range: {tag}\r\n"))
            .status,
        200
    );
    // A condition that fails comes first.
    let lines = format!("Range: bytes=0-3\r\nIf-None-Match: {tag}\r\n");
    assert_eq!(site.get("/digits.txt", &lines).status, 304);
}

#[test]
fn the_end_of_a_huge_file_is_there_at_once() {
    const LENGTH: u64 = 6 << 30;
    let site = Site::new();
    site.folder.write_zeros("www/huge.mp4", LENGTH);
    let file = std::fs::File::options()
        .write(true)
        .open(site.folder.path().join("www/huge.mp4"));
    file.unwrap().write_all_at(b"the end", LENGTH - 7).unwrap();
    let begun = Instant::now();
    let reply = site.get("/huge.mp4", &format!("Range: bytes={}-\r\n", LENGTH - 7));
    assert_eq!((reply.status, reply.text()), (206, "the end"));
    assert_eq!(reply.field("Content-Type"), Some("video/mp4"));
    let described = format!("bytes {}-{}/{LENGTH}", LENGTH - 7, LENGTH - 1);
    assert_eq!(reply.field("Content-Range"), Some(described.as_str()));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "it was not read through"
    );
}

#[test]
fn ranges_follow_each_other_on_one_connection() {
    let site = Site::new();
    let mut peer = site.connect();
    for (range, content) in [("5-", "56789"), ("0-1", "01"), ("2-4", "234")] {
        peer.send(format!(
            "GET /digits.txt HTTP/1.1\r\nHost: localhost\r\nRange: bytes={range}\r\n\r\n"
        ));
        let answer = peer.answer();
        assert_eq!((answer.status, answer.body.as_str()), (206, content));
    }
}
