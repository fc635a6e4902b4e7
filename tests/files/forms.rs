//! Which file a request names, and in which form it gets it: versions of HTTP, methods, media types, directories.

use crate::site::Site;
use crate::support::peer::{End, field};

#[test]
fn http_1_1_keeps_the_connection_for_the_next_file() {
    let site = Site::new();
    let mut peer = site.connect();
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (path, content) in [
        ("/hola.txt", "hola"),
        ("/sub/", "<p>sub"),
        ("/empty.txt", ""),
    ] {
        let answer = peer.send(request(path)).answer();
        assert_eq!((answer.status, answer.body.as_str()), (200, content));
    }
    assert_eq!(peer.send(request("/nothing")).answer().status, 404);
    assert_eq!(peer.send(request("/sub")).answer().status, 301);
    // Several at once are answered in their order.
    peer.send(request("/hola.txt") + &request("/digits.txt") + &request("/empty.txt"));
    for content in ["hola", "0123456789", ""] {
        assert_eq!(peer.answer().body, content);
    }
    let last = "GET /hola.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = peer.send(last).answer();
    assert_eq!(field(&answer.head, "Connection"), Some("close"));
    assert_eq!(peer.end(), End::Orderly);
}

#[test]
fn head_gets_the_fields_and_no_content() {
    let site = Site::new();
    let mut peer = site.connect();
    let head = |path: &str| format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (path, status, length) in [("/digits.txt", "200", "10"), ("/nothing", "404", "68")] {
        let head = peer.send(head(path)).head();
        assert_eq!(&head[9..12], status, "{head}");
        assert_eq!(field(&head, "Content-Length"), Some(length), "{head}");
    }
    // Had there been content, it would come before this.
    let get = "GET /hola.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(peer.send(get).answer().body, "hola");
}

#[test]
fn http_1_0_gets_one_file_for_each_connection() {
    let site = Site::new();
    let answer = String::from_utf8(site.raw("GET /hola.txt HTTP/1.0\r\n\r\n")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nContent-Length: 4\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhola"), "{answer}");
}

#[test]
fn http_0_9_gets_the_content_alone_and_nothing_but_files() {
    let site = Site::new();
    site.folder.write("www/index.html", "<p>root");
    for (request, content) in [
        ("GET /hola.txt\r\n", "hola"),
        ("GET /hola.txt\n", "hola"),
        ("GET /\r\n", "<p>root"),
        ("GET /sub/\r\n", "<p>sub"),
        ("GET /empty.txt\r\n", ""),
    ] {
        assert_eq!(site.raw(request), content.as_bytes(), "{request:?}");
    }
    for path in [
        "/nothing",
        "/metrics",
        "/healthz",
        "/chat",
        "/lab",
        "/../secret.txt",
    ] {
        let answer = site.raw(format!("GET {path}\r\n"));
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.contains("<h1>404 Not Found</h1>"),
            "{path}: {answer}"
        );
        assert!(!answer.contains("HTTP/"), "{path}: {answer}");
    }
    // It asks for the page at `/`, whatever the query says: there is nothing to join without a handshake.
    assert_eq!(site.raw("GET /?name=ana\r\n"), b"<p>root");
}

#[test]
fn files_are_only_to_be_read() {
    let site = Site::new();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let reply = site.ask(method, "/hola.txt", "Content-Length: 0\r\n");
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.field("Allow"), Some("GET, HEAD"), "{method}");
    }
    assert_eq!(site.get("/hola.txt", "").text(), "hola");
}

#[test]
fn the_end_of_the_name_tells_the_type_and_nothing_else_does() {
    let site = Site::new();
    for (name, media_type) in [
        ("a.html", "text/html; charset=utf-8"),
        ("html.txt", "text/plain; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.pdf", "application/pdf"),
        ("A.JPG", "image/jpeg"),
        ("a.jpeg", "image/jpeg"),
        ("a.png", "image/png"),
        ("a.gif", "image/gif"),
        ("a.SVG", "image/svg+xml"),
        ("a.mp4", "video/mp4"),
        ("a.webm", "video/webm"),
        ("a.wav", "audio/wav"),
        ("a.exe", "application/vnd.microsoft.portable-executable"),
        ("a.msi", "application/x-msi"),
        ("a.zip", "application/zip"),
        ("a.unknown", "application/octet-stream"),
        ("html", "application/octet-stream"),
        ("a.html.", "application/octet-stream"),
    ] {
        site.folder
            .write(&format!("www/{name}"), "<script>alert(1)</script>");
        let reply = site.get(&format!("/{name}"), "");
        assert_eq!(reply.field("Content-Type"), Some(media_type), "{name}");
        assert_eq!(
            reply.field("X-Content-Type-Options"),
            Some("nosniff"),
            "{name}"
        );
    }
}

