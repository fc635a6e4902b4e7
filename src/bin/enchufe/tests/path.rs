//! A URL, and a path that somebody asks for: of all the files of a directory none is found that is not meant to be, and nothing
//! beside it.

use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use crate::files::Files;
use enchufe::handshake::Url;
use enchufe::http::{Authority, HeadLimits, RequestParser, percent_decode};
use enchufe::net::Reply;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(url) = Url::parse(text) {
        assert_eq!(Url::parse(&url.to_string()), Ok(url));
    }
    if let Ok(authority) = Authority::parse(text) {
        assert_eq!(Authority::parse(&authority.to_string()), Ok(authority));
    }
    if let Ok(decoded) = percent_decode(text) {
        assert!(decoded.len() <= text.len());
    }
    ask(text);
}

fn ask(target: &str) {
    let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    let parsed = RequestParser::new(HeadLimits::default()).feed(head.as_bytes());
    let Ok(Some((request, _))) = parsed else {
        return;
    };
    match files().answer(&request) {
        Reply::Respond(response) => {
            let mut bytes = Vec::new();
            response.encode(&mut bytes).expect("it can be sent");
        }
        Reply::Stream(response, length, mut body) => {
            let mut content = String::new();
            body.read_to_string(&mut content).expect("a file of text");
            assert_eq!(content.len() as u64, length);
            assert!(content.starts_with("public"), "{target}: {content}");
            let mut bytes = Vec::new();
            response.encode_head(&mut bytes).expect("it can be sent");
        }
        Reply::Upgrade(_) => panic!("{target}: nobody asked for an upgrade"),
    }
}

/// `fuzz/site/inside`: files that begin with `public`, hidden ones that do not, and more of those around it.
fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sites = [root.join("fuzz/site/inside"), root.join("site/inside")];
        let site = sites.iter().find(|it| it.is_dir()).expect("fuzz/site");
        Files::new(site, 1_000).expect("a folder")
    })
}
