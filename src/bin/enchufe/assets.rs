//! The pages compiled into the binary, and what they are made of, under `/assets/`.

use enchufe::http::Response;

/// The page or asset at `path`; `None` if there is none.
#[must_use]
pub fn at(path: &str) -> Option<Response> {
    let name = match path {
        "/" | "/chat" => "chat.html",
        "/lab" => "lab.html",
        "/hospital" => "hospital.html",
        "/favicon.ico" => "icon.svg",
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
    "accept.js"
    "chat-list.js"
    "chat-talk.js"
    "chat-view.js"
    "chat-words.js"
    "chat.css"
    "chat.html"
    "chat.js"
    "chats.js"
    "diagram.js"
    "dom.js"
    "explain.js"
    "figure.js"
    "frame.js"
    "hospital-words.js"
    "hospital.css"
    "hospital.html"
    "hospital.js"
    "i18n.js"
    "icon.svg"
    "lab-frame.js"
    "lab-live.js"
    "lab-words.js"
    "lab.css"
    "lab.html"
    "lab.js"
    "link.js"
    "order.js"
    "presets.js"
    "receive.js"
    "signalr.js"
    "style.css"
    "token.js"
    "verdict.js"
    "wire.js"
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_file_beside_the_pages_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/enchufe/pages");
        for file in fs::read_dir(folder).expect("the folder of the pages") {
            let name = file
                .expect("its entry")
                .file_name()
                .into_string()
                .expect("a plain name");
            let known = ASSETS.iter().any(|(asset, _)| *asset == name);
            assert!(
                known || name == "package.json",
                "{name} is not in the table"
            );
        }
    }

    #[test]
    fn what_the_pages_refer_to_is_there() {
        for (name, content) in ASSETS {
            for reference in content
                .split("\"/")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
            {
                let path = format!("/{reference}");
                if path.starts_with("/assets/") {
                    assert!(at(&path).is_some(), "{name} refers to {path}");
                }
            }
            for module in content
                .split("from \"./")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
            {
                assert!(
                    at(&format!("/assets/{module}")).is_some(),
                    "{name} imports {module}"
                );
            }
        }
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
