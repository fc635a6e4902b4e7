//! The file of a Unix-domain socket: created at BIND, removed at the end. Files of other processes are never removed.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A file created by BIND. Dropping it removes the file, unless another has taken its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode number of the file.
    identity: (u64, u64),
}

impl SocketFile {
    /// BIND and LISTEN on `path`. The socket of a dead server is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::AddrInUse`] if another process listens there, [`ErrorKind::AlreadyExists`] for a file that is not a
    /// socket, and errors of BIND.
    pub(crate) fn bind(path: &Path) -> io::Result<(UnixListener, Self)> {
        let absolute = std::path::absolute(path)?; // valid even if the working directory changes
        let _lock = lock_directory(&absolute);
        // The path as given: the system accepts about 107 bytes.
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                clear(path)?;
                UnixListener::bind(path)?
            }
            outcome => outcome?,
        };
        let identity = identity(&fs::symlink_metadata(path)?);
        let path = absolute;
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
            let _ = fs::remove_file(&self.path); // removed already, or not permitted
        }
    }
}

/// Locks the directory, so that servers that start at the same time do it one after another. Between BIND and LISTEN a
/// live socket looks dead, and between the check and the removal of a dead one another server could replace it. Returns
/// `None` where the directory cannot be locked.
fn lock_directory(path: &Path) -> Option<File> {
    let directory = File::open(path.parent()?).ok()?;
    directory.lock().ok()?;
    Some(directory)
}

/// Removes the socket of a dead server.
fn clear(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "a file of that name exists and is not a socket",
        ));
    }
    if is_alive(path)? {
        return Err(in_use());
    }
    fs::remove_file(path)
}

/// Whether a process listens on the socket.
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

    /// A path for each test, in an existing directory.
    fn path(name: &str) -> PathBuf {
        let name = format!("enchufe-{}-{name}.sock", std::process::id());
        std::env::temp_dir().join(name)
    }

    #[test]
    fn the_file_of_a_dead_server_is_replaced_and_removed_at_the_end() {
        let path = path("dead");
        drop(UnixListener::bind(&path).expect("a new file")); // std leaves the file
        assert!(path.exists());
        let (listener, file) = SocketFile::bind(&path).expect("no listener");
        UnixStream::connect(&path).expect("we listen");
        drop(file);
        assert!(!path.exists());
        drop(listener);
    }

    #[test]
    fn a_live_server_keeps_its_file() {
        let path = path("living");
        let (_listener, _file) = SocketFile::bind(&path).expect("a new file");
        let error = SocketFile::bind(&path).map(drop).expect_err("it is taken");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        UnixStream::connect(&path).expect("it is where it was");
    }

    #[test]
    fn a_file_that_is_not_a_socket_is_left_alone() {
        let path = path("file");
        fs::write(&path, "precious").expect("a file");
        let error = SocketFile::bind(&path).map(drop).expect_err("a file");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("it is there"), b"precious");
        fs::remove_file(&path).expect("ours");
    }

    #[test]
    fn a_file_of_another_process_is_not_removed() {
        let path = path("theirs");
        let (_listener, file) = SocketFile::bind(&path).expect("a new file");
        fs::remove_file(&path).expect("ours");
        fs::write(&path, "theirs").expect("a file");
        drop(file);
        assert!(path.exists());
        fs::remove_file(&path).expect("ours");
    }
}
