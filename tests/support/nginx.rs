//! nginx with a configuration out of the guide, as far as it can be taken literally: what a test changes is where it listens
//! and whom it asks, and there is no certificate.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::folder::Folder;

/// nginx in front of a server, or of several; ended when the test is done with it.
pub(crate) struct Nginx {
    child: Child,
    pub(crate) addr: SocketAddr,
    _folder: Folder,
}

/// The one block for nginx in a page of the guide that has a `server` in it, without the certificate, which is not there.
pub(crate) fn site_of(guide: &str) -> String {
    let blocks = guide.split("```nginx\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap_or_default());
    let mut sites = blocks.filter(|block| block.contains("server {"));
    let site = sites.next().expect("the guide has it");
    assert_eq!(sites.next(), None, "which of them?");
    let lines = site
        .lines()
        .filter(|line| !line.contains("ssl_certificate"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Replaces what must be there.
#[track_caller]
pub(crate) fn replaced(site: &str, from: &str, to: &str) -> String {
    assert!(site.contains(from), "no {from:?} in the guide");
    site.replace(from, to)
}

impl Nginx {
    /// One that listens on a free port instead of where the `site` says. Its processes share nothing that the site does not
    /// tell them to share.
    pub(crate) fn start(site: &str) -> Nginx {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Free a moment ago. If somebody took it meanwhile, nginx ends and another is tried.
            let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
            let addr = free.expect("a free port");
            let folder = Folder::new();
            let site = replaced(site, "listen 443 ssl;", &format!("listen {addr};"));
            let mut nginx = Nginx {
                child: spawn(&folder, &site),
                addr,
                _folder: folder,
            };
            while nginx.child.try_wait().expect("a child").is_none() {
                if TcpStream::connect(addr).is_ok() {
                    return nginx;
                }
                assert!(Instant::now() < deadline, "nginx does not listen");
                thread::sleep(Duration::from_millis(10));
            }
            assert!(Instant::now() < deadline, "nginx does not start");
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // In order, so that its workers end too; at once, because WebSockets may still be open.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Folder, site: &str) -> Child {
    let path = folder.name();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {path}/{name};"))
        .join(" ");
    folder.write(
        "nginx.conf",
        format!(
            "daemon off; pid {path}/pid; error_log stderr; worker_processes 2; events {{}}\n\
             http {{ access_log off; {temporary}\n{site} }}\n"
        ),
    );
    let config = format!("{path}/nginx.conf");
    Command::new("nginx")
        .args(["-e", "stderr", "-p", path, "-c", &config])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it is there")
}

/// Far more than it takes.
const PATIENCE: Duration = Duration::from_secs(20);
