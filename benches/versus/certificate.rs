//! A certificate for 127.0.0.1 that has signed itself, for the cells over TLS: every server shows it, and the load
//! generator trusts nothing else.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// PEM files.
pub(crate) struct Certificate {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// Makes one, with a key on P-256, as most are today.
    pub(crate) fn make(folder: &Path) -> io::Result<Self> {
        let names = ["127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        let files = Self {
            chain: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
        };
        fs::write(&files.chain, made.cert.pem())?;
        fs::write(&files.key, made.signing_key.serialize_pem())?;
        Ok(files)
    }

    /// Their names, as arguments.
    pub(crate) fn args(&self) -> [String; 2] {
        [&self.chain, &self.key].map(|file| file.display().to_string())
    }
}