#[test]
fn percent_signs_are_decoded_once_and_the_query_is_dropped() {
    let site = Site::new();
    site.folder
        .write("www/con espacio ñ+%.txt", "raro")
        .write("www/%41.txt", "percent")
        .write("www/A.txt", "letter");
    for (path, content) in [
        ("/con%20espacio%20%C3%B1+%25.txt", "raro"),
        ("/con%20espacio%20%c3%b1%2b%25%2Etxt", "raro"),
        ("/%41.txt", "letter"),
        ("/%2541.txt", "percent"),
        ("/hola.txt?", "hola"),
        ("/hola.txt?v=1&w=/../..", "hola"),
        ("/sub/?x", "<p>sub"),
        ("/s%75b/", "<p>sub"),
        ("http://elsewhere.example/hola.txt", "hola"),
    ] {
        let reply = site.get(path, "");
        assert_eq!((reply.status, reply.text()), (200, content), "{path}");
    }
    for path in [
        "/hola.txt%",
        "/hola.txt%4",
        "/%zz",
        "/hola%00.txt",
        "/%ff.txt",
        "/hola.txt#x",
    ] {
        let reply = site.get(path, "");
        assert!(
            [400, 404].contains(&reply.status),
            "{path}: {}",
            reply.status
        );
    }
}

#[test]
fn a_folder_is_its_index_or_nothing() {
    let site = Site::new();
    site.folder
        .write("www/bare/one.txt", "1")
        .write("www/con espacio/index.html", "<p>espacio")
        .write("www/indexed/index.html/one.txt", "1");
    assert_eq!(site.get("/sub/", "").text(), "<p>sub");
    for (path, location) in [
        ("/sub", "/sub/"),
        ("/sub?x=1", "/sub/"),
        ("/con%20espacio", "/con%20espacio/"),
    ] {
        let reply = site.get(path, "");
        assert_eq!(reply.status, 301, "{path}");
        assert_eq!(reply.field("Location"), Some(location), "{path}");
        assert!(
            reply.text().contains(&format!("href=\"{location}\"")),
            "{path}"
        );
    }
    for path in [
        "/bare",
        "/bare/",
        "/indexed/",
        "/indexed",
        "/hola.txt/",
        "/sub/index.html/",
    ] {
        let reply = site.get(path, "");
        assert_eq!(reply.status, 404, "{path}");
        assert!(!reply.text().contains("one.txt"), "{path}");
    }
    // A path with two slashes would be another host's in a Location.
    for path in [
        "//sub",
        "//evil.example/sub",
        "/\\evil.example/sub",
        "/sub//",
    ] {
        let reply = site.get(path, "");
        assert!(
            [400, 404].contains(&reply.status),
            "{path}: {}",
            reply.status
        );
        assert_eq!(reply.field("Location"), None, "{path}");
    }
}

#[test]
fn an_index_takes_the_place_of_the_page_in_the_binary() {
    let site = Site::new();
    let page = site.get("/", "");
    assert!(
        page.text().contains("/assets/chat/chat.js"),
        "{}",
        page.text()
    );
    site.folder.write("www/index.html", "<p>root");
    assert_eq!(site.get("/", "").text(), "<p>root");
    // The other pages stay where they are, and so does what clients ask before they connect.
    assert!(
        site.get("/chat", "")
            .text()
            .contains("/assets/chat/chat.js")
    );
    let probe = site.get("/?name=ana", "");
    assert_eq!(
        probe.field("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
}

#[test]
fn what_is_not_there_is_404_in_html_that_repeats_nothing() {
    let site = Site::new();
    let reply = site.get("/%3Cimg%20src=x%20onerror=alert(1)%3E", "");
    assert_eq!(reply.status, 404);
    assert_eq!(
        reply.field("Content-Type"),
        Some("text/html; charset=utf-8")
    );
    assert!(reply.text().contains("<h1>404 Not Found</h1>"));
    assert!(!reply.text().contains("img"), "{}", reply.text());
}
