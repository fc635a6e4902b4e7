//! The chat page: several people, each in a window of their own.

use crate::chromium::Chromium;
use crate::page::{NARROW, Page, Place, Scheme, js};
use crate::server::{at, server};
use crate::support::server::wait_until;
use crate::support::server_process::ServerProcess;
#[test]
fn two_people_see_each_other_come_talk_and_go() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let ana = enter(browser, &server, "ana");
    wait_for_people(&ana, &["ana (you)"], &[]);
    let beto = enter(browser, &server, "Beto Ñandú");
    wait_for_people(&beto, &["ana", "Beto Ñandú (you)"], &[]);
    wait_for_people(&ana, &["ana (you)", "Beto Ñandú"], &[]);

    say(&beto, "¡Hola! 🔌");
    wait_for_lines(&beto, &["Beto Ñandú: ¡Hola! 🔌"]);
    wait_for_lines(&ana, &["Beto Ñandú: ¡Hola! 🔌"]);
    say(&ana, "one");
    say(&ana, "two");
    let lines = ["Beto Ñandú: ¡Hola! 🔌", "ana: one", "ana: two"];
    wait_for_lines(&ana, &lines);
    wait_for_lines(&beto, &lines);

    beto.click("#leave");
    beto.wait_until("visible('#join')");
    wait_for_people(&ana, &["ana (you)"], &["Beto Ñandú"]);
    beto.press("Enter"); // the name is still there, and the focus on it
    wait_for_people(&ana, &["ana (you)", "Beto Ñandú"], &[]);
    wait_for_lines(&beto, &lines);
}

#[test]
fn a_name_and_a_message_that_look_like_markup_stay_text() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let name = "<img src=x: onerror=\"window.ran = 'name'\">";
    let words =
        "<img src=x: onerror=\"window.ran = 'words'\"><script>window.ran = 'script'</script>&lt;b>";
    let (ana, evil) = (
        enter(browser, &server, "ana"),
        enter(browser, &server, name),
    );
    say(&evil, words);
    let line = format!("{name}: {words}");
    for page in [&ana, &evil] {
        wait_for_lines(page, &[&line]);
    }
    ana.click(&row(name));
    ana.wait_for_text("#chat-name", name);
    say(&evil, "");
    for page in [&ana, &evil] {
        page.evaluate("new Promise((done) => setTimeout(done, 50))"); // time enough for an image to fail
        assert_eq!(page.evaluate("'ran' in window"), false);
        assert_eq!(
            page.evaluate("document.querySelectorAll('main img, main script, main b').length"),
            0
        );
    }
}

#[test]
fn a_direct_message_reaches_exactly_one() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let people = ["ana", "beto", "carla"].map(|name| enter(browser, &server, name));
    let [ana, beto, carla] = &people;
    ana.click(&row("beto"));
    ana.wait_for_text("#chat-name", "beto");
    say(ana, "psst");
    wait_for_lines(ana, &["ana: psst"]);
    ana.click(&row("~"));
    say(ana, "for all");

    // One order for all: a user with the second message would have had the first.
    for page in &people {
        wait_for_lines(page, &["ana: for all"]);
    }
    beto.wait_for_text(&format!("{} .badge", row("ana")), "1");
    beto.click(&row("ana"));
    wait_for_lines(beto, &["ana: psst"]);
    assert_eq!(carla.texts("#list .badge"), [""; 0]);
    carla.click(&row("ana"));
    carla.wait_for_text("#empty", "Nothing has been said here yet.");
    wait_for_lines(carla, &[]);
}

#[test]
fn messages_are_counted_until_they_are_read() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let (ana, beto) = (
        enter(browser, &server, "ana"),
        enter(browser, &server, "beto"),
    );
    ana.click(&row("beto"));
    ana.wait_for_text("#chat-name", "beto");
    say(&beto, "one");
    say(&beto, "two");
    ana.wait_for_text(&format!("{} .badge", row("~")), "2");
    assert_eq!(ana.evaluate("document.title"), "(2) beto · enchufe");
    beto.click(&row("ana"));
    say(&beto, "three");
    wait_for_lines(&ana, &["beto: three"]);
    assert_eq!(
        ana.texts("#list .badge"),
        ["2"],
        "what is on screen is read"
    );
    ana.click(&row("~"));
    wait_for_lines(&ana, &["beto: one", "beto: two"]);
    assert_eq!(ana.text("#lines .divider.new"), "New");
    ana.wait_until("all('#list .badge').length === 0");
    assert_eq!(ana.evaluate("document.title"), "General · enchufe");
}

