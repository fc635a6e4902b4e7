//! The pages of a server that takes only those who bring a token.

use crate::chromium::Chromium;
use crate::page::js;
use crate::server::at;
use crate::support::server_process::ServerProcess;

const TOKEN: &str = "the-token-of-the-pages";

fn server() -> ServerProcess {
    ServerProcess::start_with_token(TOKEN, &[])
}

#[test]
fn who_types_the_token_once_comes_in_everywhere_in_that_tab() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let page = browser.open(&at(&server, "/"));
    page.expect("401 (Unauthorized)");
    page.fill("#name", "ana");
    page.press("Enter");
    let wanted = "This server takes only those who bring a token. Whoever runs it has one for you.";
    page.wait_for_text("dialog p", wanted);
    page.press("Escape");
    let refused = "The server takes only those who bring a token (401).";
    page.wait_for_text("#problem", refused);

    page.press("Enter");
    page.wait_for_text("dialog p", wanted);
    page.type_in("another-token-than-that");
    page.press("Enter");
    let wrong = "The server does not know this token. Try another one.";
    page.wait_for_text("dialog p", wrong);
    page.fill("#token", TOKEN);
    page.click("dialog .primary");
    page.wait_until("visible('#room')");
    page.wait_for_text("#my-name", "ana");
    page.wait_until("all('dialog').length === 0");

    page.click("nav a[href='/hospital']");
    page.wait_for_text("#empty", "There is no hospital yet. Create the first one.");
    page.click("nav a[href='/lab']");
    page.wait_until("location.pathname === '/lab' && document.readyState === 'complete'");
    page.click("#connect");
    page.wait_for_text("#live-state", "connected");
}

#[test]
fn board_and_lab_ask_for_it_too() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let board = browser.open(&at(&server, "/hospital"));
    let lab = browser.open(&at(&server, "/lab"));
    for page in [&board, &lab] {
        page.expect("401 (Unauthorized)");
        page.expect("HTTP Authentication failed");
    }
    board.fill("#token", TOKEN);
    board.press("Enter");
    board.wait_for_text("#empty", "There is no hospital yet. Create the first one.");
    lab.click("#connect");
    lab.fill("#token", TOKEN);
    lab.press("Enter");
    lab.wait_for_text("#live-state", "connected");
}

#[test]
fn a_link_with_the_token_behind_the_hash_lets_in_and_the_address_forgets_it() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let page = browser.open(&at(&server, "/healthz"));
    let link = at(&server, &format!("/?a=b#token={TOKEN}"));
    page.evaluate(&format!("void (location.href = {})", js(&link)));
    page.wait_until("location.pathname === '/' && location.hash === '' && visible('#join')");
    assert_eq!(page.evaluate("location.search"), "?a=b");
    page.fill("#name", "ana");
    page.press("Enter");
    page.wait_for_text("#my-name", "ana");
}
