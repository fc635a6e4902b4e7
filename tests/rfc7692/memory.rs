//! What compression takes: memory within the limit of a message, none for a message once the windows are there, and none at
//! all before the first and after the last.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use enchufe::net::{Reply, RequestContext, Upgrade};
use enchufe::protocol::{Decompressor, Encoder, MessageKind, Role};
use enchufe::{DeflateOptions, DeflateParams, Error, Limits, Reader};
use flate2::{Compress, Compression};

use super::connection::{COMPRESSED, COMPRESSED_TEXT, raw};
use super::words::{BINARY, compressed, deflate, deflated, ear_with, sender};
use crate::support::peer::{masked, request};
use crate::support::server::{PATIENCE, TestServer, limits};

/// Row 42: 16 MiB in 16 KB, of which no more than the limit comes to be.
#[test]
fn a_bomb_takes_what_the_longest_message_takes() {
    let bomb = deflated(&vec![0; 16 << 20]);
    for limit in [10_000, 1 << 20] {
        let wire = compressed(Role::Server, BINARY, &bomb);
        let mut ear = ear_with(Role::Server, Decompressor::new(), limit);
        let info = measure(|| {
            for piece in wire.chunks(1000) {
                ear.feed(piece);
            }
        });
        // A vector that doubles, old and new at once; the window and what goes with it; the bytes of the test.
        let most = limit as u64 * 3 / 2 + (64 << 10) + 2 * wire.len() as u64;
        assert!(info.bytes_max <= most, "{limit}: {info:?}");
        // What inflated is gone with the error.
        assert!(info.bytes_current < 10_000 + wire.len() as i64, "{info:?}");
    }
}

/// The same where it is met: on the thread of a connection, its read buffer included.
#[test]
fn a_bomb_on_a_connection_takes_what_the_longest_message_takes() {
    let bomb = deflated(&vec![0; 16 << 20]);
    for limit in [64 << 10, 1 << 20] {
        let (tell, peaks) = channel();
        let server = TestServer::with(limits(), move |_: &RequestContext<'_>| {
            let tell = Mutex::new(tell.clone());
            let session = move |mut ws: enchufe::WebSocket| {
                let mut outcome = Ok(None);
                let info = measure(|| outcome = ws.read());
                let _ = tell.lock().expect("no panic").send(info.bytes_max); // the test has failed, then
                outcome.map(|_| ())
            };
            let messages = enchufe::protocol::MessageLimits {
                max_message: limit,
                ..Default::default()
            };
            let upgrade = Upgrade::new(session).message_limits(messages);
            Reply::Upgrade(upgrade.deflate(DeflateOptions::default()))
        });
        let mut peer = raw(&server, "/", "");
        peer.send(masked(COMPRESSED, &bomb)).closes(1009);
        let peak = peaks.recv_timeout(PATIENCE).expect("a peak");
        // A vector that doubles, old and new at once; the window; what came and was not yet inflated.
        let most = limit as u64 * 3 / 2 + (64 << 10) + (32 << 10);
        assert!(peak <= most, "{limit}: {peak}");
    }
}

/// Allocations of the server's thread while it echoes compressed messages.
fn allocations_of_echo(params: DeflateParams, message: &[u8]) -> u64 {
    const WARM_UP: usize = 20;
    const COUNTED: usize = 50;
    let echo = |reader: &mut Reader, sender: &enchufe::Sender, messages| -> Result<(), Error> {
        for _ in 0..messages {
            if let Some(message) = reader.read()? {
                sender.send(message)?;
            }
        }
        Ok(())
    };
    let (tell, counted) = channel();
    let server = TestServer::with(limits(), move |_: &RequestContext<'_>| {
        let tell = Mutex::new(tell.clone());
        let session = move |ws: enchufe::WebSocket| {
            let (mut reader, sender) = ws.split();
            echo(&mut reader, &sender, WARM_UP)?;
            let mut outcome = Ok(());
            let info = measure(|| outcome = echo(&mut reader, &sender, COUNTED));
            let _ = tell.lock().expect("no panic").send(info.count_total); // the test has failed, then
            outcome
        };
        let options = DeflateOptions {
            params,
            ..DeflateOptions::default()
        };
        Reply::Upgrade(Upgrade::new(session).deflate(options))
    });
    let mut peer = server.connect();
    peer.send(request(
        "/",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    ));
    peer.head();
    let mut stream = Compress::new(Compression::fast(), false);
    for _ in 0..WARM_UP + COUNTED {
        if params.client_no_context_takeover {
            stream.reset();
        }
        peer.send(masked(0xc2, deflate(&mut stream, message)));
        assert_eq!(peer.frame().first, 0xc2);
    }
    counted.recv_timeout(PATIENCE).expect("a count")
}

