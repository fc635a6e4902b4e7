//! The file of a Unix-domain socket: it is ours from BIND to the end, and nobody else's is ever removed.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A file that was made by BIND. Dropping it removes it, if it is still the same.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
}

impl SocketFile {
    /// BIND and LISTEN on `path`. What a dead server left there is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::AddrInUse`] if somebody listens there, [`ErrorKind::AlreadyExists`] if it is something else than a
    /// socket, and what BIND reports.
    pub(crate) fn bind(path: &Path) -> io::Result<(UnixListener, Self)> {
        let whole = std::path::absolute(path)?; // so that it is found again wherever the process goes
        let _turn = turn(&whole);
        // As it was given: the system takes some 107 bytes.
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                clear(path)?;
                UnixListener::bind(path)?
            }
            outcome => outcome?,
        };
        let identity = identity(&fs::symlink_metadata(path)?);
        let path = whole;
        Ok((listener, Self { path, identity }))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path);
        if now.is_ok_and(|now| identity(&now) == self.identity) {
            let _ = fs::remove_file(&self.path); // somebody was faster, or may not let us
        }
    }
}

/// Servers that start at once take turns: between BIND and LISTEN a living one looks dead, and between a look at a dead one
/// and its removal somebody could take its place. The lock is on the folder, so that nothing is left behind; where it
/// cannot be had, there is none.
fn turn(path: &Path) -> Option<File> {
    let folder = File::open(path.parent()?).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Removes the socket of a dead server.
fn clear(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "there is a file of that name, and it is no socket",
        ));
    }
    if is_alive(path)? {
        return Err(in_use());
    }
    fs::remove_file(path)
}

/// Whether somebody listens on it.
fn is_alive(path: &Path) -> io::Result<bool> {
    match UnixStream::connect(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(false),
        Err(error) => Err(error),
    }
}

fn in_use() -> io::Error {
    io::Error::new(ErrorKind::AddrInUse, "another process listens there")
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path of its own for each test, in a folder that is there.
    fn path(name: &str) -> PathBuf {
        let name = format!("enchufe-{}-{name}.sock", std::process::id());
        std::env::temp_dir().join(name)
    }

    #[test]
    fn the_file_of_a_dead_server_is_replaced_and_ours_goes_with_us() {
        let path = path("dead");
        drop(UnixListener::bind(&path).expect("a new file")); // std leaves the file
        assert!(path.exists());
        let (listener, file) = SocketFile::bind(&path).expect("nobody listens");
        UnixStream::connect(&path).expect("we listen");
        drop(file);
        assert!(!path.exists());
        drop(listener);
    }

    #[test]
    fn a_living_server_keeps_its_file() {
        let path = path("living");
        let (_listener, _file) = SocketFile::bind(&path).expect("a new file");
        let error = SocketFile::bind(&path).map(drop).expect_err("it is taken");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        UnixStream::connect(&path).expect("it is where it was");
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let path = path("file");
        fs::write(&path, "precious").expect("a file");
        let error = SocketFile::bind(&path).map(drop).expect_err("a file");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("it is there"), b"precious");
        fs::remove_file(&path).expect("ours");
    }

    #[test]
    fn a_file_that_somebody_else_put_there_is_not_removed() {
        let path = path("theirs");
        let (_listener, file) = SocketFile::bind(&path).expect("a new file");
        fs::remove_file(&path).expect("ours");
        fs::write(&path, "theirs").expect("a file");
        drop(file);
        assert!(path.exists());
        fs::remove_file(&path).expect("ours");
    }
}
