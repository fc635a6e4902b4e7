//! The hot paths take no memory: an echoed message allocates nothing, and a message to a room costs the same number of
//! allocations however many members it goes to. Counted on the thread that does the work, after a warm-up.

mod support;

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use allocation_counter::measure;
use enchufe::net::{Recipients, Room};
use enchufe::{Error, Reader, Sender};

use support::peer::{BINARY, TEXT, masked, unmasked};
use support::server::{PATIENCE, TestServer, limits};

/// Allocations of the server's thread for [`COUNTED`] messages like this one, of which the client sends `at_once` before
/// it reads the replies.
fn allocations_of_echo(opcode: u8, payload: &[u8], at_once: usize) -> u64 {
    let (tell, counted) = channel();
    let tell = Mutex::new(tell);
    let server = TestServer::of(limits(), move |ws| {
        let (mut reader, sender) = ws.split();
        echo(&mut reader, &sender, WARM_UP)?;
        let mut outcome = Ok(());
        let allocations = measure(|| outcome = echo(&mut reader, &sender, COUNTED));
        let _ = tell.lock().expect("no panic").send(allocations.count_total); // the test has failed, then
        outcome
    });
    let mut peer = server.open("/");
    let messages = masked(opcode, payload).repeat(at_once);
    let replies = unmasked(opcode, payload).repeat(at_once);
    for _ in 0..(WARM_UP + COUNTED) / at_once {
        peer.send(&messages);
        assert!(peer.octets(replies.len()) == replies, "not what was sent");
    }
    counted.recv_timeout(PATIENCE).expect("a count")
}

fn echo(reader: &mut Reader, sender: &Sender, messages: usize) -> Result<(), Error> {
    for _ in 0..messages {
        if let Some(message) = reader.read()? {
            sender.send(message)?;
        }
    }
    Ok(())
}

#[test]
fn an_echoed_message_allocates_nothing() {
    assert_eq!(allocations_of_echo(BINARY, &[7; 32], 1), 0);
    assert_eq!(allocations_of_echo(TEXT, "¿Qué tal? 🎉".as_bytes(), 1), 0);
    assert_eq!(allocations_of_echo(BINARY, &[7; 1024], 1), 0);
}

#[test]
fn pipelined_messages_allocate_nothing() {
    assert_eq!(allocations_of_echo(BINARY, &[7; 32], 20), 0);
    assert_eq!(allocations_of_echo(TEXT, &[b'x'; 1024], 20), 0);
}

/// Only this test uses buffers of the pool, which all connections of a process share.
#[test]
fn a_large_message_is_read_into_a_buffer_that_is_there() {
    assert_eq!(allocations_of_echo(BINARY, &[7; 64 * 1024], 1), 0);
}

/// Allocations of the delivering thread for [`COUNTED`] messages to a room with so many members.
fn allocations_of_fan_out(members: u64) -> u64 {
    let room = Arc::new(Room::new());
    let (tell, joined) = channel();
    let shared = Mutex::new((Arc::clone(&room), tell));
    let server = TestServer::of(limits(), move |ws| {
        let (mut reader, sender) = ws.split();
        {
            let (room, tell) = &mut *shared.lock().expect("no panic");
            room.join(sender);
            let _ = tell.send(()); // the test has failed, then
        }
        while reader.read()?.is_some() {}
        Ok(())
    });
    // What they are sent fits into the buffers of the system, so nobody needs to read it.
    let _peers: Vec<_> = (0..members).map(|_| server.open("/")).collect();
    for _ in 0..members {
        joined.recv_timeout(PATIENCE).expect("a member");
    }
    let publish = |messages: usize| {
        for _ in 0..messages {
            room.send(Recipients::All, "hola a todos");
        }
    };
    publish(WARM_UP);
    measure(|| publish(COUNTED)).count_total
}

#[test]
fn a_message_to_a_room_costs_no_allocation_per_member() {
    let few = allocations_of_fan_out(2);
    assert_eq!(allocations_of_fan_out(50), few);
    assert!(
        few <= 4 * COUNTED as u64,
        "{few} allocations for {COUNTED} messages"
    );
}

/// After these every buffer has its size.
const WARM_UP: usize = 100;
const COUNTED: usize = 200;
