//! What can be wrong with certificates and keys, and with a peer that should speak TLS: one line for each, that says what
//! to do where something can be done.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no TLS: with one's own certificate, with that of the peer, or in the handshake.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The library was built without the feature `tls`.
    NotBuiltIn,
    /// A file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// There is no certificate in it, which is named as a person would.
    NoCertificate(String),
    /// There is no private key in it.
    NoKey(String),
    /// What is in it is no certificate that can be understood.
    BadCertificate(String),
    /// The private key in it is of no kind that can be used.
    BadKey(String),
    /// The private key is not that of the certificate.
    WrongKey,
    /// The certificate is over, since so long.
    Expired(Duration),
    /// The certificate begins in so long.
    NotYetValid(Duration),
    /// Nobody who is trusted has signed the peer's certificate.
    UnknownIssuer,
    /// The peer's certificate is for other names (the second) than the one asked for (the first).
    WrongName(String, Vec<String>),
    /// The peer's certificate is one for signing others, and must not stand for a server.
    IsAuthority,
    /// This machine has no list of authorities that it trusts.
    NoRoots,
    /// A name that no certificate can be for.
    BadName(String),
    /// The peer does not speak TLS.
    NotTls,
    /// The peer refused, in its words.
    Refused(String),
    /// Anything else that broke the handshake, in the words of rustls.
    Handshake(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuiltIn => {
                f.write_str("TLS is not built in: it takes the feature tls, cargo build --features tls")
            }
            Self::Unreadable(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::NoCertificate(place) => write!(
                f,
                "{place} holds no certificate: it has to be PEM, with a line -----BEGIN CERTIFICATE-----"
            ),
            Self::NoKey(place) => write!(
                f,
                "{place} holds no private key: it has to be PEM, with a line -----BEGIN PRIVATE KEY-----, not encrypted"
            ),
            Self::BadCertificate(place) => {
                write!(f, "the certificate in {place} cannot be understood")
            }
            Self::BadKey(place) => write!(
                f,
                "the private key in {place} cannot be used: it has to be RSA, ECDSA on P-256 or P-384, or Ed25519"
            ),
            Self::WrongKey => f.write_str("the private key is not that of the certificate"),
            Self::Expired(since) => write!(f, "the certificate expired {} ago", Rough(*since)),
            Self::NotYetValid(wait) => write!(
                f,
                "the certificate is not valid yet, but in {}: is the clock right?",
                Rough(*wait)
            ),
            Self::UnknownIssuer => {
                f.write_str("the server's certificate was signed by nobody who is trusted here")
            }
            Self::WrongName(asked, names) => {
                write!(f, "the server's certificate is not for {asked}")?;
                match names.as_slice() {
                    [] => Ok(()),
                    names => write!(f, ", but for {}", names.join(", ")),
                }
            }
            Self::IsAuthority => f.write_str(
                "the server's certificate is one that signs others (CA:TRUE), and must not stand for a server",
            ),
            Self::NoRoots => f.write_str(
                "this machine has no list of trusted authorities: install ca-certificates, or name a root",
            ),
            Self::BadName(name) => write!(f, "no certificate can be for the name {name}"),
            Self::NotTls => f.write_str("the peer does not speak TLS"),
            Self::Refused(words) => write!(f, "the peer refuses the TLS handshake: {words}"),
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

/// A length of time as a person says it: its largest unit, rounded down.
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
    fn a_time_is_said_in_its_largest_unit() {
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
