//! Errors of certificates, keys and TLS peers: one line each, with the fix if there is one.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The reason why TLS failed: the local certificate, that of the peer, or the handshake.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The library was built without the feature `tls`.
    NotBuiltIn,
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The named file or text contains no certificate.
    NoCertificate(String),
    /// The named file or text contains no private key.
    NoKey(String),
    /// The certificate is malformed.
    BadCertificate(String),
    /// The private key is malformed or of an unsupported type.
    BadKey(String),
    /// The private key does not match the certificate.
    WrongKey,
    /// The certificate expired this long ago.
    Expired(Duration),
    /// The certificate becomes valid after this time.
    NotYetValid(Duration),
    /// No trusted authority signed the peer's certificate.
    UnknownIssuer,
    /// The certificate is for other names (the second) than the requested one (the first).
    WrongName(String, Vec<String>),
    /// The peer's certificate is for a certificate authority, and not valid for a server.
    IsAuthority,
    /// The system has no list of trusted authorities.
    NoRoots,
    /// The name is not valid in a certificate.
    BadName(String),
    /// The peer does not speak TLS.
    NotTls,
    /// The peer rejected the handshake, in its words.
    Refused(String),
    /// Any other error of the handshake, in the words of rustls.
    Handshake(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuiltIn => {
                f.write_str("TLS is not built in: build with --features tls")
            }
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::NoCertificate(place) => write!(
                f,
                "{place} contains no certificate: it must be PEM with a line -----BEGIN CERTIFICATE-----"
            ),
            Self::NoKey(place) => write!(
                f,
                "{place} contains no private key: it must be unencrypted PEM with a line -----BEGIN PRIVATE KEY-----"
            ),
            Self::BadCertificate(place) => {
                write!(f, "the certificate in {place} is malformed")
            }
            Self::BadKey(place) => write!(
                f,
                "the private key in {place} cannot be used: it must be RSA, ECDSA on P-256 or P-384, or Ed25519"
            ),
            Self::WrongKey => f.write_str("the private key does not match the certificate"),
            Self::Expired(since) => write!(f, "the certificate expired {} ago", Rough(*since)),
            Self::NotYetValid(wait) => write!(
                f,
                "the certificate is not valid yet, only in {}: check the clock",
                Rough(*wait)
            ),
            Self::UnknownIssuer => {
                f.write_str("the server's certificate is not signed by a trusted authority")
            }
            Self::WrongName(asked, names) => {
                write!(f, "the server's certificate is not for {asked}")?;
                match names.as_slice() {
                    [] => Ok(()),
                    names => write!(f, ", but for {}", names.join(", ")),
                }
            }
            Self::IsAuthority => f.write_str(
                "the server's certificate is for a certificate authority (CA:TRUE), not for a server",
            ),
            Self::NoRoots => f.write_str(
                "this system has no trusted authorities: install ca-certificates, or name a root",
            ),
            Self::BadName(name) => write!(f, "the name {name} is not valid in a certificate"),
            Self::NotTls => f.write_str("the peer does not speak TLS"),
            Self::Refused(words) => write!(f, "the peer rejected the TLS handshake: {words}"),
            Self::Handshake(words) => write!(f, "the TLS handshake failed: {words}"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            _ => None,
        }
    }
}

/// A duration in its largest unit, rounded down.
struct Rough(Duration);

impl fmt::Display for Rough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (count, unit) = match seconds {
            ..60 => (seconds, "second"),
            60..3_600 => (seconds / 60, "minute"),
            3_600..86_400 => (seconds / 3_600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_shown_in_its_largest_unit() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "1 minute"),
            (7_200, "2 hours"),
            (86_400, "1 day"),
            (40_000_000, "462 days"),
        ] {
            assert_eq!(Rough(Duration::from_secs(seconds)).to_string(), words);
        }
    }

    #[test]
    fn a_wrong_name_is_shown_beside_the_right_ones() {
        let error = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            TlsError::WrongName("a.example".to_owned(), names).to_string()
        };
        assert_eq!(error(&[]), "the server's certificate is not for a.example");
        assert_eq!(
            error(&["b.example", "c.example"]),
            "the server's certificate is not for a.example, but for b.example, c.example"
        );
    }
}
