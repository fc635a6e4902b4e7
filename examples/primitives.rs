//! The socket primitives over TCP, between two threads. Run it with `cargo run --example primitives`. You see who calls
//! which primitive, in which order, with which function of the standard library and, on Linux, which system calls: the
//! table is at the end, and `strace -f` shows the same calls.

use std::io::{Read, Result, Write, read_to_string};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::{sync::Barrier, thread};

fn main() -> Result<()> {
    // Port 0: the system chooses a free one.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("server  {BIND} {}", listener.local_addr()?);
    let client_spoke = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| client(listener.local_addr()?, &client_spoke));
        server(&listener, &client_spoke)
    })
}

fn server(listener: &TcpListener, client_spoke: &Barrier) -> Result<()> {
    // Late on purpose: since LISTEN the system queues clients, with what they send.
    client_spoke.wait();
    let (mut stream, peer) = listener.accept()?;
    // A second socket with the same local port: both addresses together name the connection.
    println!("server  {ACCEPT} {} with {peer}", stream.local_addr()?);
    let (mut heard, mut count) = ([0; 8], 1);
    // TCP is a stream: it keeps no borders between one SEND and the next. No bytes means that the other end is done.
    while count > 0 {
        count = stream.read(&mut heard)?;
        let part = String::from_utf8_lossy(&heard[..count]);
        println!("server  {RECEIVE} {part:?}");
    }
    println!("server  {SEND} \"bye\"");
    stream.write_all(b"bye")?;
    println!("server  {CLOSE}");
    Ok(())
}

fn client(address: SocketAddr, client_spoke: &Barrier) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    // Nobody gave this socket an address, so the system did what BIND does.
    println!("client  {CONNECT} {}", stream.local_addr()?);
    for part in ["hello, ", "who is there?"] {
        println!("client  {SEND} {part:?}");
        stream.write_all(part.as_bytes())?;
    }
    println!("client  {CLOSE_ONE_WAY} an answer can come");
    stream.shutdown(Shutdown::Write)?;
    client_spoke.wait();
    println!("client  {RECEIVE} {:?}", read_to_string(stream)?);
    Ok(())
}

const BIND: &str = "SOCKET BIND LISTEN  TcpListener::bind    socket bind listen ";
const ACCEPT: &str = "ACCEPT              TcpListener::accept  accept4            ";
const CONNECT: &str = "SOCKET CONNECT      TcpStream::connect   socket connect     ";
const SEND: &str = "SEND                TcpStream::write     sendto             ";
const RECEIVE: &str = "RECEIVE             TcpStream::read      recvfrom           ";
const CLOSE_ONE_WAY: &str = "CLOSE one way       TcpStream::shutdown  shutdown           ";
const CLOSE: &str = "CLOSE               drop                 close";
