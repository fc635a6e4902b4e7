//! Datagrams: no handshake, no order, no promise of delivery. Run it with `cargo run --example udp`. The sender numbers
//! its datagrams, and drops and reorders some on purpose, as a network may. You see that the receiver notices, and that
//! each datagram carries the address for the answer. Or use two terminals: put `receive 127.0.0.1:9003` after `--` in one
//! and `send 127.0.0.1:9003` in the other. Try `send` alone, too.

use std::net::{ToSocketAddrs, UdpSocket};
use std::{io::Result, thread, time::Duration};

fn main() {
    if let Err(error) = run() {
        eprintln!("The example stops: {error}.");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    match &std::env::args().collect::<Vec<_>>()[..] {
        [_, mode, to] if mode == "send" => send(to),
        [_, mode, at] if mode == "receive" => receive(&UdpSocket::bind(at)?),
        _ => {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            let to = socket.local_addr()?;
            thread::spawn(move || receive(&socket));
            send(to)
        }
    }
}

fn send(to: impl ToSocketAddrs + Clone) -> Result<()> {
    // SOCKET and BIND, no CONNECT: each datagram carries its destination.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // 4 and 8 are lost, and 5 and 6 overtake 3. An empty datagram ends the transfer.
    for number in [1, 2, 5, 6, 3, 7, 9_u32] {
        println!("SEND     {number}");
        socket.send_to(&number.to_be_bytes(), to.clone())?;
    }
    socket.send_to(b"", to)?;
    // The last datagram or the answer may be lost, too, so the wait has a limit.
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut answer = [0; 512];
    match socket.recv_from(&mut answer) {
        Ok((end, from)) => println!("answer   {} from {from}", answer[..end].escape_ascii()),
        Err(_) => println!("no answer within 2 s"),
    }
    Ok(())
}

fn receive(socket: &UdpSocket) -> Result<()> {
    let (mut highest, mut missing, mut datagram) = (0, Vec::new(), [0; 5]);
    loop {
        // RECEIVE: one whole datagram and its sender. One byte more than a number, to notice a longer datagram.
        let (count, from) = socket.recv_from(&mut datagram)?;
        match datagram[..count].try_into().map(u32::from_be_bytes) {
            _ if count == 0 => {
                let answer = format!("{missing:?} are missing");
                return socket.send_to(answer.as_bytes(), from).map(drop);
            }
            // A datagram can come from any program: without a limit, one of them could fill the memory.
            Ok(number @ 1..=100) if number > highest => {
                println!("RECEIVE  {number} from {from}");
                missing.extend(highest + 1..number);
                highest = number;
            }
            Ok(number @ 1..=100) => {
                println!("RECEIVE  {number} from {from}, late: {highest} came first");
                missing.retain(|&other| other != number);
            }
            _ => {
                println!("RECEIVE  {count} bytes from {from}, ignored: not a number from 1 to 100");
            }
        }
    }
}
