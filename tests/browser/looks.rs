//! How the pages look: nothing sticks out and all words can be read, on a desk and on a phone, by day and by night, in both
//! languages.
//!
//! Whether they look good is for people to say: with a directory in `ENCHUFE_SCREENSHOTS` the pictures are put there.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::chat::{enter, row, say, wait_for_lines};
use crate::chromium::Chromium;
use crate::page::{NARROW, Page, Place, Scheme, WIDE, js};
use crate::server::{at, server};
use crate::support::server_process::ServerProcess;

#[test]
fn the_chat_fits_and_can_be_read() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let mut pages = vec![
        enter(browser, &server, "Beto"),
        enter(browser, &server, "Carla Ñáñez"),
    ];
    let said = converse(&pages[0], &pages[1]);
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    for language in LANGUAGES {
        let page = open(browser, &server, "/", language);
        check(&page, &format!("join-{language}"));
        page.fill("#name", "~");
        page.press("Enter");
        check(&page, &format!("join-refused-{language}"));
        let name = format!("Ana ({language})");
        page.fill("#name", &name);
        page.press("Enter");
        page.wait_until("visible('#room')");
        wait_for_lines(&page, &said);
        pages[0].click(&row(&name));
        say(&pages[0], "psst");
        page.wait_until("all('#list .badge').length === 1");
        check(&page, &format!("chat-{language}"));

        page.look(NARROW, Scheme::Light);
        page.click("#menu");
        page.wait_until("$('#side').getBoundingClientRect().left === 0");
        check_in(&page, &[NARROW], &format!("chat-drawer-{language}"));
        page.look(WIDE, Scheme::Light);
        page.click(&row(&name));
        page.wait_until("visible('#empty')");
        check(&page, &format!("chat-empty-{language}"));
        page.look(WIDE, Scheme::Light);
        page.click(&row("~"));
        choose_status(&page, 2);
        page.wait_until("visible('#busy')");
        page.fill("#text", &"ñandú ".repeat(40));
        pages.push(page);
    }
    server.stop();
    for page in &pages {
        page.expect("ERR_CONNECTION_REFUSED");
        page.wait_until("visible('#lost')");
    }
    for (page, language) in pages[2..].iter().zip(LANGUAGES) {
        check(page, &format!("chat-lost-{language}"));
    }
}

#[test]
fn the_lab_fits_and_can_be_read() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    for language in LANGUAGES {
        let page = open(browser, &server, "/lab", language);
        check(&page, &format!("lab-{language}"));
        page.click("#presets-wrong .chip:nth-child(3)");
        page.click("#connect");
        page.wait_until("!$('#live-form button').disabled");
        for chip in 1..=3 {
            page.click(&format!("#live-presets .chip:nth-child({chip})"));
            page.wait_until(&format!("all('#log .drawing').length === {chip}"));
        }
        page.click("#presets-fine .chip:nth-child(12)"); // the largest
        check(&page, &format!("lab-live-{language}"));
    }
}

#[test]
fn the_board_fits_and_can_be_read() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let pages = LANGUAGES.map(|language| (language, open(browser, &server, "/hospital", language)));
    for (language, page) in &pages {
        page.wait_until("visible('#empty')");
        check(page, &format!("hospital-empty-{language}"));
    }
    let (_, page) = &pages[0];
    for (name, beds, taken) in [
        ("Hospital Vargas", 5, 2),
        (
            "Clínica Nuestra Señora de Coromoto y San José Gregorio Hernández",
            1,
            1,
        ),
        (&"Ñ".repeat(120), 0, 0),
    ] {
        page.fill("#name", name);
        page.press("Enter");
        let shown = format!("texts('.hospital:last-child h2')[0] === {}", js(name));
        page.wait_until(&shown);
        for bed in 1..=beds {
            page.click(".hospital:last-child .add");
            page.wait_until(&format!(
                "all('.hospital:last-child .bed').length === {bed}"
            ));
        }
        for bed in 1..=taken {
            let toggle = format!(".hospital:last-child .bed:nth-child({bed}) .toggle");
            page.click(&toggle);
            page.wait_until(&format!("$('{toggle}').ariaPressed === 'true'"));
        }
    }
    for (language, page) in &pages {
        page.wait_until("all('.hospital').length === 3");
        page.click("#wire summary");
        page.wait_until("visible('#records')");
        check(page, &format!("hospital-{language}"));
        page.click(".hospital .delete");
        page.wait_until("visible('#sure')");
        check(page, &format!("hospital-sure-{language}"));
    }
}

#[test]
fn what_sticks_out_or_is_pale_is_noticed() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let page = crate::hospital::open(browser, &server);
    for (flaw, look) in [
        ("$('.lead').style.color = '#999'", PALE),
        (
            "$('.lead').style.width = $('.lead').style.maxWidth = '101vw'",
            OUTSIDE,
        ),
    ] {
        assert_eq!(page.evaluate(look), json!([]));
        page.evaluate(flaw);
        assert_ne!(page.evaluate(look), json!([]), "{flaw}");
    }
}

fn open(browser: &'static Chromium, server: &ServerProcess, path: &str, language: &str) -> Page {
    let page = Page::new(browser, Place::Window);
    page.speak(language);
    page.visit(&at(server, path));
    assert_eq!(page.evaluate("document.documentElement.lang"), language);
    page
}

