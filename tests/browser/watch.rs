//! Who watches the watch: what these tests rely on to notice that a page is broken.

use crate::chromium::Chromium;
use crate::page::js;
use crate::server::{at, server};

#[test]
fn an_error_that_nobody_catches_is_noticed() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let page = browser.open(&at(&server, "/lab"));
    assert_eq!(page.complaints(), [""; 0]);
    for (breaks, complaint) in [
        (
            "setTimeout(() => nothing.at.all, 0)",
            "nothing is not defined",
        ),
        ("Promise.reject(new Error('left alone')) && 0", "left alone"),
        ("console.error('out of order')", "out of order"),
        ("fetch('/not/there').then(() => 0)", "404"),
    ] {
        page.expect(complaint);
        page.evaluate(breaks);
        page.evaluate("new Promise((done) => setTimeout(done, 20))");
        let complaints = page.complaints();
        assert!(
            complaints.iter().any(|one| one.contains(complaint)),
            "{complaint}: {complaints:#?}"
        );
    }
    assert_eq!(page.complaints().len(), 4);
}

#[test]
fn no_script_in_the_markup_runs_and_a_try_is_noticed() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let server = server();
    let page = browser.open(&at(&server, "/"));
    page.expect("Content Security Policy");
    for markup in [
        "<img src=x: onerror='window.ran = true'>",
        "<button onclick='window.ran = true'>",
        "<iframe srcdoc='<script>parent.ran = true</script>'></iframe>",
        "<style>body { display: none }</style>",
    ] {
        let markup = js(markup);
        page.evaluate(&format!(
            "document.body.insertAdjacentHTML('beforeend', {markup})"
        ));
    }
    page.evaluate("all('body > button').at(-1).click()");
    let script =
        "Object.assign(document.createElement('script'), { textContent: 'window.ran = true' })";
    page.evaluate(&format!("document.body.append({script})"));
    page.evaluate("new Promise((done) => setTimeout(done, 50))");
    assert_eq!(page.evaluate("'ran' in window"), false);
    assert_eq!(
        page.evaluate("getComputedStyle(document.body).display"),
        "flex"
    );
    let complaints = page.complaints();
    assert!(
        complaints
            .iter()
            .any(|one| one.contains("Content Security Policy")),
        "{complaints:#?}"
    );
}
