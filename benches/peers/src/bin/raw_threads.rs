//! Bytes back on a thread for each connection, no WebSocket at all: what the threads themselves cost.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::thread;

use enchufe_peers::{STACK, listen};

fn main() -> io::Result<()> {
    let (listener, _) = listen()?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        thread::Builder::new().stack_size(STACK).spawn(move || {
            let _ = stream.set_nodelay(true);
            let mut buffer = vec![0; BUFFER];
            while let Ok(count) = stream.read(&mut buffer)
                && count > 0
                && stream.write_all(&buffer[..count]).is_ok()
            {}
        })?;
    }
    Ok(())
}

/// Holds a 64 KiB message.
const BUFFER: usize = 64 * 1024;