#[test]
fn who_is_busy_sees_nothing_and_everything_afterwards() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let (ana, beto) = (
        enter(browser, &server, "ana"),
        enter(browser, &server, "beto"),
    );
    choose_status(&ana, "Busy");
    beto.wait_for_text(&format!("{} .detail", row("ana")), "busy");
    ana.wait_for_text(
        "#busy-text",
        "You are busy: messages of others wait until you are back.",
    );
    say(&beto, "one");
    say(&beto, "two");
    ana.wait_for_text("#busy-text", "You are busy: 2 messages are waiting.");
    say(&ana, "mine");
    wait_for_lines(&ana, &["ana: mine"]);
    assert_eq!(ana.texts("#list .badge"), [""; 0]);

    ana.click("#back");
    wait_for_lines(&ana, &["beto: one", "beto: two", "ana: mine"]);
    ana.wait_for_text("#notice", "2 messages had been waiting for you.");
    beto.wait_for_text(&format!("{} .detail", row("ana")), "active");
    choose_status(&beto, "Inactive");
    ana.wait_for_text(&format!("{} .detail", row("beto")), "inactive");
}

#[test]
fn a_name_that_is_refused_is_explained() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let _ana = enter(browser, &server, "ana");
    let page = browser.open(&at(&server, "/"));
    page.expect("400 (Bad Request)");
    let long = "ñ".repeat(128);
    for (name, why) in [
        ("  ", "A name needs at least one character."),
        (
            "~",
            "This name is reserved: “~” is the general chat, “server” the server.",
        ),
        (
            "server",
            "This name is reserved: “~” is the general chat, “server” the server.",
        ),
        (
            &long,
            "This name takes 256 bytes, the most is 255. Accents and emoji take more than one each.",
        ),
        (
            "ana",
            "Somebody with this name is online. Choose another, or wait until they leave.",
        ),
    ] {
        page.fill("#name", name);
        page.press("Enter");
        page.wait_for_text("#problem", why);
        assert_eq!(page.evaluate("visible('#room')"), false);
    }
    page.fill("#name", &long[2..]);
    page.press("Enter");
    page.wait_for_text("#link", "Connected");
}

#[test]
fn the_page_comes_back_after_the_server_was_restarted() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let first = server();
    let (ana, beto) = (
        enter(browser, &first, "ana"),
        enter(browser, &first, "beto"),
    );
    for page in [&ana, &beto] {
        page.expect("ERR_CONNECTION_REFUSED");
    }
    choose_status(&beto, "Busy");
    say(&ana, "before");
    wait_for_lines(&ana, &["ana: before"]);
    // The words change with the next attempt, which may come before we look.
    let told = "$('#lost-text').textContent";
    let remember = format!(
        "new MutationObserver(() => told.push({told})).observe($('#lost-text'), {{ childList: true }})"
    );
    for page in [&ana, &beto] {
        page.evaluate(&format!("window.told = [], {remember}"));
    }
    let address = first.addr.to_string();
    first.stop();
    let why = js("The connection ended: 1001 the server is going away.");
    for page in [&ana, &beto] {
        page.wait_for_text("#link", "Connection lost");
        page.wait_until(&format!(
            "told.some((words) => words.startsWith({why}.slice(0, -1)))"
        ));
    }
    ana.fill("#text", "meanwhile");
    ana.press("Enter");
    ana.wait_for_text(
        "#why",
        "Not connected: your text stays here until we are back.",
    );

    let second = ServerProcess::start_on(&address, &[]);
    // One waits, the other does not want to.
    beto.click("#now");
    for page in [&ana, &beto] {
        page.wait_for_text("#link", "Connected");
    }
    ana.wait_for_text(&format!("{} .detail", row("beto")), "busy");
    ana.press("Enter");
    wait_for_lines(&ana, &["ana: before", "ana: meanwhile"]);
    beto.wait_for_text("#busy-text", "You are busy: 2 messages are waiting.");
    // Who closes the page says so.
    drop((ana, beto));
    wait_until("both have left with a Close", || {
        second.closes() == [(1000, 2)]
    });
}

#[test]
fn who_comes_later_sees_what_was_said_before() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let ana = enter(browser, &server, "ana");
    let said: Vec<String> = (0..40).map(|n| format!("line {n}")).collect();
    for words in &said {
        say(&ana, words);
    }
    let lines: Vec<String> = said.iter().map(|words| format!("ana: {words}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    wait_for_lines(&ana, &lines);
    let beto = enter_in(Place::Window, browser, &server, "beto");
    wait_for_lines(&beto, &lines);
    beto.wait_until("Math.abs($('#scroll').scrollHeight - $('#scroll').scrollTop - $('#scroll').clientHeight) < 2");
    // Who reads further up is not moved, but told.
    beto.evaluate(
        "new Promise((done) => {
            $('#scroll').addEventListener('scroll', () => done(0), { once: true });
            $('#scroll').scrollTop = 0;
        })",
    );
    say(&ana, "the latest");
    beto.wait_until("visible('#latest')");
    assert_eq!(beto.evaluate("$('#scroll').scrollTop"), 0);
    beto.click("#latest");
    beto.wait_until("!visible('#latest') && $('#scroll').scrollTop > 0");
}

