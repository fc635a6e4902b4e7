//! What goes out compressed, and what goes out as it is ([RFC 7692, 6.1](https://www.rfc-editor.org/rfc/rfc7692#section-6.1)).

use enchufe::protocol::{
    CloseReason, Compressor, Encoder, MaskKey, MessageKind, Opcode, Role, SendError, encode_frame,
};
use flate2::Decompress;

use super::words::{Dice, inflate, sender, sent};
use crate::support::frames::{KEY, frame, masked};

#[test]
fn a_message_that_is_small_goes_out_as_it_is() {
    let mut sender = Encoder::new(Role::Server);
    sender.set_compressor(Compressor::new(15));
    assert!(sender.compresses());
    assert_eq!(sent(&mut sender, &[b'a'; 63]), (0x82, vec![b'a'; 63]));
    let (first, payload) = sent(&mut sender, &[b'a'; 64]);
    assert!(first == 0xc2 && payload.len() < 10);
}

/// The window has moved on, so without telling the peer's the next message would be wrong.
#[test]
fn what_got_no_shorter_goes_out_all_the_same_while_later_messages_may_refer_to_it() {
    let noise = Dice(4).octets(5000);
    let mut keeping = sender(Compressor::new(15));
    let (first, payload) = sent(&mut keeping, &noise);
    assert!(first == 0xc2 && payload.len() > noise.len() && payload.len() < noise.len() + 16);
    let (_, again) = sent(&mut keeping, &noise);
    assert!(again.len() < 200, "{}", again.len());

    let mut forgetting = sender(Compressor::new(15).without_context_takeover());
    assert_eq!(sent(&mut forgetting, &noise), (0x82, noise.clone()));
    assert_eq!(sent(&mut forgetting, &noise), (0x82, noise));
}

#[test]
fn every_level_and_window_can_be_inflated_and_what_is_out_of_range_is_put_right() {
    let message: Vec<u8> = (0..30_000u32)
        .flat_map(|n| (n % 1009).to_string().into_bytes())
        .collect();
    for level in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99] {
        for bits in [0, 8, 9, 10, 11, 12, 13, 14, 15, 16] {
            let mut sender = sender(Compressor::new(bits).level(level));
            let mut stream = Decompress::new(false);
            for message in [&message[..], b"", b"x", &message[..777]] {
                let (first, payload) = sent(&mut sender, message);
                assert_eq!(first, 0xc2);
                assert!(message.len() < 10 || payload.len() < message.len());
                assert!(
                    inflate(&mut stream, &payload, message.len()) == message,
                    "{level} {bits}"
                );
            }
        }
    }
}

#[test]
fn a_client_masks_what_it_compressed() {
    let message = b"hola ".repeat(100);
    let mut ours = Encoder::new(Role::Client);
    ours.set_compressor(Compressor::new(15));
    let mut wire = b"before".to_vec();
    let key = Some(MaskKey(KEY));
    assert_eq!(
        ours.message(MessageKind::Text, &message, key, &mut wire),
        Ok(())
    );
    let (_, payload) = sent(&mut sender(Compressor::new(15)), &message);
    assert_eq!(
        wire,
        [&b"before"[..], &masked("1 100 0001", &payload)].concat()
    );
}

#[test]
fn fragments_and_control_frames_are_never_compressed() {
    let mut sender = sender(Compressor::new(15));
    let (mut wire, mut plain) = (Vec::new(), Vec::new());
    let text = b"hola ".repeat(20);
    assert_eq!(
        sender.fragment(MessageKind::Text, false, &text, None, &mut wire),
        Ok(())
    );
    assert_eq!(sender.ping(&text, None, &mut wire), Ok(()));
    assert_eq!(
        sender.fragment(MessageKind::Text, true, &text, None, &mut wire),
        Ok(())
    );
    encode_frame(false, Opcode::Text, &text, None, &mut plain);
    encode_frame(true, Opcode::Ping, &text, None, &mut plain);
    encode_frame(true, Opcode::Continuation, &text, None, &mut plain);
    assert_eq!(wire, plain);
    assert_eq!(
        sender
            .header(MessageKind::Text, 100, None)
            .unwrap()
            .as_ref(),
        &frame("1 000 0001", &text)[..2]
    );
}

#[test]
fn what_is_refused_does_not_move_the_window() {
    let text = b"hola ".repeat(20);
    let mut sender = sender(Compressor::new(15));
    let mut wire = Vec::new();
    let (_, mut payload) = sent(&mut sender, &text);
    let mask = Some(MaskKey(KEY));
    assert_eq!(
        sender.message(
            MessageKind::Text,
            b"lost ".repeat(20).as_slice(),
            mask,
            &mut wire
        ),
        Err(SendError::WrongMask)
    );
    let mut stream = Decompress::new(false);
    for _ in 0..2 {
        assert_eq!(inflate(&mut stream, &payload, 1000), text);
        payload = sent(&mut sender, &text).1;
    }
    let closing = CloseReason::new(enchufe::CloseCode::GoingAway, "");
    assert_eq!(sender.close(Some(&closing), None, &mut wire), Ok(()));
    let length = wire.len();
    assert_eq!(
        sender.message(MessageKind::Text, &text, None, &mut wire),
        Err(SendError::Closed)
    );
    assert_eq!(wire.len(), length);
}
