//! A directory with files, a server for them, and questions to it.

use crate::support::folder::Folder;
use crate::support::peer::{End, Peer, field};
use crate::support::server_process::ServerProcess;

/// The root is the directory `www`; what lies beside it must never be seen.
pub(crate) struct Site {
    pub(crate) folder: Folder,
    pub(crate) server: ServerProcess,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) const SECRET: &str = "nobody gets to read this";

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(words: &[&str]) -> Self {
        let folder = Folder::new();
        folder
            .write("secret.txt", SECRET)
            .write("www/hola.txt", "hola")
            .write("www/empty.txt", "")
            .write("www/digits.txt", "0123456789")
            .write("www/sub/index.html", "<p>sub");
        let root = format!("{}/www", folder.name());
        // The hosts of the targets in absolute form.
        let site_words = [
            "--root",
            &root,
            "--allowed-host",
            "elsewhere.example",
            "--allowed-host",
            "h",
        ];
        let server = ServerProcess::start(&[&site_words[..], words].concat());
        Self { folder, server }
    }

    pub(crate) fn connect(&self) -> Peer {
        self.server.connect()
    }

    /// Asks for a path, with further lines.
    #[track_caller]
    pub(crate) fn get(&self, path: &str, lines: &str) -> Reply {
        self.ask("GET", path, lines)
    }

    /// Asks on a connection of its own, and reads the answer to the end of the stream.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, lines: &str) -> Reply {
        let octets = self.raw(format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n"
        ));
        let end = octets.windows(4).position(|it| it == b"\r\n\r\n");
        let (head, body) = octets.split_at(end.expect("a head") + 4);
        let head = String::from_utf8(head.to_vec()).expect("a head of text");
        let reply = Reply {
            status: head[9..12].parse().expect("a status"),
            body: body.to_vec(),
            head,
        };
        let length = reply.field("Content-Length").map(str::parse);
        if method != "HEAD" && reply.status != 304 {
            assert_eq!(length, Some(Ok(reply.body.len())), "{}", reply.head);
        }
        reply
    }

    /// Everything that comes back for these bytes.
    #[track_caller]
    pub(crate) fn raw(&self, octets: impl AsRef<[u8]>) -> Vec<u8> {
        let mut peer = self.connect();
        let (answer, end) = peer.send(octets).release_buffers();
        assert_eq!(end, End::Orderly);
        answer
    }
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }
}
