//! The other end of TLS, on rustls alone, and certificates for it.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use enchufe::net::{TlsIdentity, TlsRoots};
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// A certificate and its private key, as PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A certificate for this machine that has signed itself, changed by `change`.
pub(crate) fn pair(change: impl FnOnce(&mut CertificateParams)) -> Pair {
    let names = [
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let mut params = CertificateParams::new(names).expect("good names");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}

/// The one that the servers of a test program have.
pub(crate) fn ours() -> &'static Pair {
    static OURS: OnceLock<Pair> = OnceLock::new();
    OURS.get_or_init(|| pair(|_| ()))
}

pub(crate) fn identity() -> TlsIdentity {
    static IDENTITY: OnceLock<TlsIdentity> = OnceLock::new();
    let make = || {
        let Pair { certificate, key } = ours();
        TlsIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).expect("a good pair")
    };
    IDENTITY.get_or_init(make).clone()
}

pub(crate) fn roots() -> TlsRoots {
    static ROOTS: OnceLock<TlsRoots> = OnceLock::new();
    let make = || TlsRoots::from_pem(ours().certificate.as_bytes()).expect("a good root");
    ROOTS.get_or_init(make).clone()
}

/// Our certificate in a file, for programs of other people.
pub(crate) fn root_file() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = temporary("root");
        fs::write(&path, &ours().certificate).expect("a file");
        path
    })
}

/// The private key in a file, for the program.
pub(crate) fn key_file() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = temporary("key");
        fs::write(&path, &ours().key).expect("a file");
        path
    })
}

/// A file of this process and this copy of the module: a test program may have several, each with a pair of its own.
fn temporary(kind: &str) -> PathBuf {
    let copy = module_path!().replace("::", "-");
    let name = format!("{kind}-{copy}-{}.pem", std::process::id());
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The SHA-256 of our public key, as browsers pin one.
pub(crate) fn key_hash() -> String {
    let key = KeyPair::from_pem(&ours().key).expect("a key");
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let sha256 = suite
        .tls13()
        .expect("a suite of TLS 1.3")
        .common
        .hash_provider;
    STANDARD.encode(sha256.hash(&key.subject_public_key_info()).as_ref())
}

/// A client configuration that trusts `root` alone.
pub(crate) fn trusting(root: &str) -> ClientConfig {
    let mut store = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(root.as_bytes()).expect("PEM");
    store.add(root).expect("a certificate");
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the versions of the provider")
        .with_root_certificates(store)
        .with_no_client_auth()
}

/// The client's end of a TLS connection. One thread may read while another writes.
pub(crate) struct Tls {
    pub(crate) tcp: TcpStream,
    state: Arc<Mutex<ClientConnection>>,
    /// Held while records are on their way, so that they leave in the order in which they were sealed.
    order: Arc<Mutex<()>>,
    /// Received, and more than rustls takes before the plaintext is taken.
    early: Vec<u8>,
}

impl Tls {
    pub(crate) fn client(tcp: TcpStream) -> Self {
        static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        let config = CONFIG.get_or_init(|| Arc::new(trusting(&ours().certificate)));
        Self::with(tcp, Arc::clone(config))
    }

    /// The handshake happens with the first bytes that are written or read.
    pub(crate) fn with(tcp: TcpStream, config: Arc<ClientConfig>) -> Self {
        let name = "localhost".try_into().expect("a name");
        let state = ClientConnection::new(config, name).expect("a good configuration");
        Self {
            tcp,
            state: Arc::new(Mutex::new(state)),
            order: Arc::default(),
            early: Vec::new(),
        }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            tcp: self.tcp.try_clone()?,
            state: Arc::clone(&self.state),
            order: Arc::clone(&self.order),
            early: Vec::new(),
        })
    }

    /// The TLS handshake, unless it is done.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        let mut state = self.state.lock().expect("no panic");
        while state.is_handshaking() {
            state.complete_io(&mut self.tcp)?;
        }
        Ok(())
    }

    pub(crate) fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.shake_hands()?;
        while !bytes.is_empty() {
            let _order = self.order.lock().expect("no panic");
            let taken = self.state().writer().write(bytes)?;
            bytes = &bytes[taken..];
            self.push()?;
        }
        Ok(())
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.shake_hands()?;
        let mut records = [0; 4 * 1024];
        loop {
            match self.state().reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if self.early.is_empty() {
                let count = self.tcp.read(&mut records)?;
                if count == 0 {
                    return Err(ErrorKind::UnexpectedEof.into()); // no close_notify: cut off
                }
                self.early.extend(&records[..count]);
            }
            let mut early = &self.early[..];
            let mut state = self.state();
            if state.read_tls(&mut early)? > 0 {
                state.process_new_packets().map_err(io::Error::other)?;
            } else {
                early = &[];
            }
            let left = early.to_vec();
            drop(state);
            self.early = left;
        }
    }

    pub(crate) fn close_notify(&mut self) -> io::Result<()> {
        let _order = self.order.lock().expect("no panic");
        self.state().send_close_notify();
        self.push()
    }

    /// What the handshake has agreed on.
    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, ClientConnection> {
        self.state.lock().expect("no panic")
    }

    fn push(&self) -> io::Result<()> {
        let mut records = Vec::new();
        let mut state = self.state();
        while state.wants_write() {
            state.write_tls(&mut records)?;
        }
        drop(state);
        (&self.tcp).write_all(&records)
    }
}
