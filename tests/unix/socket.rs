//! The file of a socket, and what a server knows of who comes through it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use enchufe::http::Response;
use enchufe::net::{Reply, RequestContext};
use enchufe::{Client, Error, Server, connect};

use crate::support::server::{TestServer, echo, limits};
use crate::support::tools::{available, skip};
use crate::support::wire::socket_file;

#[test]
fn the_file_is_there_while_the_server_runs_and_gone_after_it() {
    let path = socket_file();
    let running = Server::bind_unix(&path)
        .expect("a free name")
        .route("/", echo)
        .start();
    assert!(is_socket(&path));
    assert_eq!(running.url("/"), format!("ws+unix://{}:/", path.display()));
    let mut ws = connect(&running.url("/")).expect("a connection");
    ws.send("hello").expect("it is open");
    assert_eq!(ws.read().expect("an echo"), Some("hello".into()));
    assert_eq!(ws.peer_addr(), None);
    drop(ws);
    running.stop();
    assert!(!path.exists());
}

#[test]
fn a_server_that_never_ran_leaves_nothing_behind() {
    let path = socket_file();
    drop(Server::bind_unix(&path).expect("a free name"));
    assert!(!path.exists());
}

#[test]
fn a_file_that_somebody_listens_on_is_left_to_them_and_a_dead_one_is_replaced() {
    let path = socket_file();
    let first = Server::bind_unix(&path).expect("a free name");
    let error = Server::bind_unix(&path).expect_err("it is taken");
    assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}");
    let first = first.route("/", echo).start();
    connect(&first.url("/")).expect("it is still the first one's");
    first.stop();

    drop(UnixListener::bind(&path).expect("a free name")); // leaves its file, as a killed server does
    assert!(path.exists());
    let second = Server::bind_unix(&path)
        .expect("nobody listens")
        .route("/", echo)
        .start();
    connect(&second.url("/")).expect("the second one's");
}

/// Ten at once find the file of a dead server: one gets it, and nobody else is cut off from theirs.
#[test]
fn of_many_that_start_at_once_one_gets_the_place() {
    for _ in 0..20 {
        let path = socket_file();
        drop(UnixListener::bind(&path).expect("a free name"));
        let servers: Vec<_> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..10)
                .map(|_| scope.spawn(|| Server::bind_unix(&path)))
                .collect();
            let started = starting.into_iter().map(|it| it.join().expect("no panic"));
            started.filter_map(Result::ok).collect()
        });
        assert!(
            servers.len() <= 1,
            "{} think that they have it",
            servers.len()
        );
        if let Some(server) = servers.into_iter().next() {
            let server = server.route("/", echo).start();
            connect(&server.url("/")).expect("it is theirs");
        }
    }
}

/// unix(7): "connecting to the socket object requires write permission".
#[test]
fn whoever_may_write_to_the_file_may_connect_and_nobody_else() {
    let path = socket_file();
    let server = Server::bind_unix(&path).expect("a free name");
    let server = server.route("/", echo).start();
    let root = fs::metadata(&path).is_ok_and(|file| file.uid() == 0);
    if !root || !available("curl", &["--version"]) {
        return skip("it takes root to try as somebody else, and curl");
    }
    for (mode, may) in [(0o666, true), (0o600, false)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
        let stranger = Command::new("curl")
            .args(["-sS", "--max-time", "20", "http://localhost/"])
            .arg("--unix-socket")
            .arg(&path)
            .uid(65_534)
            .output()
            .expect("it was there a moment ago");
        assert_eq!(stranger.status.success(), may, "{mode:o}: {stranger:?}");
        connect(&server.url("/")).expect("root may");
    }
}

#[test]
fn tcp_and_unix_may_be_listened_on_at_once_and_the_peer_counts_as_local() {
    let path = socket_file();
    let server = Server::bind("127.0.0.1:0")
        .expect("a free port")
        .also_bind_unix(&path)
        .expect("a free name")
        .limits(enchufe::Limits {
            max_per_ip: 1, // loopback is exempt
            ..limits()
        })
        .service(|call: &RequestContext<'_>| {
            let words = format!("{} {}", call.peer.ip().is_loopback(), call.peer.port() == 0);
            Reply::Respond(Response::new(403).text(words))
        });
    assert_eq!(server.local_paths(), std::slice::from_ref(&path));
    assert_eq!(server.local_addrs().len(), 1);
    let running = server.start();
    let words = |client: Client| match client.connect() {
        Err(Error::UnexpectedStatus(answer)) => String::from_utf8(answer.body).expect("text"),
        other => panic!("{other:?}"),
    };
    assert_eq!(words(Client::new(running.url("/"))), "true false");
    for _ in 0..3 {
        let client = Client::new("ws://chat.example/x").unix_socket(&path);
        assert_eq!(words(client), "true true");
    }
}

#[test]
fn what_is_wrong_is_said_with_the_name_of_the_file() {
    let path = socket_file();
    let url = format!("ws+unix:{}:/", path.display());
    let error = connect(&url).expect_err("no file").to_string();
    assert!(error.ends_with(".sock: there is no such file"), "{error}");
    drop(UnixListener::bind(&path).expect("a free name"));
    let error = connect(&url).expect_err("a dead one").to_string();
    assert!(
        error.ends_with(".sock: no process listens there"),
        "{error}"
    );
    fs::remove_file(&path).expect("ours");
    fs::write(&path, "words").expect("a file");
    let error = Server::bind_unix(&path).expect_err("no socket");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    fs::remove_file(&path).expect("ours");
}

/// A server whose queue is full and who accepts nobody.
#[test]
fn a_server_that_accepts_nobody_times_out() {
    let path = socket_file();
    let _listener = UnixListener::bind(&path).expect("a free name");
    let client = Client::new("ws://localhost/")
        .unix_socket(&path)
        .timeout(Duration::from_millis(300));
    let start = Instant::now();
    assert!(matches!(client.connect(), Err(Error::TimedOut)));
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(UnixStream::connect(&path));
    fs::remove_file(&path).expect("ours");
}

#[test]
fn curl_and_node_find_the_way() {
    let server = TestServer::echo(limits());
    let url = server.url("/");
    let path = url
        .strip_prefix("ws+unix:")
        .and_then(|it| it.strip_suffix(":/"));
    let path = path.expect("a socket").to_owned();
    if available("curl", &["--version"]) {
        let curl = Command::new("curl")
            .args(["-sS", "--max-time", "20", "--unix-socket", &path])
            .args(["-o", "/dev/null", "-w", "%{http_code}", "http://localhost/"])
            .output()
            .expect("it was there a moment ago");
        // 426: a session is there, and no upgrade was asked for.
        assert_eq!(String::from_utf8_lossy(&curl.stdout), "426");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    if !available("node", &["--version"]) {
        return;
    }
    if !folder.join("node_modules/ws").is_dir() {
        return skip("the node packages are not installed: run `npm ci` in tests/node");
    }
    let script = "
        import WebSocket from 'ws';
        const ws = new WebSocket(process.argv[1]);
        ws.on('open', () => ws.send('hola'));
        ws.on('message', (data) => { console.log(String(data)); ws.close(); });
    ";
    let node = Command::new("node")
        .args(["--input-type=module", "-e", script, &url])
        .current_dir(folder)
        .output()
        .expect("it was there a moment ago");
    assert_eq!(
        String::from_utf8_lossy(&node.stdout),
        "hola\n",
        "{}",
        String::from_utf8_lossy(&node.stderr)
    );
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
}