#[test]
fn the_keyboard_is_enough() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let (ana, _beto) = (
        enter(browser, &server, "ana"),
        enter(browser, &server, "beto"),
    );
    wait_for_people(&ana, &["ana (you)", "beto"], &[]);
    ana.type_in("first");
    ana.press("Shift+Enter");
    ana.type_in("second");
    ana.press("Enter");
    wait_for_lines(&ana, &["ana: first\nsecond"]);
    ana.type_in("a draft");
    ana.press("Alt+ArrowUp");
    ana.wait_for_text("#chat-name", "beto");
    assert_eq!(ana.evaluate("$('#text').value"), "");
    ana.press("Alt+ArrowDown");
    ana.wait_for_text("#chat-name", "General");
    assert_eq!(ana.evaluate("$('#text').value"), "a draft");
    ana.click("#sought");
    ana.type_in("nobody");
    ana.press("Enter");
    ana.wait_for_text("#not-found", "Nobody was ever here with the name “nobody”.");
    ana.press("Escape");
    assert_eq!(ana.evaluate("document.activeElement.id"), "text");
}

#[test]
fn a_message_of_more_than_255_bytes_is_counted_and_not_sent() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let ana = enter(browser, &server, "ana");
    ana.fill("#text", &"ñ".repeat(128));
    ana.wait_for_text("#used", "256 / 255 bytes");
    ana.wait_for_text("#why", "One byte too long: a message holds 255 bytes.");
    ana.press("Enter");
    assert_eq!(ana.evaluate("$('#send').disabled"), true);
    let most = "ñ".repeat(127) + "n";
    ana.fill("#text", &most);
    ana.wait_for_text("#used", "255 / 255 bytes");
    ana.click("#send");
    wait_for_lines(&ana, &[&format!("ana: {most}")]);
}

#[test]
fn on_a_phone_the_list_is_a_drawer() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let (ana, beto) = (
        enter(browser, &server, "ana"),
        enter(browser, &server, "beto"),
    );
    ana.look(NARROW, Scheme::Light);
    ana.wait_until("visible('#menu') && !visible('#side')");
    beto.click(&row("ana"));
    say(&beto, "psst");
    ana.wait_for_text("#menu-unread", "1");
    ana.click("#menu");
    ana.wait_until("visible('#side') && $('#side').getBoundingClientRect().left === 0");
    ana.click(&row("beto"));
    ana.wait_until("!visible('#side')");
    wait_for_lines(&ana, &["beto: psst"]);
}

#[test]
fn the_page_speaks_spanish_to_who_reads_spanish() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let page = browser.open("about:blank");
    page.speak("es-VE,en");
    page.visit(&at(&server, "/"));
    assert_eq!(page.evaluate("document.documentElement.lang"), "es");
    page.fill("#name", "José");
    page.click("#enter");
    page.wait_for_text("#link", "Conectado");
    page.click(&row("José"));
    page.wait_for_text("#chat-status", "Notas para ti");
}

pub(crate) fn enter(browser: &'static Chromium, server: &ServerProcess, name: &str) -> Page {
    enter_in(Place::Tab, browser, server, name)
}

pub(crate) fn enter_in(
    place: Place,
    browser: &'static Chromium,
    server: &ServerProcess,
    name: &str,
) -> Page {
    let page = Page::new(browser, place);
    page.visit(&at(server, "/"));
    page.fill("#name", name);
    page.press("Enter");
    page.wait_for_text("#link", "Connected");
    page
}

pub(crate) fn say(page: &Page, words: &str) {
    page.fill("#text", words);
    page.press("Enter");
}

/// Waits until the page shows exactly these lines, each with its author.
#[track_caller]
pub(crate) fn wait_for_lines(page: &Page, lines: &[&str]) {
    page.wait_until(&format!(
        "JSON.stringify({LINES}) === JSON.stringify({})",
        serde_json::json!(lines)
    ));
}

/// The row of a chat in the list.
pub(crate) fn row(chat: &str) -> String {
    format!("#list [data-chat={}]", js(chat))
}

#[track_caller]
fn choose_status(page: &Page, label: &str) {
    let option = format!(
        "[...$('#my-status').options].find((one) => one.label === {})",
        js(label)
    );
    page.evaluate(&format!(
        "$('#my-status').value = {option}.value, $('#my-status').dispatchEvent(new Event('change'))"
    ));
}

#[track_caller]
fn wait_for_people(page: &Page, online: &[&str], offline: &[&str]) {
    let names = |people: &[&str]| serde_json::json!(people);
    page.wait_until(&format!(
        "JSON.stringify({PEOPLE}) === JSON.stringify({{ online: {}, offline: {} }})",
        names(online),
        names(offline)
    ));
}

/// A line by the author of the line above has none of its own.
const LINES: &str = "all('#lines .line').reduce(([lines, author], line) => {
    author = line.querySelector('.author')?.textContent ?? author;
    return [[...lines, `${author}: ${line.querySelector('.bubble p').textContent}`], author];
}, [[], ''])[0]";

const PEOPLE: &str = "all('#list .row-button bdi').slice(1).reduce((people, name) => {
    people[name.closest('button').classList.contains('away') ? 'offline' : 'online'].push(name.textContent);
    return people;
}, { online: [], offline: [] })";
