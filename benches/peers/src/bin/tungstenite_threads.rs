//! `tungstenite` with a thread for each connection: the direct peer. Its fan-out is the plain one: the thread that
//! received a message writes it to everybody.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use enchufe_peers::duplex::Duplex;
use enchufe_peers::{STACK, Service, listen, tls};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// The writing halves of everybody in it.
type Room<S> = Mutex<Vec<WebSocket<S>>>;

#[derive(Default)]
struct Rooms {
    plain: Room<TcpStream>,
    sealed: Room<Duplex>,
}

fn main() -> io::Result<()> {
    let (listener, service) = listen()?;
    let tls = tls()?;
    let rooms = Arc::new(Rooms::default());
    for stream in listener.incoming() {
        let stream = stream?;
        let (tls, rooms) = (tls.clone(), Arc::clone(&rooms));
        thread::Builder::new().stack_size(STACK).spawn(move || {
            let _ = stream.set_nodelay(true);
            let _ = serve(stream, service, tls, &rooms); // whatever the client did
        })?;
    }
    Ok(())
}

fn serve(
    stream: TcpStream,
    service: Service,
    tls: Option<Arc<ServerConfig>>,
    rooms: &Rooms,
) -> io::Result<()> {
    match (service, tls) {
        (Service::Echo, None) => echo(stream),
        (Service::Echo, Some(config)) => {
            let session = ServerConnection::new(config).map_err(io::Error::other)?;
            echo(StreamOwned::new(session, stream));
        }
        (Service::FanOut, None) => fan_out(stream.try_clone()?, stream, &rooms.plain),
        (Service::FanOut, Some(config)) => {
            let stream = Duplex::accept(stream, config)?;
            fan_out(stream.try_clone()?, stream, &rooms.sealed);
        }
    }
    Ok(())
}

fn echo(stream: impl Read + Write) {
    let Ok(mut ws) = tungstenite::accept(stream) else {
        return;
    };
    while let Ok(message) = ws.read() {
        if is_data(&message) && ws.send(message).is_err() {
            break;
        }
    }
}

/// A blocking WebSocket cannot be read and written at once, so the writing half is one of its own.
fn fan_out<S: Read + Write>(writing: S, reading: S, room: &Room<S>) {
    let Ok(mut ws) = tungstenite::accept(reading) else {
        return;
    };
    let writing = WebSocket::from_raw_socket(writing, Role::Server, None);
    room.lock()
        .expect("no panic while it is held")
        .push(writing);
    while let Ok(message) = ws.read() {
        if is_data(&message) {
            let mut members = room.lock().expect("no panic while it is held");
            members.retain_mut(|member| member.send(message.clone()).is_ok());
        }
    }
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
