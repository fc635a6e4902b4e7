//! Files under `--root` as a browser asks for them: a player that seeks wants the middle of a file and not all before it.

use serde_json::Value;

use crate::chromium::Chromium;
use crate::server::{at, server_with_files};
use crate::support::folder::Folder;

#[test]
fn a_player_seeks_with_a_range_request() {
    let Some(browser) = Chromium::shared() else {
        return;
    };
    let root = Folder::new();
    root.write("index.html", PAGE);
    // Silence is zeros, and zeros take no space.
    root.write_zeros("silence.wav", u64::from(HEADER + DATA));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .open(root.path().join("silence.wav"))
        .expect("the file");
    std::io::Write::write_all(&mut file, &wav_header()).expect("its beginning");
    let server = server_with_files(root.path());

    // It has an index of its own, which stands where the chat would.
    let page = browser.open(&at(&server, "/"));
    page.wait_until("player.duration > 0");
    assert_eq!(page.evaluate("player.duration"), SECONDS);
    assert_eq!(page.evaluate("player.seekable.end(0)"), SECONDS);
    page.evaluate("player.currentTime = 3000");
    page.wait_until("seeked && player.readyState >= 2");
    assert_eq!(page.evaluate("player.currentTime"), 3000);
    assert_eq!(page.evaluate("player.error"), Value::Null);

    let answers = page.answers("/silence.wav");
    let ranges: Vec<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer["status"], 206);
            assert_eq!(answer["mimeType"], "audio/wav");
            let range = answer["headers"]["Content-Range"].as_str();
            range.expect("a range").to_owned()
        })
        .collect();
    let begins = |range: &String| -> u32 {
        let first = range
            .strip_prefix("bytes ")
            .and_then(|range| range.split_once('-'));
        first
            .and_then(|(first, _)| first.parse().ok())
            .expect("a number")
    };
    assert!(ranges.len() >= 2, "{ranges:?}");
    assert_eq!(begins(&ranges[0]), 0);
    let middle = HEADER + 3000 * RATE;
    let near = middle - 256 * 1024..=middle;
    assert!(
        ranges.iter().map(begins).any(|first| near.contains(&first)),
        "{ranges:?}"
    );
}

/// RIFF with one channel of 8 bits.
fn wav_header() -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(b"RIFF");
    header.extend((HEADER - 8 + DATA).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend([1, 0, 1, 0]); // PCM, one channel
    header.extend(RATE.to_le_bytes());
    header.extend(RATE.to_le_bytes()); // bytes per second
    header.extend([1, 0, 8, 0]); // bytes and bits per sample
    header.extend(b"data");
    header.extend(DATA.to_le_bytes());
    header
}

const HEADER: u32 = 44;
const RATE: u32 = 8_000;
/// An hour: much more than a player asks for ahead.
const SECONDS: u32 = 3_600;
const DATA: u32 = RATE * SECONDS;

const PAGE: &str = "<!doctype html>
<title>Silence</title>
<link rel=icon href='data:,'>
<audio id=player controls preload=metadata src=silence.wav></audio>
<script>
    let seeked = false;
    player.onseeked = () => seeked = true;
</script>";
