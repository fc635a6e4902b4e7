//! A request path as a path below the directory, or nothing: there is no way up and none to hidden files.

use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

use enchufe::http::percent_decode;

/// A path that has only plain names in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    names: Vec<String>,
    folder: bool,
}

impl Target {
    /// `None` for whatever could leave the directory or reach what was not meant to be served: `..` and `.` in any
    /// encoding, empty names, NUL, backslashes, drive letters, dotfiles, backups.
    pub fn parse(path: &str) -> Option<Self> {
        let decoded = String::from_utf8(percent_decode(path).ok()?).ok()?;
        let inner = decoded.strip_prefix('/')?;
        let folder = inner.is_empty() || inner.ends_with('/');
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let names: Vec<String> = match inner {
            "" => Vec::new(),
            inner => inner.split('/').map(str::to_owned).collect(),
        };
        names
            .iter()
            .all(|name| is_plain(name))
            .then_some(Self { names, folder })
    }

    pub fn relative(&self) -> PathBuf {
        self.names.iter().collect()
    }

    pub fn names_folder(&self) -> bool {
        self.folder
    }

    /// The path with a slash at its end. It begins with exactly one slash, so it can never name another host.
    pub fn as_folder(&self) -> String {
        let mut location = "/".to_owned();
        for name in &self.names {
            for byte in name.bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    location.push(char::from(byte));
                } else {
                    let _ = write!(location, "%{byte:02X}"); // a String takes everything
                }
            }
            location.push('/');
        }
        location
    }
}

/// Whether a path below the directory has a name in it that is not served.
pub fn is_hidden(relative: &Path) -> bool {
    relative.components().any(|component| match component {
        Component::Normal(name) => !name.to_str().is_some_and(is_plain),
        _ => true,
    })
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.ends_with('~')
        && !name.contains(|c: char| c.is_control() || matches!(c, '\\' | '/' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_stay_below_the_folder() {
        let target = Target::parse("/img/a%20b.png").expect("a plain path");
        assert_eq!(target.relative(), Path::new("img/a b.png"));
        assert!(!target.names_folder());
        assert!(Target::parse("/").expect("the folder").names_folder());
    }

    #[test]
    fn nothing_that_could_lead_elsewhere_is_a_path() {
        for path in [
            "/../x",
            "/%2e%2e/x",
            "/..%2fx",
            "/%2e%2e%5cx",
            "/....//x",
            "/%252e%252e/../x",
            "/%c0%ae/x",
            "//etc/passwd",
            "/C:/x",
            "/a/%00.html",
            "/.git/config",
            "/.env",
            "/x.html~",
            "/a/./b",
            "/a\\b",
            "*",
            "",
            "/a//b",
            "/%0d%0a",
            "/a/..",
            "/a/%2e",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_redirect_never_names_another_host() {
        let target = Target::parse("/evil.example%2F..%2Fdir");
        assert_eq!(target, None);
        assert_eq!(
            Target::parse("/a b/ñ")
                .map(|target| target.as_folder())
                .as_deref(),
            Some("/a%20b/%C3%B1/")
        );
    }
}
