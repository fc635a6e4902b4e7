//! Datagrams: no handshake, no order, no promise that they arrive. Run it with `cargo run --example udp`: the sender
//! numbers its datagrams, and drops and shuffles some on purpose, as a network may. You see what the receiver makes of
//! that, and that it learns where to answer from the datagrams alone. Or run it in two terminals, with
//! `receive 127.0.0.1:9003` and `send 127.0.0.1:9003` behind `--`; and try the second alone.

use std::net::{ToSocketAddrs, UdpSocket};
use std::{io::Result, thread, time::Duration};

fn main() -> Result<()> {
    match &std::env::args().collect::<Vec<_>>()[..] {
        [_, what, to] if what == "send" => send(to),
        [_, what, at] if what == "receive" => receive(&UdpSocket::bind(at)?),
        _ => {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            let to = socket.local_addr()?;
            thread::spawn(move || receive(&socket));
            send(to)
        }
    }
}

fn send(to: impl ToSocketAddrs + Clone) -> Result<()> {
    // SOCKET and BIND, no CONNECT: nothing is asked of the other side. Each datagram names its destination.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // 4 and 8 get lost, and 3 is overtaken.
    for number in [1, 2, 5, 6, 3, 7, 9_u32] {
        println!("SEND     {number}");
        socket.send_to(&number.to_be_bytes(), to.clone())?;
    }
    // Even "that was all", here a datagram of no bytes, may get lost, and so may the answer: patience needs a limit.
    socket.send_to(b"", to)?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut answer = [0; 64];
    match socket.recv_from(&mut answer) {
        Ok((end, from)) => println!("answer   {} from {from}", answer[..end].escape_ascii()),
        Err(_) => println!("no answer; is anybody there?"),
    }
    Ok(())
}

fn receive(socket: &UdpSocket) -> Result<()> {
    let (mut highest, mut missing) = (0, Vec::new());
    loop {
        // RECEIVE: one datagram as it was sent, never a part of one or two together; and who sent it.
        let mut datagram = [0; 4];
        let (count, from) = socket.recv_from(&mut datagram)?;
        let number = u32::from_be_bytes(datagram);
        if count == 0 {
            let answer = format!("{missing:?} are missing");
            return socket.send_to(answer.as_bytes(), from).map(drop);
        } else if number < highest {
            println!("RECEIVE  {number} from {from}, late: {highest} was here before");
            missing.retain(|&awaited| awaited != number);
        } else {
            println!("RECEIVE  {number} from {from}");
            missing.extend(highest + 1..number);
            highest = number;
        }
    }
}
