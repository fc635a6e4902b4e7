//! Conditional requests ([RFC 9110, 13](https://www.rfc-editor.org/rfc/rfc9110#section-13)): what the client has already
//! is not sent again, and a state it did not mean is not sent at all.

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::site::Site;

#[test]
fn an_answer_names_its_state_and_the_time() {
    let site = Site::new();
    for method in ["GET", "HEAD"] {
        let reply = site.ask(method, "/digits.txt", "");
        let tag = reply.field("ETag").expect("a tag");
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        for name in ["Last-Modified", "Date"] {
            let date = reply.field(name).expect(name);
            assert!(date.len() == 29 && date.ends_with(" GMT"), "{name}: {date}");
        }
        assert_eq!(reply.field("Accept-Ranges"), Some("bytes"));
    }
}

#[test]
fn what_the_client_holds_is_not_sent_again() {
    let site = Site::new();
    let whole = site.get("/digits.txt", "");
    let (tag, date) = (
        whole.field("ETag").unwrap(),
        whole.field("Last-Modified").unwrap(),
    );
    for (condition, status) in [
        (format!("If-None-Match: {tag}"), 304),
        (format!("If-None-Match: W/{tag}"), 304),
        (format!("If-None-Match: \"x\", {tag}"), 304),
        ("If-None-Match: *".to_owned(), 304),
        ("If-None-Match: \"x\"".to_owned(), 200),
        ("If-None-Match: x".to_owned(), 200),
        (format!("If-Modified-Since: {date}"), 304),
        (
            "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT".to_owned(),
            304,
        ),
        (
            "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 PST".to_owned(),
            200,
        ),
        (
            "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(),
            200,
        ),
        (
            "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT".to_owned(),
            200,
        ),
        ("If-Modified-Since: yesterday".to_owned(), 200),
        // 13.2.2: where there is a tag, the date is not looked at.
        (
            format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {date}"),
            200,
        ),
        (
            format!("If-None-Match: {tag}\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"),
            304,
        ),
    ] {
        for method in ["GET", "HEAD"] {
            let reply = site.ask(method, "/digits.txt", &format!("{condition}\r\n"));
            assert_eq!(reply.status, status, "{method} {condition}");
            assert_eq!(reply.field("ETag"), Some(tag), "{method} {condition}");
            let content = if (status, method) == (200, "GET") {
                "0123456789"
            } else {
                ""
            };
            assert_eq!(reply.text(), content, "{method} {condition}");
        }
    }
}

#[test]
fn a_condition_on_another_state_is_412() {
    let site = Site::new();
    let whole = site.get("/digits.txt", "");
    let (tag, date) = (
        whole.field("ETag").unwrap(),
        whole.field("Last-Modified").unwrap(),
    );
    for (condition, status) in [
        (format!("If-Match: {tag}"), 200),
        ("If-Match: *".to_owned(), 200),
        ("If-Match: \"x\"".to_owned(), 412),
        (format!("If-Match: W/{tag}"), 412),
        (format!("If-Unmodified-Since: {date}"), 200),
        (
            "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(),
            412,
        ),
        ("If-Unmodified-Since: never".to_owned(), 200),
        (format!("If-Match: {tag}\r\nIf-None-Match: {tag}"), 304),
    ] {
        let reply = site.get("/digits.txt", &format!("{condition}\r\n"));
        assert_eq!(reply.status, status, "{condition}");
    }
}

#[test]
fn a_file_that_changes_has_another_state() {
    let site = Site::new();
    let before = site.get("/digits.txt", "");
    let tag = before.field("ETag").unwrap();
    // The same length, and a later time.
    site.folder.write("www/digits.txt", "9876543210");
    let file = File::options()
        .write(true)
        .open(site.folder.path().join("www/digits.txt"));
    let later = SystemTime::now() + Duration::from_secs(2);
    file.unwrap().set_modified(later).unwrap();
    let after = site.get("/digits.txt", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((after.status, after.text()), (200, "9876543210"));
    assert_ne!(after.field("ETag"), Some(tag));
    let date = before.field("Last-Modified").unwrap();
    assert_eq!(
        site.get("/digits.txt", &format!("If-Modified-Since: {date}\r\n"))
            .status,
        200
    );
    // A download that is taken up again gets the whole of the new state, and no mixture.
    let rest = site.get(
        "/digits.txt",
        &format!("Range: bytes=5-\r\nIf-Range: {tag}\r\n"),
    );
    assert_eq!((rest.status, rest.text()), (200, "9876543210"));
}
