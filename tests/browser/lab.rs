//! The lab page: what it draws and decides is what the library draws and decides.

use enchufe::handshake::accept_key;
use enchufe::protocol::{Decoder, Header, MessageLimits, ProtocolError, Role, diagram};

use crate::chromium::Chromium;
use crate::page::{Page, js};
use crate::server::{at, server};
use crate::support::peer::{ACCEPT, KEY};

#[test]
fn the_lab_draws_each_frame_as_the_library_does() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let lab = browser.open(&at(&server, "/lab"));
    let mut drawn = 0;
    for preset in presets(&lab) {
        choose(&lab, &preset);
        let Some(drawing) = library_drawing(&preset.bytes) else {
            continue; // not a frame, or not all of one: nothing the library would draw
        };
        assert_eq!(drawing_of(&lab, "#drawing"), drawing, "{}", preset.name);
        drawn += 1;
    }
    assert!(drawn > 20, "only {drawn}: are they still found?");
}

#[test]
fn the_lab_decides_about_each_stream_as_the_library_does() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let lab = browser.open(&at(&server, "/lab"));
    let mut refused = 0;
    for preset in presets(&lab) {
        choose(&lab, &preset);
        let failure = library_failure(preset.role, preset.bytes.clone());
        let expected: Vec<String> = failure
            .iter()
            .map(|error| format!("✗ The connection fails: Close {}", error.close_code()))
            .collect();
        assert_eq!(failures(&lab), expected, "{}", preset.name);
        refused += expected.len();
    }
    assert!(refused > 12, "only {refused}: are they still found?");
}

#[test]
fn a_click_on_a_bit_flips_it_and_everything_follows() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let lab = browser.open(&at(&server, "/lab#server:818537fa213d7f9f4d5158"));
    assert_eq!(lab.text("#verdict .mono"), "\"Hello\"");
    for (bit, bytes) in [
        (6, "83 85 37 fa 21 3d 7f 9f 4d 51 58"),
        (6, "81 85 37 fa 21 3d 7f 9f 4d 51 58"),
        (0, "01 85 37 fa 21 3d 7f 9f 4d 51 58"),
        (8, "01 05 37 fa 21 3d 7f 9f 4d 51 58"),
    ] {
        lab.click(&format!("#figure [data-bit='{bit}']"));
        lab.wait_until(&format!("$('#bytes').value === {}", js(bytes)));
        assert_eq!(lab.text(&format!("#figure [data-bit='{bit}']")).len(), 1);
    }
    assert_eq!(
        failures(&lab),
        ["✗ The connection fails: Close 1002 protocol error"]
    );
    // With the fields: masked and whole again, and other words.
    lab.click("#figure [data-bit='8']");
    lab.click("#f-fin");
    lab.fill("#f-payload", "¡Hola!");
    lab.wait_for_text("#verdict .mono", "\"¡Hola!\"");
    let bytes = octets(lab.evaluate("$('#bytes').value").as_str().expect("hex"));
    assert_eq!(
        drawing_of(&lab, "#drawing"),
        library_drawing(&bytes).expect("a frame")
    );
    // The address is a link to what is on screen.
    let other = browser.open(lab.evaluate("location.href").as_str().expect("a URL"));
    assert_eq!(other.text("#verdict .mono"), "\"¡Hola!\"");
}

#[test]
fn the_accept_key_of_rfc_6455_1_3_is_computed_step_by_step() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let lab = browser.open(&at(&server, "/lab"));
    lab.fill("#key", "not a key");
    lab.wait_until("$('#key-problem').textContent !== ''");
    lab.fill("#key", KEY);
    lab.wait_for_text("#steps .part-accept", ACCEPT);
    let steps = lab.texts("#steps output");
    assert_eq!(
        steps[3],
        "b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea"
    );
    assert_eq!(lab.text("#response .part-accept"), ACCEPT);
    lab.click("#random");
    let key = lab.evaluate("$('#key').value");
    let key = key.as_str().expect("a key");
    assert_ne!(key, KEY);
    assert_eq!(lab.text("#steps .part-accept"), accept_key(key));
}

