//! `tungstenite` with a thread for each connection: the direct peer. Its fan-out is the plain one: the thread that
//! received a message writes it to everybody.
#![forbid(unsafe_code)]

use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use enchufe_peers::{STACK, Service, listen};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

type Room = Arc<Mutex<Vec<WebSocket<TcpStream>>>>;

fn main() -> io::Result<()> {
    let (listener, service) = listen()?;
    let room = Room::default();
    for stream in listener.incoming() {
        let stream = stream?;
        let room = Arc::clone(&room);
        thread::Builder::new().stack_size(STACK).spawn(move || {
            let _ = stream.set_nodelay(true);
            match service {
                Service::Echo => echo(stream),
                Service::FanOut => fan_out(stream, &room),
            }
        })?;
    }
    Ok(())
}

fn echo(stream: TcpStream) {
    let Ok(mut ws) = tungstenite::accept(stream) else {
        return;
    };
    while let Ok(message) = ws.read() {
        if is_data(&message) && ws.send(message).is_err() {
            break;
        }
    }
}

fn fan_out(stream: TcpStream, room: &Room) {
    let Ok(writing) = stream.try_clone() else {
        return;
    };
    let Ok(mut ws) = tungstenite::accept(stream) else {
        return;
    };
    // A blocking WebSocket cannot be read and written at once, so the writing half is one of its own.
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
