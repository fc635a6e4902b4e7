//! A page of somebody else with the SignalR client that people use, served as a file by the same server.

use std::path::Path;

use serde_json::json;

use crate::chromium::Chromium;
use crate::page::js;
use crate::server::{at, server_with_files};
use crate::support::folder::Folder;
use crate::support::tools;

#[test]
fn a_page_with_the_ordinary_signalr_client_negotiates_connects_and_calls() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signalr/node_modules");
    if !packages.is_dir() {
        return tools::skip("`npm ci` was not run in tests/signalr");
    }
    let root = Folder::new();
    root.write("board/index.html", PAGE);
    let server = server_with_files(root.path());
    let board = super::hospital::open(browser, &server);
    for (n, version) in ["signalr-5", "signalr-8", "signalr-10"]
        .into_iter()
        .enumerate()
    {
        let client = packages.join(version).join("dist/browser/signalr.min.js");
        let client = std::fs::read(&client).expect("the package has it");
        root.write("board/signalr.js", client);
        let page = browser.open(&at(&server, "/board/"));
        assert_eq!(
            page.evaluate(&format!("create({})", js(version))),
            json!([["HospitalCreado", 0], ["EstadoRecibido", n + 1]])
        );
        board.wait_until(&format!("texts('.hospital h2').includes({})", js(version)));
        // What is changed on our page is heard on theirs.
        board.click(".hospital .add");
        page.wait_until("heard.some(([event, result]) => event === 'CamaCreada' && result === 0)");

        let negotiation = page.answers("/socket/negotiate?negotiateVersion=1");
        assert_eq!(negotiation.len(), 1, "{version}");
        assert_eq!(negotiation[0]["status"], 200);
        assert_eq!(page.evaluate("hub.connectionId.length > 0"), true);
        page.evaluate("hub.stop()");
        assert_eq!(page.evaluate("hub.state"), "Disconnected");
    }
}

const PAGE: &str = "<!doctype html>
<title>A board of somebody else</title>
<link rel=icon href='data:,'>
<script src=signalr.js></script>
<script>
    const hub = new signalR.HubConnectionBuilder().withUrl('/socket').build();
    const heard = [];
    for (const event of ['HospitalCreado', 'CamaCreada']) hub.on(event, (result) => heard.push([event, result]));
    hub.on('EstadoRecibido', (hospitals) => heard.push(['EstadoRecibido', hospitals.length]));
    async function create(name) {
        await hub.start();
        await hub.invoke('CrearHospital', name);
        await hub.invoke('VerEstadoActual');
        return heard;
    }
</script>";
