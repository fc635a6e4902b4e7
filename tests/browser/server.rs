//! The server whose pages are looked at.

use std::path::Path;

use crate::support::server_process::ServerProcess;
use crate::support::wire;

/// All services on a free port.
pub(crate) fn server() -> ServerProcess {
    ServerProcess::start(&[])
}

/// All services, and the files of a directory.
pub(crate) fn server_with_files(root: &Path) -> ServerProcess {
    let root = root.to_str().expect("a plain path");
    ServerProcess::start(&["--root", root, "--file-clients", "16"])
}

/// Where a page of it is.
pub(crate) fn at(server: &ServerProcess, path: &str) -> String {
    wire::page(server.addr, path)
}
