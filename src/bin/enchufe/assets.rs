//! The pages compiled into the binary, and what they are made of, under `/assets/`.

use enchufe::http::Response;

/// The page or asset at `path`; `None` if there is none.
#[must_use]
pub fn at(path: &str) -> Option<Response> {
    let name = match path {
        "/" | "/chat" => "chat/chat.html",
        "/lab" => "lab/lab.html",
        "/hospital" => "hospital/hospital.html",
        "/favicon.ico" => "shared/icon.svg",
        path => path
            .strip_prefix("/assets/")
            .filter(|name| !name.ends_with(".html"))?,
    };
    let (_, content) = ASSETS.iter().find(|(asset, _)| *asset == name)?;
    let mut response = Response::new(200)
        .header("Content-Type", media_type(name))
        // They change with the binary and are small: ask each time.
        .header("Cache-Control", "no-cache")
        .header("Content-Security-Policy", POLICY)
        .header("X-Content-Type-Options", "nosniff")
        .header("Referrer-Policy", "no-referrer");
    response.body = content.as_bytes().to_vec();
    Some(response)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    }
}

/// Nothing from elsewhere and nothing inline: what another user wrote can never become a script.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'; object-src 'none'";

macro_rules! assets {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("pages/", $name)))),*]
    };
}

const ASSETS: &[(&str, &str)] = assets![
    "chat/chat.css"
    "chat/chat.html"
    "chat/chat.js"
    "chat/codec.js"
    "chat/connection.js"
    "chat/elements.js"
    "chat/history-merge.js"
    "chat/i18n.js"
    "chat/list.js"
    "chat/messages.js"
    "chat/store.js"
    "hospital/hospital.css"
    "hospital/hospital.html"
    "hospital/hospital.js"
    "hospital/i18n.js"
    "hospital/signalr.js"
    "lab/accept-key.js"
    "lab/diagram.js"
    "lab/frame-decoder.js"
    "lab/frame-editor.js"
    "lab/frame-explanation.js"
    "lab/frame-figure.js"
    "lab/frame-verdict.js"
    "lab/frame.js"
    "lab/i18n.js"
    "lab/lab.css"
    "lab/lab.html"
    "lab/lab.js"
    "lab/live.js"
    "lab/presets.js"
    "shared/dom.js"
    "shared/i18n.js"
    "shared/icon.svg"
    "shared/style.css"
    "shared/token.js"
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_file_of_the_pages_is_served() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/enchufe/pages");
        let directories = fs::read_dir(&pages).expect("the directory of the pages");
        let directories = directories.map(|entry| entry.expect("an entry").path());
        for directory in directories.filter(|path| path.is_dir()) {
            for file in fs::read_dir(directory).expect("a directory") {
                let path = file.expect("an entry").path();
                let name = path.strip_prefix(&pages).expect("a path below");
                let name = name.to_str().expect("a plain name").replace('\\', "/");
                let known = ASSETS.iter().any(|(asset, _)| *asset == name);
                assert!(known, "{name} is not in the table");
            }
        }
    }

    #[test]
    fn every_asset_that_a_page_refers_to_exists() {
        for (name, content) in ASSETS {
            for path in quoted(content, "\"/assets/", '"') {
                let path = format!("/assets/{path}");
                assert!(at(&path).is_some(), "{name} refers to {path}");
            }
            let directory = name.split_once('/').expect("a directory").0;
            let siblings =
                quoted(content, "from './", '\'').map(|file| format!("{directory}/{file}"));
            let others = quoted(content, "from '../", '\'').map(str::to_owned);
            for module in siblings.chain(others) {
                let path = format!("/assets/{module}");
                assert!(at(&path).is_some(), "{name} imports {module}");
            }
        }
    }

    /// The texts between `start` and `end`.
    fn quoted<'a>(content: &'a str, start: &'a str, end: char) -> impl Iterator<Item = &'a str> {
        let parts = content.split(start).skip(1);
        parts.filter_map(move |part| part.split(end).next())
    }

    #[test]
    fn no_page_has_a_script_or_style_of_its_own() {
        for (name, content) in ASSETS.iter().filter(|(name, _)| name.ends_with(".html")) {
            assert!(
                !content.contains("<style")
                    && !content.contains(" style=")
                    && !content.contains(" onclick"),
                "{name} has something inline"
            );
            assert!(!content.contains("<script>"), "{name} has an inline script");
        }
    }
}
