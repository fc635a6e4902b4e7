//! Through proxies of other people, tinyproxy for HTTP and microsocks for SOCKS5, to a server of our own; all of it on
//! loopback.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::net::ProxyError;
use enchufe::{Client, Error, Message, Proxy, WebSocket};

use crate::fault;
use crate::support::folder::Folder;
use crate::support::server::{PATIENCE, TestServer, limits};
use crate::support::tools::available;

/// A proxy that runs until the test is done with it.
struct Running {
    child: Child,
    addr: SocketAddr,
    _folder: Folder,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

/// Starts a proxy on a port that was free a moment ago; again on another if somebody took it meanwhile.
fn start(command: impl Fn(SocketAddr, &Folder) -> Command) -> Running {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
        let addr = free.expect("a free port");
        let folder = Folder::new();
        let child = command(addr, &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it was there a moment ago");
        let mut running = Running {
            child,
            addr,
            _folder: folder,
        };
        while running.child.try_wait().expect("a child").is_none() {
            if TcpStream::connect(addr).is_ok() {
                return running;
            }
            assert!(Instant::now() < deadline, "the proxy does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        assert!(Instant::now() < deadline, "the proxy does not start");
    }
}

/// tinyproxy with further lines of configuration; `None` where there is none.
fn tinyproxy(lines: &str) -> Option<Running> {
    available("tinyproxy", &["-v"]).then(|| {
        start(|addr, folder| {
            let config = format!(
                "Port {}\nListen 127.0.0.1\nTimeout 30\nMaxClients 10\nLogLevel Critical\n{lines}",
                addr.port()
            );
            folder.write("tinyproxy.conf", config);
            let mut command = Command::new("tinyproxy");
            command.args(["-d", "-c"]);
            command.arg(folder.path().join("tinyproxy.conf"));
            command
        })
    })
}

fn microsocks(words: &[&str]) -> Option<Running> {
    // It has no question that it answers with success.
    available("sh", &["-c", "command -v microsocks"]).then(|| {
        start(|addr, _| {
            let mut command = Command::new("microsocks");
            command.args(["-i", "127.0.0.1", "-p", &addr.port().to_string()]);
            command.args(words);
            command
        })
    })
}

/// A connection to `url` through `proxy`, `{}` in its URL standing for the address.
fn open(url: &str, proxy: &str, running: &Running) -> Result<WebSocket, Error> {
    let proxy = proxy.replace("{}", &running.addr.to_string());
    Client::new(url)
        .proxy(Proxy::parse(&proxy).expect("a proxy"))
        .timeout(PATIENCE)
        .limits(limits())
        .connect()
}

/// Messages of all sizes come back, and the connection closes in order.
fn talks(ws: Result<WebSocket, Error>) {
    let mut ws = ws.expect("a way through");
    for size in [0, 1, 125, 126, 65_536, 300_000] {
        let message = Message::from(vec![7; size]);
        ws.send(message.clone()).expect("it is open");
        assert_eq!(ws.read().expect("an echo"), Some(message));
    }
    ws.close(enchufe::CloseCode::NormalClosure, "")
        .expect("an orderly end");
}

fn echo() -> TestServer {
    let mut limits = limits();
    limits.message.max_message = 1 << 20;
    TestServer::echo(limits)
}

/// The server by a name, which somebody has to resolve.
fn named(server: &TestServer) -> String {
    format!("ws://localhost:{}/", server.addr.port())
}

#[test]
fn through_tinyproxy() {
    let Some(proxy) = tinyproxy("") else { return };
    let server = echo();
    talks(open(&server.url("/"), "http://{}", &proxy));
    talks(open(&named(&server), "http://{}", &proxy));
    // Credentials that nobody wants do no harm.
    talks(open(&server.url("/"), "http://ana:secret@{}", &proxy));
}

#[test]
fn through_tinyproxy_with_user_and_password() {
    let Some(proxy) = tinyproxy("BasicAuth ana s3cret\n") else {
        return;
    };
    let server = echo();
    talks(open(&server.url("/"), "http://ana:s3cret@{}", &proxy));
    for (url, status) in [("http://{}", 407), ("http://ana:wrong@{}", 401)] {
        match fault(open(&server.url("/"), url, &proxy)) {
            // tinyproxy says 407 to who says nothing, and 401 to who says something wrong.
            ProxyError::Refused(answer) => assert_eq!(answer.status, status, "{url}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        server.counters.accepted.load(Ordering::Relaxed),
        1,
        "nobody else came through"
    );
}

#[test]
fn what_tinyproxy_forbids_or_cannot_reach_is_told() {
    let Some(proxy) = tinyproxy("ConnectPort 443\n") else {
        return;
    };
    let server = echo();
    match fault(open(&server.url("/"), "http://{}", &proxy)) {
        ProxyError::Refused(answer) => assert_eq!(answer.status, 403),
        other => panic!("{other:?}"),
    }
    let Some(proxy) = tinyproxy("") else { return };
    let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let nobody = format!("ws://{}/", free.expect("a free port"));
    match fault(open(&nobody, "http://{}", &proxy)) {
        ProxyError::Refused(answer) => assert!(answer.status >= 500, "{answer:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn through_microsocks() {
    let Some(proxy) = microsocks(&[]) else { return };
    let server = echo();
    for scheme in ["socks5://{}", "socks5h://{}", "socks5h://ana:secret@{}"] {
        talks(open(&server.url("/"), scheme, &proxy));
        talks(open(&named(&server), scheme, &proxy));
    }
    let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let nobody = format!("ws://{}/", free.expect("a free port"));
    let error = fault(open(&nobody, "socks5h://{}", &proxy));
    assert!(matches!(error, ProxyError::Socks(5)), "{error:?}");
}

#[test]
fn through_microsocks_with_user_and_password() {
    let Some(proxy) = microsocks(&["-u", "ana", "-P", "s3cret"]) else {
        return;
    };
    let server = echo();
    talks(open(&server.url("/"), "socks5h://ana:s3cret@{}", &proxy));
    let error = fault(open(&server.url("/"), "socks5h://ana:wrong@{}", &proxy));
    assert!(matches!(error, ProxyError::Login), "{error:?}");
    let error = fault(open(&server.url("/"), "socks5h://{}", &proxy));
    assert!(matches!(error, ProxyError::NoMethod), "{error:?}");
    assert_eq!(
        server.counters.accepted.load(Ordering::Relaxed),
        1,
        "nobody else came through"
    );
}

#[test]
fn a_proxy_of_the_other_kind_is_recognised() {
    let (Some(http), Some(socks)) = (tinyproxy(""), microsocks(&[])) else {
        return;
    };
    let server = echo();
    let error = fault(open(&server.url("/"), "http://{}", &socks));
    assert!(
        matches!(
            error,
            ProxyError::Closed | ProxyError::Http(_) | ProxyError::Io(_)
        ),
        "{error:?}"
    );
    // tinyproxy waits for a line that never ends, or answers in HTTP.
    let proxy = format!("socks5h://{}", http.addr);
    let error = Client::new(server.url("/"))
        .proxy(Proxy::parse(&proxy).expect("a proxy"))
        .timeout(Duration::from_millis(500))
        .connect();
    let error = fault(error);
    assert!(
        matches!(error, ProxyError::TimedOut | ProxyError::NotSocks5(b'H')),
        "{error:?}"
    );
}
