//! The TLS handshake, both ends: who is believed, who is refused and in which words, and that nobody is kept waiting by a
//! peer that stops in the middle of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use enchufe::net::{TlsError, TlsRoots};
use enchufe::{Client, Error, Limits, Proxy};
use rcgen::{BasicConstraints, CertificateParams, IsCa, SanType, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig, ServerConnection};

use crate::support::peer::{End, Peer, TEXT, masked, request};
use crate::support::server::{PATIENCE, TestServer, limits, wait_until};
use crate::support::tls::{Pair, Tls, ours, pair, roots, trusting};
use crate::support::tunnel::Tunnel;
use crate::support::wire::{Wire, client};

/// A server of rustls alone, for one connection, with whatever certificate.
fn host(pair: &Pair) -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("PEM");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the versions of the provider")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a pair");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("a bound listener");
    thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("somebody comes");
        let mut tls = ServerConnection::new(Arc::new(config)).expect("a good configuration");
        while tls.is_handshaking() && tls.complete_io(&mut tcp).is_ok() {}
    });
    addr
}

fn refusal(addr: SocketAddr, roots: TlsRoots) -> TlsError {
    let client = Client::new(format!("wss://{addr}/")).tls(roots);
    match client.connect() {
        Err(Error::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_is_believed_by_name_and_by_address() {
    let server = TestServer::echo(limits());
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("wss://{host}:{}/", server.addr.port());
        let mut ws = client(url).connect().expect(host);
        ws.send(host).expect("it is open");
        assert_eq!(ws.read().expect("an echo"), Some(host.into()));
    }
}

#[test]
fn a_certificate_that_proves_nothing_is_refused_in_one_line_that_says_why() {
    let names = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        move |params: &mut CertificateParams| {
            *params = CertificateParams::new(names).expect("good names");
        }
    };
    let cases: [(Pair, &str); 5] = [
        (
            pair(names(&["a.example", "b.example"])),
            "the server's certificate is not for 127.0.0.1, but for ",
        ),
        (
            pair(|params| {
                params.subject_alt_names = vec![SanType::IpAddress([10, 0, 0, 1].into())];
            }),
            "the server's certificate is not for 127.0.0.1",
        ),
        (
            pair(|params| params.not_after = date_time_ymd(2024, 2, 1)),
            "the certificate expired ",
        ),
        (
            pair(|params| params.not_before = date_time_ymd(2090, 1, 1)),
            "the certificate is not valid yet, only in ",
        ),
        (
            pair(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            "the server's certificate is for a certificate authority",
        ),
    ];
    for (pair, words) in cases {
        let roots = TlsRoots::from_pem(pair.certificate.as_bytes()).expect("a root");
        let error = refusal(host(&pair), roots).to_string();
        assert!(error.starts_with(words), "{error}");
        assert!(!error.contains('\n') && error.len() < 200, "{error}");
    }
    let stranger = refusal(host(&pair(|_| ())), roots());
    assert!(matches!(stranger, TlsError::UnknownIssuer), "{stranger}");
}

/// RFC 6455, 4.1 step 5: TLS begins when the tunnel is open, with the server and not with the proxy.
#[test]
fn through_a_proxy_it_is_the_server_that_proves_who_it_is() {
    let server = TestServer::echo(limits());
    let tunnel = Tunnel::to(server.addr, None);
    let proxy = Proxy::parse(&format!("http://{}", tunnel.addr)).expect("a proxy");
    let port = server.addr.port();
    let through = |host: &str| {
        let client = client(format!("wss://{host}:{port}/")).proxy(proxy.clone());
        client.connect()
    };
    let mut ws = through("localhost").expect("a connection");
    ws.send("hello").expect("it is open");
    assert_eq!(ws.read().expect("an echo"), Some("hello".into()));
    assert_eq!(
        tunnel.asked(),
        [format!("CONNECT localhost:{port} HTTP/1.1")]
    );
    let other = through("other.example").map(drop);
    let refused = matches!(other, Err(Error::Tls(TlsError::WrongName(..))));
    assert!(refused, "{other:?}");
}

/// The system's authorities know nothing of a certificate made a moment ago.
#[test]
fn without_a_root_of_its_own_a_client_believes_whom_the_machine_believes() {
    let server = TestServer::echo(limits());
    match enchufe::connect(&server.url("/")) {
        Err(Error::Tls(TlsError::UnknownIssuer | TlsError::NoRoots)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_without_tls_is_called_that() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("a bound listener");
    thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("somebody comes");
        let _ = tcp.read(&mut [0; 1024]);
        let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = tcp.read(&mut [0; 1024]); // until the other end has had enough
    });
    let error = refusal(addr, roots());
    assert!(matches!(error, TlsError::NotTls), "{error}");
}

#[test]
fn a_server_that_stops_in_the_middle_of_the_handshake_times_out_or_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("a bound listener");
    let short = client(format!("wss://{addr}/")).timeout(Duration::from_millis(300));
    let start = Instant::now();
    assert!(matches!(short.connect(), Err(Error::TimedOut)));
    assert!(start.elapsed() < Duration::from_secs(5));
    thread::spawn(move || {
        while let Ok((mut tcp, _)) = listener.accept() {
            let _ = tcp.read(&mut [0; 1024]);
        }
    });
    let gone = client(format!("wss://{addr}/")).connect();
    assert!(
        matches!(gone, Err(Error::ConnectionLost | Error::Io(_))),
        "{gone:?}"
    );
}

/// 1,000 bytes and not one more, or none, or one now and then: each is closed at its deadline, and nobody else waits.
#[test]
fn peers_that_stop_in_the_middle_of_the_handshake_hold_up_nobody() {
    let deadline = Duration::from_millis(400);
    let server = TestServer::echo(Limits {
        handshake_timeout: deadline,
        ..limits()
    });
    let hello = hello();
    let stalled: Vec<TcpStream> = (0..60)
        .map(|n| {
            let mut tcp = TcpStream::connect(server.addr).expect("a connection");
            tcp.write_all(&hello[..n * hello.len() / 60])
                .expect("it is open");
            tcp
        })
        .collect();
    let start = Instant::now();
    let mut other = server.open("/");
    other.send(masked(TEXT, "hello")).expect(TEXT, "hello");
    // The one whose ClientHello is all there but for a few bytes drips them.
    let mut dripping = stalled.last().expect("sixty of them");
    while start.elapsed() < deadline * 2 {
        let _ = dripping.write_all(&[0]); // it is refused in the middle of this
        thread::sleep(Duration::from_millis(20));
    }
    server.wait_for("only one is left", |counters| &counters.open, 1);
    other.send(masked(TEXT, "still")).expect(TEXT, "still");
}

/// A ClientHello that is whole, and then nothing.
#[test]
fn a_peer_that_never_finishes_the_handshake_is_closed_at_the_deadline() {
    let server = TestServer::echo(Limits {
        handshake_timeout: Duration::from_millis(300),
        ..limits()
    });
    let mut tcp = TcpStream::connect(server.addr).expect("a connection");
    tcp.write_all(&hello()).expect("it is open");
    tcp.set_read_timeout(Some(PATIENCE)).expect("a live socket");
    let start = Instant::now();
    let mut rest = Vec::new();
    let _ = tcp.read_to_end(&mut rest); // the server's half, and the end
    assert!(!rest.is_empty(), "no ServerHello");
    assert!(start.elapsed() < Duration::from_secs(5));
    server.wait_until_empty();
}

/// The first message of a handshake.
fn hello() -> Vec<u8> {
    let config = Arc::new(trusting(&ours().certificate));
    let name = "localhost".try_into().expect("a name");
    let mut tls = rustls::ClientConnection::new(config, name).expect("a good configuration");
    let mut hello = Vec::new();
    tls.write_tls(&mut hello).expect("a vector");
    hello
}

#[test]
fn plain_http_on_the_tls_port_gets_an_alert_and_the_end() {
    let server = TestServer::echo(limits());
    for words in [
        request("/", ""),
        "GET /\r\n".to_owned(),
        "SSH-2.0-x\r\n".to_owned(),
    ] {
        let mut peer = Peer::over(TcpStream::connect(server.addr).expect("a connection"));
        peer.send(&words);
        let (answer, end) = peer.release_buffers();
        // RFC 8446, 5.1 and 6: a record of type alert (21), fatal (2).
        assert_eq!((answer[0], answer[5]), (21, 2), "{words}");
        assert_eq!(end, End::Orderly, "{words}");
    }
    let mut other = server.open("/");
    other.send(masked(TEXT, "hello")).expect(TEXT, "hello");
}

#[test]
fn a_peer_that_vanishes_in_the_middle_of_the_handshake_leaves_nothing_behind() {
    let server = TestServer::echo(limits());
    let hello = hello();
    for n in [0, 1, 5, 50, hello.len()] {
        let mut tcp = TcpStream::connect(server.addr).expect("a connection");
        tcp.write_all(&hello[..n]).expect("it is open");
    }
    wait_until("they are accepted", || {
        server
            .counters
            .accepted
            .load(std::sync::atomic::Ordering::Relaxed)
            == 5
    });
    server.wait_until_empty();
}

#[test]
fn http_1_1_is_agreed_on_and_nothing_else_is_spoken() {
    let server = TestServer::echo(limits());
    let offers: [(&[&str], Option<&str>); 3] = [
        (&["h2", "http/1.1"], Some("http/1.1")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ];
    for (offered, agreed) in offers {
        let mut tls = tls(&server, |config| {
            config.alpn_protocols = offered
                .iter()
                .map(|name| name.as_bytes().to_vec())
                .collect();
        });
        tls.shake_hands().expect("they agree");
        let protocol = tls.state().alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(protocol.as_deref(), agreed.map(str::as_bytes));
    }
    let mut tls = tls(&server, |config| {
        config.alpn_protocols = vec![b"h2".to_vec()];
    });
    let refused = tls.shake_hands().expect_err("HTTP/2 alone").to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
}

#[test]
fn both_versions_of_tls_that_are_alive_are_spoken() {
    let server = TestServer::echo(limits());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut store = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(ours().certificate.as_bytes()).expect("PEM");
        store.add(root).expect("a certificate");
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_protocol_versions(&[version])
                .expect("a version of the provider")
                .with_root_certificates(store)
                .with_no_client_auth();
        let tcp = TcpStream::connect(server.addr).expect("a connection");
        let mut peer = Peer::on(Wire::Tls(Tls::with(tcp, Arc::new(config))));
        peer.upgrade("/");
        peer.send(masked(TEXT, "hello")).expect(TEXT, "hello");
    }
}

/// Who comes back shows a ticket, and is spared the certificate.
#[test]
fn a_client_that_comes_back_resumes() {
    let server = TestServer::echo(limits());
    let config = Arc::new(trusting(&ours().certificate));
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let tcp = TcpStream::connect(server.addr).expect("a connection");
        let tls = Tls::with(tcp, Arc::clone(&config));
        let handle = tls.try_clone().expect("a live socket");
        let mut peer = Peer::on(Wire::Tls(tls));
        peer.upgrade("/"); // and with it come the tickets
        assert_eq!(handle.state().handshake_kind(), Some(kind));
    }
}

fn tls(server: &TestServer, change: impl FnOnce(&mut rustls::ClientConfig)) -> Tls {
    let mut config = trusting(&ours().certificate);
    change(&mut config);
    let tcp = TcpStream::connect(server.addr).expect("a connection");
    Tls::with(tcp, Arc::new(config))
}