#[test]
fn the_live_view_shows_what_inspect_saw() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let lab = browser.open(&at(&server, "/lab"));
    lab.click("#connect");
    lab.wait_for_text("#live-state", "connected");
    let presets = lab.texts("#live-presets .chip");
    let (close, presets) = presets.split_last().expect("some");
    assert_eq!(close, "Close 4000");
    for chip in 1..=presets.len() {
        lab.click(&format!("#live-presets .chip:nth-child({chip})"));
        lab.wait_until(&format!("all('#log .drawing').length === {chip}"));
        check_first_drawing(&lab);
    }
    lab.fill("#live-text", "¿Qué ves?");
    lab.press("Enter");
    lab.wait_for_text("#log .entry b", "You sent text, 11 bytes “¿Qué ves?”");
    check_first_drawing(&lab);
    let drawing = drawing_of(&lab, "#log .drawing");
    lab.click("#log .entry button");
    lab.wait_for_text("#verdict .mono", "\"¿Qué ves?\"");
    assert_eq!(drawing_of(&lab, "#drawing"), drawing);

    lab.click("#live-presets .chip:last-child");
    lab.wait_for_text("#live-state", "not connected");
    assert_eq!(lab.text("#log .event"), "The connection ended: 4000 “bye”.");
    assert_eq!(server.closes(), [(4000, 1)]);
}

struct Preset {
    name: String,
    role: Role,
    chip: String,
    bytes: Vec<u8>,
}

/// What can be chosen with one click, in the order of the page.
fn presets(lab: &Page) -> Vec<Preset> {
    let list = lab.evaluate(
        "Promise.all([import('/assets/lab/presets.js'), import('/assets/lab/frame.js')]).then(([{ FINE, WRONG, bytesOf }, { hex }]) =>
            [[FINE, '#presets-fine'], [WRONG, '#presets-wrong']].flatMap(([list, place]) =>
                list.map((one, at) => [one.name, one.role ?? 'server', `${place} .chip:nth-child(${at + 1})`, hex(bytesOf(one))])))",
    );
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let list = list.as_array().expect("a list").iter();
    list.map(|one| Preset {
        name: text(&one[0]),
        role: match one[1].as_str() {
            Some("client") => Role::Client,
            _ => Role::Server,
        },
        chip: text(&one[2]),
        bytes: octets(&text(&one[3])),
    })
    .collect()
}

fn choose(lab: &Page, preset: &Preset) {
    lab.click(&preset.chip);
    lab.wait_until(&format!("$({}).ariaPressed === 'true'", js(&preset.chip)));
}

/// How the page says that a receiver fails the connection, for any frame of the stream.
fn failures(lab: &Page) -> Vec<String> {
    let frames = lab.texts("#frames:not([hidden]) .chip").len().max(1);
    let headlines = (1..=frames).map(|frame| {
        if frames > 1 {
            lab.click(&format!("#frames .chip:nth-child({frame})"));
        }
        lab.text("#verdict .headline, #verdict p")
    });
    let failures = headlines.filter(|words| words.starts_with('✗')).collect();
    if frames > 1 {
        lab.click("#frames .chip:first-child");
    }
    failures
}

/// The first drawing in the log is of the frame whose bytes are its first line.
#[track_caller]
fn check_first_drawing(lab: &Page) {
    let drawing = drawing_of(lab, "#log .drawing");
    let first = drawing.lines().next().expect("a line");
    if !first.contains("..") {
        assert_eq!(library_drawing(&octets(first)).expect("a frame"), drawing);
    }
}

fn drawing_of(lab: &Page, selector: &str) -> String {
    lab.text(selector) + "\n"
}

fn library_drawing(bytes: &[u8]) -> Option<String> {
    let (header, used) = Header::decode(bytes).ok()??;
    let length = usize::try_from(header.length).ok()?;
    let mut payload = bytes.get(used..used.checked_add(length)?)?.to_vec();
    if let Some(key) = header.mask {
        key.apply(0, &mut payload);
    }
    Some(diagram::draw(&header, &payload))
}

fn library_failure(role: Role, mut bytes: Vec<u8>) -> Option<ProtocolError> {
    // As on /inspect.
    let limits = MessageLimits {
        max_message: 16 * 1024 * 1024,
        ..MessageLimits::default()
    };
    let mut receiver = Decoder::new(role, limits);
    let mut rest = bytes.as_mut_slice();
    loop {
        match receiver.decode(rest) {
            Ok(received) if received.used == 0 && received.event.is_none() => return None,
            Ok(received) => rest = &mut rest[received.used..],
            Err(error) => return Some(error),
        }
    }
}

fn octets(hex: &str) -> Vec<u8> {
    let octet = |digits| u8::from_str_radix(digits, 16).expect("two digits");
    hex.split_whitespace().map(octet).collect()
}
