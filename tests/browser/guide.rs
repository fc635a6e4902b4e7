//! The scenes of the pictures in `src/guide`. To take them again:
//!
//! ```text
//! ENCHUFE_SCREENSHOTS=src/guide cargo test --test browser guide
//! ```

use serde_json::json;

use crate::chat::{enter, enter_in, row, say, wait_for_lines};
use crate::chromium::Chromium;
use crate::looks::take_picture;
use crate::page::{Page, Place, Scheme};
use crate::server::{at, server};

#[test]
fn two_people_chat() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let ana = enter_in(Place::Window, browser, &server, "Ana");
    let beto = enter(browser, &server, "Beto");
    let carla = enter(browser, &server, "Carla");
    ana.look(SIZE, Scheme::Light);
    let mut lines = Vec::new();
    for (page, name, words) in [
        (&ana, "Ana", "Hi! Is anybody here?"),
        (
            &beto,
            "Beto",
            "¡Hola, Ana! Two browsers, two names: it works.",
        ),
        (&beto, "Beto", "What is between us?"),
        (
            &ana,
            "Ana",
            "One thread for each of us, and a frame for each line. Have a look at the lab.",
        ),
        (
            &beto,
            "Beto",
            "I flipped the MASK bit, and the server closed with 1002 😄",
        ),
        (&ana, "Ana", "As it must: RFC 6455, 5.1."),
    ] {
        say(page, words);
        lines.push(format!("{name}: {words}"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        wait_for_lines(&ana, &lines);
    }
    carla.click(&row("Ana"));
    say(&carla, "psst");
    carla.evaluate("$('#my-status').value = 2, $('#my-status').dispatchEvent(new Event('change'))");
    ana.wait_until("all('#list .badge').length === 1 && $('#list .status-2') !== null");
    take_picture(&ana, "chat", false);
}

#[test]
fn a_frame_in_the_lab() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let lab = Page::new(browser, Place::Window);
    lab.visit(&at(&server, "/lab"));
    lab.look((SIZE.0, 660), Scheme::Light);
    lab.call("Emulation.setScrollbarsHidden", json!({ "hidden": true }));
    lab.wait_until("$('#figure .label.f-payload') !== null");
    lab.evaluate("$('#bytes').closest('.card').scrollIntoView({ behavior: 'instant' }), scrollBy({ top: -16, behavior: 'instant' })");
    let bit = lab.evaluate("middle('#figure .bit.f-payload')");
    let pointer = json!({ "type": "mouseMoved", "x": bit["x"], "y": bit["y"] });
    lab.call("Input.dispatchMouseEvent", pointer);
    lab.wait_until("$('#explain').className === 'f-payload'");
    take_picture(&lab, "lab", false);
}

const SIZE: (u32, u32) = (1100, 700);
