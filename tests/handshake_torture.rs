//! Raw requests and the answer each must get: what a server does with bytes that a well-meaning client never sends.
//! Each one is given whole and again one byte at a time, and the answer has to be the same.
//!
//! A row: status, section, what is special about it, bytes. Sections are of
//! [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110), [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112) (HTTP) and
//! [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) (WebSocket).

use enchufe::handshake::{HandshakeError, Offer};
use enchufe::handshake::{check_origin, check_request, upgrade_response};
use enchufe::http::{
    HeadLimits, HttpError, Request, RequestParser, Response, ResponseParser, Version,
};

/// No answer yet: the head is not complete.
const MORE: u16 = 0;
/// Served as HTTP/0.9.
const OLD: u16 = 9;
/// Served as a request of HTTP/1.0 or 1.1 that asks for no WebSocket.
const PLAIN: u16 = 200;

struct Case {
    status: u16,
    section: &'static str,
    name: &'static str,
    raw: Vec<u8>,
}

macro_rules! cases {
    ($($status:tt, $section:literal, $name:literal, $raw:expr;)*) => {
        vec![$(Case { status: $status, section: $section, name: $name, raw: $raw.into() }),*]
    };
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let plus = |line: &str| upgrade("", line);
    let get = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n");
    let line = |line: &str| format!("{line}\r\nHost: h\r\n\r\n");
    let host = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let post = |lines: &str| format!("POST /socket/negotiate HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
    let origin = |origin: &str| upgrade("", &format!("Origin: {origin}\r\n"));
    let key = |key: &str| upgrade("Sec-WebSocket-Key", &format!("Sec-WebSocket-Key: {key}\r\n"));
    let version = |version: &str| upgrade("Sec-WebSocket-Version", &format!("Sec-WebSocket-Version: {version}\r\n"));
    let connection = |lines: &str| upgrade("Connection", lines);
    let upgrades = |lines: &str| upgrade("Upgrade", lines);
    let protocol = |value: &str| upgrade("", &format!("Sec-WebSocket-Protocol: {value}\r\n"));
    let extension = |value: &str| upgrade("", &format!("Sec-WebSocket-Extensions: {value}\r\n"));
    let request_line = |line: &str| plus("").replace("GET /chat HTTP/1.1", line);
    cases![
        // A handshake, and everything that may vary in it.
        101, "6455 1.3", "the example of the RFC", plus("Sec-WebSocket-Protocol: chat, superchat\r\n");
        101, "6455 4.2.1", "nothing optional", plus("");
        101, "9110 5.1", "names and values in another case", plus("").to_ascii_uppercase().replace(&KEY.to_ascii_uppercase(), KEY);
        101, "9110 5.5", "no space after the colons", plus("").replace(": ", ":");
        101, "9110 5.5", "tabs and spaces around the values", plus("").replace(": ", ":\t  ").replace("\r\nUp", " \t\r\nUp");
        101, "6455 4.2.1", "Connection: keep-alive, Upgrade", connection("Connection: keep-alive, Upgrade\r\n");
        101, "9110 5.3", "Connection in two lines", connection("Connection: keep-alive\r\nConnection: Upgrade\r\n");
        101, "9110 5.6.1", "Connection with empty members", connection("Connection: ,, upgrade ,\t,\r\n");
        101, "9110 7.8", "Upgrade with a second protocol", upgrades("Upgrade: h2c, websocket\r\n");
        101, "9110 5.3", "Upgrade in two lines", upgrades("Upgrade: h2c\r\nUpgrade: WebSocket\r\n");
        101, "9112 3.2.2", "target in absolute form", request_line("GET http://server.example.com/chat HTTP/1.1");
        101, "9112 3.2.2", "absolute form with a query and no path", request_line("GET HTTPS://server.example.com?a HTTP/1.1");
        101, "9110 2.5", "a higher minor version", request_line("GET /chat HTTP/1.2");
        101, "9112 2.2", "one empty line before", format!("\r\n{}", plus(""));
        101, "9112 2.2", "frames behind the head", format!("{}\u{1}\u{0}", plus(""));
        101, "6455 4.2.1", "a key with bits to spare", key("abcdefghijklmnopqrstuv==");
        101, "6455 4.2.1", "Content-Length: 0", plus("Content-Length: 0\r\n");
        101, "6455 11.3.4", "subprotocols in two lines", protocol("a\r\nSec-WebSocket-Protocol: b");
        101, "9110 5.6.1", "subprotocols with empty members", protocol(",,a,,b,");
        101, "6455 9.1", "an extension with parameters", extension("permessage-deflate; client_max_window_bits, x; y=1; z=\"2\"");
        101, "6455 11.3.2", "extensions in two lines", extension("a\r\nSec-WebSocket-Extensions: b; c");
        101, "6455 9.1", "an extension nobody knows", extension("__proto__; constructor");
        101, "6455 10.2", "Origin is this host", origin("http://server.example.com");
        101, "6455 10.2", "Origin is this host with TLS in front", origin("https://SERVER.example.com:443");
        101, "9110 5.5", "obs-text in some value", plus("").replace("\r\n\r\n", "\r\nX: \u{e9}\r\n\r\n");
        101, "9112 3.2", "60 header lines", plus(&"X: y\r\n".repeat(55));

        // 6455 4.2.1: what must be there.
        405, "6455 4.2.1", "POST", request_line("POST /chat HTTP/1.1");
        405, "6455 4.2.1", "HEAD", request_line("HEAD /chat HTTP/1.1");
        405, "9110 9.1", "get, methods have case", request_line("get /chat HTTP/1.1");
        405, "9110 9.1", "a method nobody knows", request_line("FROB /chat HTTP/1.1");
        405, "9112 3.2.3", "CONNECT", request_line("CONNECT server.example.com:80 HTTP/1.1");
        505, "6455 4.2.1", "HTTP/1.0", request_line("GET /chat HTTP/1.0");
        400, "6455 4.2.1", "no Host", upgrade("Host", "");
        400, "6455 4.2.1", "an empty Host", upgrade("Host", "Host:\r\n");
        400, "6455 4.2.1", "no Upgrade", upgrades("");
        400, "6455 4.2.1", "an empty Upgrade", upgrades("Upgrade:\r\n");
        400, "6455 4.2.1", "Upgrade to something else", upgrades("Upgrade: h2c\r\n");
        400, "6455 4.2.1", "websocket only as a part of the word", upgrades("Upgrade: websocket13\r\n");
        400, "9110 7.8", "websocket with a version", upgrades("Upgrade: websocket/13\r\n");
        400, "6455 4.2.1", "no Connection", connection("");
        400, "6455 4.2.1", "Connection: keep-alive", connection("Connection: keep-alive\r\n");
        400, "6455 4.2.1", "Connection: close", connection("Connection: close\r\n");
        400, "6455 4.2.1", "upgrade only as a part of the word", connection("Connection: upgraded, x-upgrade\r\n");
        400, "9110 7.6.1", "Connection without commas", connection("Connection: keep-alive Upgrade\r\n");
        426, "6455 4.2.2", "no version", upgrade("Sec-WebSocket-Version", "");
        426, "6455 4.2.2", "an empty version", version("");
        426, "6455 4.2.2", "version 7 and a second request behind", format!("{}GET /secret HTTP/1.1\r\nHost: h\r\n\r\n", version("7"));
        426, "6455 4.2.2", "version 8", version("8");
        426, "6455 4.2.2", "version 14", version("14");
        426, "6455 4.1", "version 013", version("013");
        426, "6455 4.1", "version +13", version("+13");
        426, "6455 4.1", "version 13.0", version("13.0");
        426, "6455 4.1", "two versions in a list", version("13, 8");
        400, "6455 11.3.5", "two version lines", version("13\r\nSec-WebSocket-Version: 13");
        400, "6455 4.2.1", "no key", upgrade("Sec-WebSocket-Key", "");
        400, "6455 4.2.1", "an empty key", key("");
        400, "6455 4.2.1", "a key of 15 bytes", key("dGhlIHNhbXBsZSBub25j");
        400, "6455 4.2.1", "a key of 17 bytes", key("dGhlIHNhbXBsZSBub25jZWE=");
        400, "6455 4.2.1", "a key of 13 bytes", key("SGVsbG8sIHdvcmxkIQ==");
        400, "6455 4.2.1", "a key without padding", key("dGhlIHNhbXBsZSBub25jZQ");
        400, "6455 4.2.1", "a key with a space inside", key("dGhlIHNhbXBsZSBub25jZQ ==");
        400, "6455 4.2.1", "a key in the alphabet of URLs", key("dGhlIHNhbXBsZS-ub25jZ_==");
        400, "6455 4.2.1", "a key that is not base64", key("************************");
        400, "6455 4.2.1", "a very long key", key(&"QUJD".repeat(2000));
        400, "6455 11.3.1", "two keys", key(&format!("{KEY}\r\nSec-WebSocket-Key: {KEY}"));
        400, "6455 11.3.1", "two keys in a list", key(&format!("{KEY}, {KEY}"));

        // Subprotocols and extensions.
        400, "6455 11.3.4", "an empty list of subprotocols", protocol("");
        400, "9110 5.6.1", "a list of commas", protocol(",");
        400, "6455 11.3.4", "a subprotocol that is no token", protocol("a/b");
        400, "6455 11.3.4", "a subprotocol with a space", protocol("a b");
        400, "6455 11.3.4", "a quoted subprotocol", protocol("\"a\"");
        400, "6455 4.1", "a subprotocol twice", protocol("a, b, a");
        400, "6455 4.1", "a subprotocol twice, in two lines", protocol("a\r\nSec-WebSocket-Protocol: a");
        400, "9110 5.6.2", "8 KiB of spaces in a subprotocol", protocol(&format!("b{}x", " ".repeat(8192)));
        400, "6455 9.1", "an empty list of extensions", extension("");
        400, "6455 9.1", "a list of commas as extensions", extension(" , ,");
        400, "6455 9.1", "an extension that is no token", extension("a/b");
        400, "6455 9.1", "a parameter without a name", extension("a; =1");
        400, "6455 9.1", "a parameter without a value", extension("a; b=");
        400, "6455 9.1", "an empty parameter", extension("a;; b");
        400, "6455 9.1", "a quoted value that is no token", extension("a; b=\"c d\"");
        400, "6455 9.1", "an empty quoted value", extension("a; b=\"\"");
        400, "6455 9.1", "a quoted value that does not end", extension(&format!("a; b=\"{}", "\\c".repeat(4096)));
        400, "6455 9.1", "300 parameters", extension(&format!("a{}", "; b".repeat(300)));
        400, "6455 9.1", "300 extensions", extension(&"a,".repeat(300));

        // Who may connect.
        403, "6455 10.2", "a foreign Origin", origin("http://evil.example");
        403, "6455 10.2", "Origin: null", origin("null");
        403, "6455 10.2", "an empty Origin", origin("");
        403, "6455 10.2", "the right host is a prefix", origin("http://server.example.com.evil");
        403, "6455 10.2", "the right host is a suffix", origin("http://evil-server.example.com");
        403, "6455 10.2", "the right host, a wrong port", origin("http://server.example.com:8080");
        403, "6455 10.2", "the right host as a user", origin("http://server.example.com@evil.example");
        403, "6454 7.1", "the right host with a path", origin("http://server.example.com/");
        403, "6454 7.1", "two origins in a list", origin("http://server.example.com http://evil.example");
        403, "6455 10.2", "an Origin without a scheme", origin("server.example.com");
        400, "6455 11.3", "two Origin lines", origin("http://server.example.com\r\nOrigin: http://evil.example");

        // Plain requests.
        PLAIN, "9112 3", "the least of HTTP/1.1", get("Host: h\r\n");
        PLAIN, "9112 3", "the least of HTTP/1.0", "GET / HTTP/1.0\r\n\r\n";
        PLAIN, "9112 3.2", "an empty Host where nothing needs it", get("Host:\r\n");
        PLAIN, "9112 3.2.4", "OPTIONS *", line("OPTIONS * HTTP/1.1");
        PLAIN, "9112 3.2.3", "CONNECT with an authority", line("CONNECT h:80 HTTP/1.1");
        PLAIN, "9110 9.1", "a method of all kinds of token characters", line("!#$%&'*+-.^_`|~0Az / HTTP/1.1");
        PLAIN, "9110 7.8", "an upgrade to something else is ignored", get("Host: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n");
        PLAIN, "9110 7.6.1", "Connection: upgrade alone, as proxies send it", get("Host: h\r\nConnection: upgrade\r\n");
        PLAIN, "9112 6.2", "content with a length", post("Content-Length: 2\r\n") + "{}";
        PLAIN, "9110 7.2", "an IPv6 Host", host("[2001:db8::1]:8080");
        PLAIN, "3986 2.1", "percent signs that decode", line("GET /a%20b?%C3%b1 HTTP/1.1");
        PLAIN, "9112 3.2", "a target in UTF-8, which some clients send", line("GET /?name=Jos\u{e9} HTTP/1.1");

        // 9112 2.2 and 3: the request line.
        MORE, "9112 2.2", "nothing", "";
        MORE, "9112 2.2", "half an empty line", "\r";
        MORE, "9112 2.2", "an empty line", "\r\n";
        MORE, "9112 3", "a request line without its end", "GET / HTTP/1.1\r";
        MORE, "9112 2.1", "a head without its end", "GET / HTTP/1.1\r\nHost: h\r\n\r";
        400, "9112 2.2", "two empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
        400, "9112 2.2", "an LF before", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
        400, "9112 3", "a space before", " GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        400, "9112 3", "two spaces before the target", line("GET  / HTTP/1.1");
        400, "9112 3", "two spaces before the version", line("GET /  HTTP/1.1");
        400, "9112 3", "a space at the end", line("GET / HTTP/1.1 ");
        400, "9112 3", "a tab instead of a space", line("GET\t/\tHTTP/1.1");
        400, "9112 3", "a space in the target", line("GET /a b HTTP/1.1");
        400, "9112 3.1", "a method that is no token", line("GET( / HTTP/1.1");
        400, "9112 3", "only a method", line("GET");
        400, "9112 2.3", "http in lower case", line("GET / http/1.1");
        400, "9112 2.3", "a version with two digits", line("GET / HTTP/1.10");
        400, "9112 2.3", "a version without a minor", line("GET / HTTP/1");
        400, "9112 2.3", "a version cut off", line("GET / HTT");
        400, "9112 2.3", "another protocol's version", line("GET / RTSP/1.0");
        505, "9110 15.6.6", "HTTP/2.0", line("GET / HTTP/2.0");
        505, "9110 15.6.6", "HTTP/0.9, spelt out", line("GET / HTTP/0.9");
        501, "9112 3", "a method of 40 letters", line(&format!("{} / HTTP/1.1", "A".repeat(40)));
        400, "9112 2.2", "a request line that ends in LF", "GET / HTTP/1.1\nHost: h\r\n\r\n";
        400, "9112 2.2", "a request line that ends in CR", "GET / HTTP/1.1\rHost: h\r\n\r\n";
        400, "9112 2.2", "a CR in the target", line("GET /\rX HTTP/1.1");
        400, "9112 3", "a NUL in the target", line("GET /\0 HTTP/1.1");
        400, "9112 3", "a DEL in the target", line("GET /\x7f HTTP/1.1");
        400, "9112 3.2", "a target that is not UTF-8", b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n";
        400, "9112 3.2", "a target without its slash", line("GET a HTTP/1.1");
        400, "9112 3.2", "a fragment", line("GET /#a HTTP/1.1");
        400, "9112 3.2", "GET *", line("GET * HTTP/1.1");
        400, "9112 3.2.3", "CONNECT without a port", line("CONNECT h HTTP/1.1");
        400, "9112 3.2.3", "CONNECT with a path", line("CONNECT / HTTP/1.1");
        400, "9112 3.2.2", "an absolute target of another scheme", line("GET ftp://h/ HTTP/1.1");
        400, "9110 4.2.4", "an absolute target with a user", line("GET http://u@h/ HTTP/1.1");
        400, "9112 3.2.2", "an absolute target without a host", line("GET http:///a HTTP/1.1");
        400, "3986 2.1", "a percent sign alone", line("GET /% HTTP/1.1");
        400, "3986 2.1", "a percent sign with other letters", line("GET /?name=%zz HTTP/1.1");
        414, "9112 3", "a target of 9 KiB", line(&format!("GET /{} HTTP/1.1", "a".repeat(9 << 10)));
        414, "9112 3", "a target without end", format!("GET /{}", "a".repeat(1 << 20));

        // 9112 5: the header lines.
        400, "9112 2.2", "a header line that ends in LF", get("Host: h\nX: y\r\n");
        400, "9112 2.2", "a header line that ends in CR", get("Host: h\rX: y\r\n");
        400, "9112 2.2", "an empty line that is an LF", "GET / HTTP/1.1\r\nHost: h\r\n\n";
        400, "9110 5.5", "a CR in a value", get("Host: h\r\nX: a\rb\r\n");
        400, "9110 5.5", "two CR at the end of a value", get("Host: h\r\nX: a\r\r\n");
        400, "9110 5.5", "a NUL in a value", get("Host: h\r\nX: a\0b\r\n");
        400, "9110 5.5", "an ESC in a value", get("Host: h\r\nX: \x1b[2J\r\n");
        400, "9112 5.2", "a folded line", get("Host: h\r\nX: a\r\n b\r\n");
        400, "9112 5.2", "a line folded with a tab", get("Host: h\r\nX: a\r\n\tb\r\n");
        400, "9112 2.2", "white space before the first header", get(" Host: h\r\n");
        400, "9112 5.1", "a space before the colon", get("Host : h\r\n");
        400, "9112 5.1", "a tab before the colon", get("Host: h\r\nX\t: y\r\n");
        400, "9112 5.1", "a space in a name", get("Host: h\r\nX Y: z\r\n");
        400, "9112 5", "no colon", get("Host: h\r\nX\r\n");
        400, "9112 5", "no name", get("Host: h\r\n: x\r\n");
        400, "9110 5.1", "a NUL in a name", get("Host: h\r\nX\0: y\r\n");
        400, "9110 5.1", "a name outside ASCII", get("Host: h\r\n\u{f1}: y\r\n");
        431, "6585 5", "2,000 header lines", get(&format!("Host: h\r\n{}", "X: y\r\n".repeat(2000)));
        431, "6585 5", "65 header lines", get(&format!("Host: h\r\n{}", "X: y\r\n".repeat(64)));
        431, "6585 5", "a header of 17 KiB", get(&format!("Host: h\r\nX: {}\r\n", "a".repeat(17 << 10)));
        431, "6585 5", "a header of 20 MB", format!("GET / HTTP/1.1\r\nHost: {}", "a".repeat(20_000_000));
        431, "6585 5", "a name without end", format!("GET / HTTP/1.1\r\n{}", "a".repeat(1 << 20));

        // 9112 3.2: Host.
        400, "9112 3.2", "no Host on 1.1", get("");
        400, "9112 3.2", "no Host with an absolute target", "GET http://h/ HTTP/1.1\r\n\r\n";
        400, "9112 3.2", "two Host lines", get("Host: h\r\nHost: h\r\n");
        400, "9112 3.2", "two Host lines on 1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n";
        400, "9112 3.2", "two hosts in a list", host("a, b");
        400, "9112 3.2", "a Host with a path", host("h/a");
        400, "9112 3.2", "a Host with a scheme", host("http://h");
        400, "9112 3.2", "a Host with a user", host("u@h");
        400, "9112 3.2", "a Host with only a port", host(":80");
        400, "9112 3.2", "a port that is no number", host("h:80a");
        400, "9112 3.2", "a port past 65535", host("h:65536");
        400, "9112 3.2", "IPv6 without brackets", host("::1");
        400, "9112 3.2", "a bracket that does not close", host("[::1");

        // 9112 6: the framing of content, and requests hidden in it.
        400, "9110 9.3.1", "GET with content", get("Host: h\r\nContent-Length: 5\r\n") + "GET /";
        400, "9110 9.3.2", "HEAD with content", "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /";
        400, "6455 4.2.1", "a handshake with content", plus("Content-Length: 5\r\n") + "GET /";
        400, "9112 6.3", "length and coding", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n");
        400, "9112 6.3", "coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n");
        400, "9112 6.1", "chunks", post("Transfer-Encoding: chunked\r\n") + "FFFFFFFFFFFFFFFFF\r\n";
        400, "9112 6.1", "a coding nobody knows", post("Transfer-Encoding: xchunked\r\n");
        400, "9112 6.1", "a handshake with chunks", plus("Transfer-Encoding: chunked\r\n");
        400, "9112 6.1", "chunks on 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        400, "9112 6.3", "two different lengths", post("Content-Length: 4\r\nContent-Length: 5\r\n");
        400, "9112 6.3", "two equal lengths", post("Content-Length: 4\r\nContent-Length: 4\r\n");
        400, "9110 8.6", "a list of lengths", post("Content-Length: 4, 4\r\n");
        400, "9110 8.6", "an empty length", post("Content-Length:\r\n");
        400, "9110 8.6", "length +5", post("Content-Length: +5\r\n");
        400, "9110 8.6", "length -5", post("Content-Length: -5\r\n");
        400, "9110 8.6", "length 0x5", post("Content-Length: 0x5\r\n");
        400, "9110 8.6", "length 5 5", post("Content-Length: 5 5\r\n");
        400, "9110 8.6", "a length past 64 bits", post("Content-Length: 18446744073709551616\r\n");

        // HTTP/0.9 and other visitors.
        OLD, "HTTP/0.9", "a line without a version", "GET /\r\n";
        OLD, "HTTP/0.9", "the same without CR", "GET /index.html\n";
        OLD, "HTTP/0.9", "it cannot ask for a WebSocket", plus("").replace(" HTTP/1.1", "");
        400, "HTTP/0.9", "POST without a version", "POST /\r\n";
        400, "HTTP/0.9", "a space at the end", "GET / \r\n";
        400, "HTTP/0.9", "an absolute target", "GET http://h/\r\n";
        400, "8446 5.1", "TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        400, "4253 4.2", "SSH", "SSH-2.0-OpenSSH_9.6\r\n";
        400, "4253 4.2", "SSH, with a comment", "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3\r\n";
        400, "9113 3.4", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        400, "9112 3", "SMTP", "EHLO example.org\r\n";
        400, "9112 3", "SOCKS", b"\x05\x01\x00";
        400, "9112 3", "a frame before the handshake", b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        400, "9112 3", "JSON", "{\"type\":\"register\"}";
        400, "9112 3", "zeros", b"\0\0\0\0";
    ]
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The least handshake, without the line `leave_out` and with `more` lines.
fn upgrade(leave_out: &str, more: &str) -> String {
    let mut raw = "GET /chat HTTP/1.1\r\n".to_owned();
    for (name, value) in [
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ] {
        if name != leave_out {
            raw += &format!("{name}: {value}\r\n");
        }
    }
    raw + more + "\r\n"
}

/// What a server does.
#[derive(Debug, PartialEq)]
enum Outcome {
    Waits,
    Refuses(Response),
    Serves(Request, usize),
    Upgrades(Offer, usize),
}

impl Outcome {
    fn of(parsed: Result<Option<(Request, usize)>, HttpError>) -> Self {
        match parsed {
            Err(error) => Self::Refuses(error.response()),
            Ok(None) => Self::Waits,
            Ok(Some((request, used))) if request.is_upgrade() => match offer(&request) {
                Ok(offer) => Self::Upgrades(offer, used),
                Err(error) => Self::Refuses(error.response()),
            },
            Ok(Some((request, used))) => Self::Serves(request, used),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Waits => MORE,
            Self::Refuses(response) => response.status,
            Self::Serves(request, _) if request.version == Version::Http09 => OLD,
            Self::Serves(..) => PLAIN,
            Self::Upgrades(..) => 101,
        }
    }
}

fn offer(request: &Request) -> Result<Offer, HandshakeError> {
    let offer = check_request(request)?;
    check_origin(request, &[])?;
    Ok(offer)
}

fn whole(raw: &[u8]) -> Outcome {
    Outcome::of(RequestParser::new(HeadLimits::default()).feed(raw))
}

/// The same with one more byte at a time, until there is an answer.
fn byte_by_byte(raw: &[u8]) -> Outcome {
    let mut parser = RequestParser::new(HeadLimits::default());
    (0..=raw.len())
        .map(|end| Outcome::of(parser.feed(&raw[..end])))
        .find(|outcome| *outcome != Outcome::Waits)
        .unwrap_or(Outcome::Waits)
}

#[test]
fn every_request_gets_its_answer() {
    let cases = cases();
    assert!(cases.len() >= 200, "{}", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .map(|case| (case, whole(&case.raw).status()))
        .filter(|(case, status)| case.status != *status)
        .map(|(case, status)| {
            format!(
                "{} ({}): {} instead of {}",
                case.name, case.section, status, case.status
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_request_gets_the_same_answer_byte_by_byte() {
    for case in cases() {
        assert_eq!(
            byte_by_byte(&case.raw),
            whole(&case.raw),
            "{} ({})",
            case.name,
            case.section
        );
    }
}

/// Read back with the client's parser: status line, length, close, a text, and what RFC 9110 asks for with 405 and 426.
#[test]
fn every_refusal_is_a_complete_response() {
    for case in cases() {
        let Outcome::Refuses(response) = whole(&case.raw) else {
            continue;
        };
        let mut bytes = Vec::new();
        response.encode(&mut bytes).unwrap();
        let (head, used) = ResponseParser::new(HeadLimits::default())
            .feed(&bytes)
            .unwrap()
            .unwrap();
        let (body, get) = (&bytes[used..], |name| head.headers.get(name));
        assert_eq!(head.status, case.status, "{}", case.name);
        assert!(
            !head.reason.is_empty() && !body.is_empty() && body.len() < 200,
            "{}",
            case.name
        );
        assert_eq!(
            get("Content-Length"),
            Some(body.len().to_string().as_str()),
            "{}",
            case.name
        );
        assert!(
            head.headers.has_token("Connection", "close"),
            "{}",
            case.name
        );
        assert_eq!(
            get("Content-Type"),
            Some("text/plain; charset=utf-8"),
            "{}",
            case.name
        );
        assert_eq!(
            get("Allow"),
            (case.status == 405).then_some("GET"),
            "{}",
            case.name
        );
        assert_eq!(
            get("Sec-WebSocket-Version"),
            (case.status == 426).then_some("13"),
            "{}",
            case.name
        );
        assert_eq!(
            get("Upgrade"),
            (case.status == 426).then_some("websocket"),
            "{}",
            case.name
        );
    }
}

#[test]
fn every_upgrade_is_answered_in_less_than_254_bytes_with_the_key_of_the_rfc() {
    for case in cases() {
        let Outcome::Upgrades(offer, _) = whole(&case.raw) else {
            continue;
        };
        let answer = upgrade_response(
            &offer,
            offer.subprotocols.first().map(String::as_str),
            None,
            &[],
        )
        .unwrap();
        assert!(answer.len() < 254, "{}: {}", case.name, answer.len());
        let (head, used) = ResponseParser::new(HeadLimits::default())
            .feed(&answer)
            .unwrap()
            .unwrap();
        assert_eq!((head.status, used), (101, answer.len()), "{}", case.name);
        if offer.key == KEY {
            assert_eq!(
                head.headers.get("Sec-WebSocket-Accept"),
                Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            );
        }
    }
}

#[test]
fn bytes_behind_the_head_are_left_alone() {
    let head = upgrade("", "");
    let mut raw = head.clone().into_bytes();
    raw.extend_from_slice(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert!(matches!(whole(&raw), Outcome::Upgrades(_, used) if used == head.len()));
}

#[test]
fn a_handshake_cut_anywhere_is_only_waited_for() {
    let raw = upgrade("", "");
    for end in 0..raw.len() {
        assert_eq!(whole(&raw.as_bytes()[..end]), Outcome::Waits, "{end}");
    }
}

/// Any one byte of a handshake replaced by any other: an answer of some kind, no panic, and the same byte by byte.
#[test]
fn a_handshake_with_one_wrong_byte_never_panics() {
    let raw = upgrade(
        "",
        "Origin: http://server.example.com\r\nSec-WebSocket-Extensions: a; b=\"c\"\r\n",
    )
    .into_bytes();
    for at in 0..raw.len() {
        for byte in [
            0, b'\t', b'\n', b'\r', b' ', b'"', b',', b':', b'a', 0x7f, 0x80, 0xff,
        ] {
            let mut raw = raw.clone();
            raw[at] = byte;
            assert_eq!(
                whole(&raw).status(),
                byte_by_byte(&raw).status(),
                "{byte:#04x} at {at}"
            );
        }
    }
}
