//! Tokens: those that the server takes, and the one that a client brings. What is wrong with one is said without showing it.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::auth::Tokens;
use log::{error, info, warn};

use crate::cli::exit_error::Failure;
use crate::log_targets::CLI;

/// The tokens in a file; none without a file, and then the server is open to all.
pub fn taken(file: Option<&Path>) -> Result<Tokens, Failure> {
    let Some(file) = file else {
        return Ok(Tokens::default());
    };
    Tokens::parse(&read(file)?).map_err(|error| cannot(file, &error))
}

/// Reads the file again; if there is anything wrong with it, the old tokens stay.
pub fn renew(tokens: &Tokens, file: &Path) {
    match taken(Some(file)) {
        Ok(new) => {
            tokens.replace(&new);
            info!(target: CLI, "SIGHUP: newcomers need a token that is in the file now");
        }
        Err(error) => error!(target: CLI, "SIGHUP: the old tokens stay: {error}"),
    }
}

/// What a client brings: the token it was given, or else the first one in a file.
pub fn brought(token: &str, file: Option<&Path>) -> Result<Option<String>, Failure> {
    if !token.is_empty() {
        return match is_token(token) {
            true => Ok(Some(token.to_owned())),
            false => Err(Failure::Usage(format!("--token: {FORM}"))),
        };
    }
    let Some(file) = file else {
        return Ok(None);
    };
    let text = read(file)?;
    let mut lines = text.lines().map(str::trim);
    match lines.find(|line| !line.is_empty() && !line.starts_with('#')) {
        Some(token) if is_token(token) => Ok(Some(token.to_owned())),
        Some(_) => Err(cannot(file, &FORM)),
        None => Err(cannot(file, &"there is no token in it")),
    }
}

/// The field that brings it ([RFC 6750, 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
pub fn field(token: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer {token}"))
}

/// RFC 6750, 2.1: `b64token`. Servers of others have other tokens than ours.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(plain)
}

fn read(file: &Path) -> Result<String, Failure> {
    let open = || -> io::Result<String> {
        let opened = File::open(file)?;
        if is_readable_by_all(&opened.metadata()?) {
            let file = file.display();
            warn!(target: CLI, "{file} can be read by everybody on this machine: chmod 600 it");
        }
        let mut text = String::new();
        opened.take(MOST + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = open().map_err(|error| cannot(file, &error))?;
    match text.len() as u64 > MOST {
        true => Err(cannot(file, &"it is too long to be a list of tokens")),
        false => Ok(text),
    }
}

#[cfg(unix)]
fn is_readable_by_all(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_readable_by_all(_: &Metadata) -> bool {
    false
}

fn cannot(file: &Path, why: &dyn fmt::Display) -> Failure {
    let file = file.display();
    Failure::Failed(format!("cannot take a token from {file}: {why}"))
}

const FORM: &str = "a token has letters, digits and -._~+/ only, and = at its end";
/// Thousands of tokens, in bytes; a device that never ends is no file of tokens.
const MOST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_brings_any_token_of_rfc_6750() {
        for token in ["abc", "mF_9.B5f-4.1JqM", "a+b/c~d==", "0"] {
            assert_eq!(brought(token, None), Ok(Some(token.to_owned())));
        }
        for token in ["a b", "a\r\nX: y", "ñ", "=", "a=b", "\"a\""] {
            let Err(Failure::Usage(text)) = brought(token, None) else {
                panic!("{token:?}");
            };
            assert!(text.starts_with("--token: "), "{text}");
        }
        assert_eq!(brought("", None), Ok(None));
    }
}
