//! A directory for one test, with files in it, gone when the test is done.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("enchufe-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn name(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.join(path);
        let above = path.parent().expect("a file has a folder");
        fs::create_dir_all(above).expect("a folder");
        fs::write(path, content).expect("a file");
        self
    }

    /// Writes a file of zeros that takes no space.
    pub(crate) fn write_zeros(&self, path: &str, length: u64) -> &Self {
        let file = File::create(self.0.join(path)).expect("a file");
        file.set_len(length).expect("a sparse file");
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // what is left over lies in the system's own directory for that
    }
}
