//! The server whose pages are looked at.

use std::path::Path;

use enchufe::services::files::Files;
use enchufe::services::{Router, Settings};

use crate::support::server::{TestServer, limits};
use crate::support::wire;

/// All services on a free port.
pub(crate) fn server() -> TestServer {
    TestServer::with(limits(), Router::new(Settings::default()))
}

/// All services, and the files of a folder.
pub(crate) fn server_with_files(root: &Path) -> TestServer {
    let files = Files::new(root, 16).expect("a folder");
    TestServer::with(limits(), Router::new(Settings::default()).with_files(files))
}

/// Where a page of it is.
pub(crate) fn at(server: &TestServer, path: &str) -> String {
    wire::page(server.addr, path)
}
