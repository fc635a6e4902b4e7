//! Bearer tokens of the server and of the clients. Error texts never contain a token.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::auth::Tokens;
use log::{error, info, warn};

use crate::cli::exit_error::Failure;
use crate::log_targets::CLI;

/// Loads the tokens of the server. Without a file there are none, and every request is allowed.
pub fn for_server(file: Option<&Path>) -> Result<Tokens, Failure> {
    let Some(file) = file else {
        return Ok(Tokens::default());
    };
    Tokens::parse(&read(file)?).map_err(|error| cannot(file, &error))
}

/// Reloads the file. If it has an error, the old tokens stay in use.
pub fn reload(tokens: &Tokens, file: &Path) {
    match for_server(Some(file)) {
        Ok(new) => {
            tokens.replace(&new);
            info!(target: CLI, "SIGHUP: tokens reloaded; new requests need one of them");
        }
        Err(error) => {
            error!(target: CLI, "SIGHUP: cannot reload the tokens, the old ones stay in use: {error}");
        }
    }
}

/// Returns the token of a client: the given one, or else the first in the file.
pub fn for_client(token: &str, file: Option<&Path>) -> Result<Option<String>, Failure> {
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
        None => Err(cannot(file, &"it contains no token")),
    }
}

/// Returns the header that carries a token ([RFC 6750, 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
pub fn authorization_header(token: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer {token}"))
}

/// Whether a text is a `b64token` (RFC 6750, 2.1). Other servers accept more tokens than this one.
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
            warn!(target: CLI, "{file} is readable by every user of this machine: chmod 600 it");
        }
        let mut text = String::new();
        opened.take(MAX_FILE_SIZE + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = open().map_err(|error| cannot(file, &error))?;
    match text.len() as u64 > MAX_FILE_SIZE {
        true => Err(cannot(file, &"it is larger than 1 MiB")),
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
    Failure::Failed(format!("cannot read tokens from {file}: {why}"))
}

const FORM: &str = "a token consists of letters, digits and -._~+/, with optional = at its end";
/// Maximum size of a token file, so that an endless device is rejected.
const MAX_FILE_SIZE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_brings_any_token_of_rfc_6750() {
        for token in ["abc", "mF_9.B5f-4.1JqM", "a+b/c~d==", "0"] {
            assert_eq!(for_client(token, None), Ok(Some(token.to_owned())));
        }
        for token in ["a b", "a\r\nX: y", "ñ", "=", "a=b", "\"a\""] {
            let Err(Failure::Usage(text)) = for_client(token, None) else {
                panic!("{token:?}");
            };
            assert!(text.starts_with("--token: "), "{text}");
        }
        assert_eq!(for_client("", None), Ok(None));
    }
}
