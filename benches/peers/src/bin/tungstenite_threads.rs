//! `tungstenite` with a thread for each connection: the direct peer.
#![forbid(unsafe_code)]

use std::io;
use std::thread;

use enchufe_peers::{STACK, Service, listen};

fn main() -> io::Result<()> {
    let (listener, service) = listen()?;
    assert_eq!(service, Service::Echo);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::Builder::new().stack_size(STACK).spawn(move || {
            let _ = stream.set_nodelay(true);
            let Ok(mut ws) = tungstenite::accept(stream) else { return };
            while let Ok(message) = ws.read() {
                if (message.is_text() || message.is_binary()) && ws.send(message).is_err() {
                    break;
                }
            }
        })?;
    }
    Ok(())
}
