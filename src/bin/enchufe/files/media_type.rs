//! What a file is, by the end of its name.

use std::path::Path;

/// The media type (IANA) of a file; `application/octet-stream` where the name does not tell.
pub fn of(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    TYPES
        .iter()
        .find(|(endings, _)| {
            endings
                .split(' ')
                .any(|ending| ending.eq_ignore_ascii_case(extension))
        })
        .map_or("application/octet-stream", |(_, media_type)| media_type)
}

const TYPES: [(&str, &str); 34] = [
    ("html htm", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js mjs", "text/javascript; charset=utf-8"),
    ("txt text log", "text/plain; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("json map", "application/json"),
    ("xml", "application/xml"),
    ("wasm", "application/wasm"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("jpg jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("svg", "image/svg+xml"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("ico", "image/vnd.microsoft.icon"),
    ("mp4 m4v", "video/mp4"),
    ("webm", "video/webm"),
    ("ogv", "video/ogg"),
    ("mov", "video/quicktime"),
    ("avi", "video/x-msvideo"),
    ("mp3", "audio/mpeg"),
    ("ogg oga", "audio/ogg"),
    ("wav", "audio/wav"),
    ("m4a", "audio/mp4"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf", "font/ttf"),
    ("zip", "application/zip"),
    ("gz tgz", "application/gzip"),
    ("msi", "application/x-msi"),
    ("exe", "application/vnd.microsoft.portable-executable"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_in_any_case_and_the_rest_is_octets() {
        assert_eq!(of(Path::new("a/Perro.JPG")), "image/jpeg");
        assert_eq!(of(Path::new("Planeta.mp4")), "video/mp4");
        assert_eq!(of(Path::new("putty.msi")), "application/x-msi");
        assert_eq!(of(Path::new("Makefile")), "application/octet-stream");
        assert_eq!(of(Path::new("a.unknown")), "application/octet-stream");
    }
}
