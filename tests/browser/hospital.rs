//! The board of hospitals and beds, in front of several people.

use crate::chromium::Chromium;
use crate::page::{Page, js};
use crate::server::{at, server};
use crate::support::server::wait_until;
use crate::support::server_process::ServerProcess;

#[test]
fn two_boards_stay_in_step() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let boards = [open(browser, &server), open(browser, &server)];
    let [one, other] = &boards;
    other.wait_for_text("#empty", "There is no hospital yet. Create the first one.");

    one.fill("#name", "Vargas <b>");
    one.press("Enter");
    wait_for_board(&boards, &["Vargas <b>: No beds"]);
    assert_eq!(one.evaluate("$('#name').value"), "");
    for occupied in ["0 of 1", "0 of 2"] {
        other.click(".hospital .add");
        wait_for_board(&boards, &[&format!("Vargas <b>: {occupied} occupied")]);
    }
    one.click(".bed:nth-child(2) .toggle");
    wait_for_board(&boards, &["Vargas <b>: 1 of 2 occupied"]);
    other.wait_for_text(".totals .taken dd", "1");
    other.wait_until("$('.bed:nth-child(2) .toggle').ariaPressed === 'true'");
    other.fill("#name", "Coromoto");
    other.press("Enter");
    wait_for_board(
        &boards,
        &["Vargas <b>: 1 of 2 occupied", "Coromoto: No beds"],
    );

    // An occupied bed goes only after a question, which can be answered with no.
    other.click(".bed:nth-child(2) .remove");
    other.wait_for_text("#question", "Bed 2 of “Vargas <b>” is occupied. Remove it?");
    other.click("#sure [value=no]");
    one.click(".bed:nth-child(2) .toggle");
    wait_for_board(
        &boards,
        &["Vargas <b>: 0 of 2 occupied", "Coromoto: No beds"],
    );
    other.click(".hospital .delete");
    other.wait_for_text("#question", "Delete “Vargas <b>” and its 2 beds?");
    other.click("#sure [value=yes]");
    wait_for_board(&boards, &["Coromoto: No beds"]);
}

#[test]
fn what_the_hub_refuses_is_explained() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let board = open(browser, &server);
    board.fill("#name", &"é".repeat(120));
    board.press("Enter");
    board.wait_for_text(".hospital h2", &"é".repeat(120));
    board.evaluate("$('#name').maxLength = 1000");
    board.fill("#name", &"x".repeat(256));
    board.press("Enter");
    board.wait_for_text(
        "#note",
        "Not created: the name is empty or too long, or the board is full.",
    );
    assert_eq!(board.texts(".hospital").len(), 1);
}

#[test]
fn a_board_that_is_left_closes_its_connection_and_comes_back() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let board = open(browser, &server);
    board.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))");
    wait_until("the server has seen the Close", || {
        server.closes() == [(1000, 1)]
    });
    assert_eq!(board.text("#state"), "No connection");
    board.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
    board.wait_for_text("#state", "Live");
    // As a person does it, whatever the browser keeps.
    board.visit(&at(&server, "/lab"));
    board.evaluate("history.back()");
    board.wait_until("location.pathname === '/hospital'");
    board.wait_for_text("#state", "Live");
}

#[test]
fn a_board_comes_back_after_the_server_was_restarted() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let first = server();
    let board = open(browser, &first);
    board.expect("ERR_CONNECTION_REFUSED");
    board.fill("#name", "Vargas");
    board.press("Enter");
    wait_for_board(&[&board], &["Vargas: No beds"]);
    let address = first.addr.to_string();
    first.stop();
    board.wait_for_text("#state", "No connection");
    board.click(".hospital .add");
    board.wait_for_text("#note", "No connection: nothing was changed.");
    let _second = ServerProcess::start_on(&address, &[]);
    board.wait_for_text("#state", "Live");
    board.wait_for_text("#empty", "There is no hospital yet. Create the first one.");
}

pub(crate) fn open(browser: &'static Chromium, server: &ServerProcess) -> Page {
    let board = browser.open(&at(server, "/hospital"));
    board.wait_for_text("#state", "Live");
    board
}

/// Waits until each of the boards shows these hospitals.
#[track_caller]
fn wait_for_board(boards: &[impl std::borrow::Borrow<Page>], hospitals: &[&str]) {
    let shown = "all('.hospital').map((one) => `${one.querySelector('h2').textContent}: ${one.querySelector('.count').textContent}`)";
    for board in boards {
        board.borrow().wait_until(&format!(
            "JSON.stringify({shown}) === {}",
            js(serde_json::json!(hospitals))
        ));
    }
}