/// A chat as it may be on a Tuesday; its lines.
fn converse(beto: &Page, carla: &Page) -> Vec<String> {
    let name = "un nombre largo que no cabe en ninguna parte ".repeat(5);
    carla.click("#leave");
    carla.fill("#name", &name);
    carla.press("Enter");
    carla.wait_for_text("#my-name", name.trim());
    carla.click("#leave");
    carla.fill("#name", "Carla Ñáñez");
    carla.press("Enter");
    carla.wait_for_text("#my-name", "Carla Ñáñez");
    let mut said = Vec::new();
    for (page, name, words) in [
        (beto, "Beto", "¿Ya viste la página nueva?"),
        (beto, "Beto", "It draws every frame, bit by bit."),
        (
            carla,
            "Carla Ñáñez",
            &"https://example.org/a-word-without-any-space/".repeat(5),
        ),
        (beto, "Beto", "👍"),
        (carla, "Carla Ñáñez", "one\ntwo\nthree"),
    ] {
        say(page, words);
        said.push(format!("{name}: {words}"));
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        wait_for_lines(beto, &said);
    }
    choose_status(carla, 2);
    said
}

fn choose_status(page: &Page, status: u8) {
    page.evaluate(&format!(
        "$('#my-status').value = {status}, $('#my-status').dispatchEvent(new Event('change'))"
    ));
}

#[track_caller]
fn check(page: &Page, name: &str) {
    check_in(page, &[WIDE, NARROW], name);
}

/// In these sizes nothing reaches beyond the right edge, and in both colour schemes words stand out from what is behind them.
#[track_caller]
fn check_in(page: &Page, sizes: &[(u32, u32)], name: &str) {
    for (width, height) in sizes {
        for scheme in [Scheme::Light, Scheme::Dark] {
            page.look((*width, *height), scheme);
            page.evaluate(SETTLED);
            let file = format!("{name}-{width}-{scheme:?}").to_lowercase();
            take_picture(page, &file, true);
            for flaws in [OUTSIDE, PALE] {
                let flaws = page.evaluate(flaws);
                assert_eq!(flaws, json!([]), "{name}, {width} wide, {scheme:?}");
            }
        }
    }
    page.look(sizes[0], Scheme::Light);
}

/// Puts a picture, of the whole page or of what one sees without scrolling, where it is wanted.
pub(crate) fn take_picture(page: &Page, name: &str, whole: bool) {
    if let Ok(folder) = std::env::var("ENCHUFE_SCREENSHOTS") {
        page.evaluate(SETTLED);
        let file = Path::new(&folder).join(format!("{name}.png"));
        fs::write(file, page.screenshot(whole)).expect("a folder for pictures");
    }
}

const LANGUAGES: [&str; 2] = ["en", "es"];

/// Two frames on, and no transition under way.
const SETTLED: &str = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    .then(() => Promise.allSettled(document.getAnimations().map((one) => one.finished))).then(() => 0)";

/// What reaches beyond the right edge and can neither be scrolled to nor is meant to be cut, and the page itself if it scrolls.
const OUTSIDE: &str = "(() => {
    const clipped = (element) => {
        for (let above = element.parentElement; above && above !== document.body; above = above.parentElement) {
            if (getComputedStyle(above).overflowX !== 'visible') return true;
        }
        return false;
    };
    const outside = all('body *').filter((element) =>
        element.getBoundingClientRect().right > innerWidth + 0.5 && element.checkVisibility() && !clipped(element));
    const scrolls = document.documentElement.scrollWidth > innerWidth ? ['the page scrolls'] : [];
    return [...scrolls, ...outside.slice(0, 5).map((element) => element.outerHTML.slice(0, 120))];
})()";

/// Words whose contrast is below what [WCAG 2.2, 1.4.3](https://www.w3.org/TR/WCAG22/#contrast-minimum) asks for, those of
/// controls that cannot be used aside.
const PALE: &str = "(() => {
    const pixel = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const known = new Map();
    const rgba = (colour) => {
        if (!known.has(colour)) {
            pixel.clearRect(0, 0, 1, 1);
            pixel.fillStyle = colour;
            pixel.fillRect(0, 0, 1, 1);
            known.set(colour, [...pixel.getImageData(0, 0, 1, 1).data]);
        }
        return known.get(colour);
    };
    const over = ([r, g, b, a], below) => [r, g, b].map((value, at) => (value * a + below[at] * (255 - a)) / 255);
    const behind = (element) => {
        if (!element) return [255, 255, 255];
        const colour = rgba(getComputedStyle(element).backgroundColor);
        return colour[3] === 255 ? colour : over(colour, behind(element.parentElement));
    };
    const light = (colour) => {
        const [r, g, b] = colour.map((value) => (value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const pale = [];
    for (const element of all('body *')) {
        const words = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join('');
        const faint = element.closest(':disabled, [aria-disabled=true], .away, .unseen, dialog:not([open]), noscript, select');
        if (words === '' || faint || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const style = getComputedStyle(element);
        const ground = behind(element);
        const [some, other] = [light(over(rgba(style.color), ground)), light(ground.slice(0, 3))];
        const contrast = (Math.max(some, other) + 0.05) / (Math.min(some, other) + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        if (contrast < (large ? 3 : 4.5)) pale.push(`${contrast.toFixed(2)} ${element.outerHTML.slice(0, 120)}`);
    }
    return pale.slice(0, 8);
})()";
