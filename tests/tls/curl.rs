//! Pages and files over TLS, as curl gets them.

use std::process::{Command, Output};

use crate::site::Site;
use crate::support::tls::root_file;
use crate::support::tools::available;

fn curl(site: &Site, path: &str, words: &[&str]) -> Output {
    Command::new("curl")
        .args(["-sS", "--max-time", "20"])
        .args(words)
        .arg(format!("https://{}{path}", site.server.addr))
        .output()
        .expect("curl runs")
}

#[test]
fn curl_gets_files_in_both_versions_of_tls_and_believes_only_what_it_may() {
    if !available("curl", &["--version"]) {
        return;
    }
    let site = Site::new();
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    site.folder.write("www/large.bin", &large);
    let root = root_file().to_str().expect("a plain path");
    for version in [
        ["--tlsv1.2", "--tls-max", "1.2"],
        ["--tlsv1.3", "--tls-max", "1.3"],
    ] {
        let words = [&["--cacert", root][..], &version].concat();
        let got = curl(&site, "/hola.txt", &words);
        assert_eq!(String::from_utf8_lossy(&got.stderr), "", "{version:?}");
        assert_eq!(got.stdout, b"hola", "{version:?}");
        let got = curl(&site, "/large.bin", &words);
        assert!(got.status.success() && got.stdout == large, "{version:?}");
    }
    // curl (60): "SSL certificate problem".
    assert_eq!(curl(&site, "/hola.txt", &[]).status.code(), Some(60));
}
