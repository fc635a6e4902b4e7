//! A server that says whatever a test wants it to say: the other end of our client.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use enchufe::handshake::accept_key;

use super::peer::{Peer, field};
use super::server::PATIENCE;

pub(crate) struct Host {
    listener: TcpListener,
    pub(crate) addr: SocketAddr,
}

impl Host {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let addr = listener.local_addr().expect("a bound listener");
        Self { listener, addr }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.addr)
    }

    /// The next one who connects.
    #[track_caller]
    pub(crate) fn accept(&self) -> Peer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(peer) = self.try_accept() {
                return peer;
            }
            assert!(Instant::now() < deadline, "nobody connects");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Somebody who has connected already.
    pub(crate) fn try_accept(&self) -> Option<Peer> {
        match self.listener.accept() {
            Ok((tcp, _)) => {
                tcp.set_nonblocking(false).expect("a live socket");
                Some(Peer::over(tcp))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The next one who connects, and what it asks for.
    #[track_caller]
    pub(crate) fn request(&self) -> (Peer, String) {
        let mut peer = self.accept();
        let head = peer.head();
        (peer, head)
    }

    /// The next one who connects, its handshake granted, with further bytes in the same segment.
    #[track_caller]
    pub(crate) fn upgrade(&self, behind: impl AsRef<[u8]>) -> Peer {
        let (mut peer, head) = self.request();
        let mut answer = granted(&head, "").into_bytes();
        answer.extend_from_slice(behind.as_ref());
        peer.send(answer);
        peer
    }
}

/// A good answer to a request, with further lines.
pub(crate) fn granted(request: &str, lines: &str) -> String {
    let key = field(request, "Sec-WebSocket-Key").expect("a key");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{lines}\r\n",
        accept_key(key)
    )
}
