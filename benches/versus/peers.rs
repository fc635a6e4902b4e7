//! Who is compared: this server first, then the programs of `benches/peers`, then what else the machine has.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cells::{Cell, Kind};
use crate::certificate::Certificate;
use crate::options::Options;

pub(crate) struct Peer {
    pub(crate) name: String,
    echo: Vec<String>,
    /// With permessage-deflate, as it comes.
    deflate: Option<Vec<String>>,
    fan_out: Option<Vec<String>>,
    /// Whether it can do the same over TLS.
    tls: bool,
    /// What its connections ask for, and how its fan-out speaks.
    dialect: Dialect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// This server: a service per path, and a chat with names, an order and a history.
    Services,
    /// One service on any path, and a fan-out that only forwards.
    Plain,
    /// No WebSocket at all.
    Raw,
}

/// Builds the other servers and the load generator, and says where they are.
pub(crate) fn build(root: &Path, target: &Path) -> io::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
        ])
        .arg(root.join("benches/peers/Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if status.success() {
        Ok(target.join("release"))
    } else {
        Err(io::Error::other("benches/peers does not build"))
    }
}

pub(crate) fn chosen(options: &Options, programs: &Path, root: &Path) -> Vec<Peer> {
    let program = |file: &str| programs.join(file).display().to_string();
    let serve = "serve --bind 127.0.0.1:0 --rate 0 --max-per-ip 0 --log error";
    let mut ours = vec![env!("CARGO_BIN_EXE_enchufe").to_owned()];
    ours.extend(serve.split(' ').map(str::to_owned));
    let mut peers = vec![Peer {
        name: US.to_owned(),
        fan_out: Some(ours.clone()),
        deflate: Some([ours.as_slice(), &["--deflate".to_owned()]].concat()),
        echo: ours,
        tls: true,
        dialect: Dialect::Services,
    }];
    for name in ["tungstenite-threads", "tokio-tungstenite"] {
        let command = vec![program(&name.replace('-', "_"))];
        peers.push(Peer {
            tls: true,
            ..Peer::new(name, command, Dialect::Plain, true)
        });
    }
    for (name, file, dialect) in [
        ("fastwebsockets", "fastwebsockets", Dialect::Plain),
        ("raw-threads", "raw_threads", Dialect::Raw),
        ("raw-epoll", "raw_epoll", Dialect::Raw),
    ] {
        peers.push(Peer::new(name, vec![program(file)], dialect, false));
    }
    match node(root) {
        Ok(command) => {
            let deflate = [command.as_slice(), &["deflate".to_owned()]].concat();
            peers.push(Peer {
                deflate: Some(deflate),
                ..Peer::new("node-ws", command, Dialect::Plain, true)
            });
        }
        Err(why) => println!("node-ws is left out: {why}"),
    }
    for (name, command) in &options.further {
        let command = command.split_whitespace().map(str::to_owned).collect();
        peers.push(Peer::new(name, command, Dialect::Plain, true));
    }
    peers.retain(|peer| {
        options.peers.is_empty() || peer.name == US || options.peers.contains(&peer.name)
    });
    peers
}

impl Peer {
    fn new(name: &str, command: Vec<String>, dialect: Dialect, fans_out: bool) -> Self {
        let with = |service: &str| [command.as_slice(), &[service.to_owned()]].concat();
        Self {
            name: name.to_owned(),
            echo: with("echo"),
            deflate: None,
            fan_out: fans_out.then(|| with("fan-out")),
            tls: false,
            dialect,
        }
    }

    /// What starts it for this cell; `None` if it has nothing to do with it.
    pub(crate) fn command(&self, cell: &Cell, certificate: &Certificate) -> Option<Vec<String>> {
        let mut command = match cell.kind {
            Kind::Echo => Some(&self.echo),
            Kind::Deflate => self.deflate.as_ref(),
            Kind::Idle | Kind::Connects if self.dialect != Dialect::Raw => Some(&self.echo),
            Kind::Idle | Kind::Connects => None,
            Kind::FanOut => self.fan_out.as_ref(),
        }?
        .clone();
        if cell.tls {
            let [chain, key] = certificate.args();
            match self.dialect {
                _ if !self.tls => return None,
                Dialect::Services => {
                    command.extend(["--tls-cert".to_owned(), chain, "--tls-key".to_owned(), key]);
                }
                Dialect::Plain | Dialect::Raw => command.extend([chain, key]),
            }
        }
        Some(command)
    }

    /// What the load generator must know about it.
    pub(crate) fn load_args(&self, kind: Kind) -> &'static [&'static str] {
        match (self.dialect, kind) {
            (Dialect::Raw, _) => &["--raw", "true"],
            (Dialect::Services, Kind::FanOut) => &["--path", "/?name=user{}", "--chat", "true"],
            (Dialect::Services, _) => &["--path", "/echo"],
            (Dialect::Plain, _) => &["--path", "/"],
        }
    }
}

/// Node and its `ws` package, if both are here; the package is looked for where Node looks, so `NODE_PATH` helps.
fn node(root: &Path) -> Result<Vec<String>, &'static str> {
    let quiet = |code: &str| {
        let mut command = Command::new("node");
        command
            .args(["-e", code])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !quiet("") {
        return Err("there is no node");
    }
    if !quiet("require('ws')") {
        return Err(
            "node does not find the package ws (npm install ws somewhere, and NODE_PATH=.../node_modules)",
        );
    }
    let script = root.join("benches/peers/node/ws.cjs");
    Ok(vec!["node".to_owned(), script.display().to_string()])
}

/// The one the others are compared with.
pub(crate) const US: &str = "enchufe";