#[test]
fn an_echoed_message_allocates_nothing_once_the_windows_are_there() {
    let text = "hola, ¿qué tal? ".repeat(500);
    for forgets in [false, true] {
        let params = DeflateParams {
            server_no_context_takeover: forgets,
            client_no_context_takeover: forgets,
            ..DeflateParams::default()
        };
        for length in [100, 1000, 8000] {
            let allocations = allocations_of_echo(params, &text.as_bytes()[..length]);
            assert_eq!(allocations, 0, "{length} octets, {params:?}");
        }
    }
}

/// The figures that the documentation gives are for what is touched; this is what is asked for.
#[test]
fn windows_are_made_for_the_first_message_and_freed_by_a_rest() {
    let message = b"hola ".repeat(100);
    let mut wire = Vec::with_capacity(10_000);
    for (bits, most) in [(15, 380), (12, 290), (9, 260)] {
        let mut sender = sender(enchufe::protocol::Compressor::new(bits));
        let mut say = |sender: &mut Encoder| {
            wire.clear();
            let said = sender.message(MessageKind::Text, &message, None, &mut wire);
            assert_eq!(said, Ok(()));
        };
        let made = measure(|| say(&mut sender));
        assert!(
            made.bytes_current <= most << 10 && made.count_total <= 2,
            "{bits}: {made:?}"
        );
        assert_eq!(measure(|| say(&mut sender)).count_total, 0);
        let freed = measure(|| sender.release_buffers());
        assert_eq!(freed.bytes_current, -made.bytes_current);
    }

    let payload = deflated(&message);
    let mut out = Vec::with_capacity(10_000);
    for forgets in [false, true] {
        let mut decompressor = Decompressor::new();
        if forgets {
            decompressor = decompressor.without_context_takeover();
        }
        let made = measure(|| {
            let inflated = decompressor.inflate(&payload, 10_000, &mut out);
            assert!(inflated.is_ok() && decompressor.finish(10_000, &mut out).is_ok());
        });
        assert!(made.bytes_current <= 48 << 10, "{made:?}");
        let freed = measure(|| decompressor.release_buffers());
        let expected = if forgets { -made.bytes_current } else { 0 };
        assert_eq!(freed.bytes_current, expected);
        out.clear();
    }
}

/// The same on a connection: what is left of a talk when nothing comes for a while, counted on the connection's own thread.
#[test]
fn an_idle_connection_has_no_compressor_and_only_the_window_that_its_peer_refers_to() {
    let idle = Duration::from_millis(50);
    for (forgets, most) in [(false, 50 << 10), (true, 4 << 10)] {
        let limits = Limits {
            ping_interval: Some(idle),
            ..limits()
        };
        let (tell, counted) = channel();
        let server = TestServer::with(limits, move |_: &RequestContext<'_>| {
            let tell = Mutex::new(tell.clone());
            let session = move |mut ws: enchufe::WebSocket| {
                let mut outcome = Ok(());
                let info = measure(|| outcome = one_echo_and_a_rest(&mut ws, 4 * idle));
                let _ = tell.lock().expect("no panic").send(info); // the test has failed, then
                outcome
            };
            Reply::Upgrade(Upgrade::new(session).deflate(DeflateOptions::default()))
        });
        let offer = match forgets {
            false => "",
            true => "; server_no_context_takeover; client_no_context_takeover",
        };
        let mut peer = raw(&server, "/", offer);
        let text = "hola, ¿qué tal? ".repeat(60);
        peer.send(masked(COMPRESSED_TEXT, deflated(text.as_bytes())));
        assert_eq!(peer.frame().first, COMPRESSED_TEXT);
        let info = counted.recv_timeout(PATIENCE).expect("a count");
        assert!(info.bytes_max > 300 << 10, "{info:?}");
        assert!(info.bytes_current <= most, "{forgets}: {info:?}");
    }
}

/// Echoes a message, and waits for the next so long that the connection is found to be idle.
fn one_echo_and_a_rest(ws: &mut enchufe::WebSocket, rest: Duration) -> Result<(), Error> {
    if let Some(message) = ws.read()? {
        ws.send(message)?;
    }
    ws.read_until(Some(Instant::now() + rest)).map(|_| ())
}
