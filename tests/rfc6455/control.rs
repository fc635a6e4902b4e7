//! [RFC 6455, 5.5](https://www.rfc-editor.org/rfc/rfc6455#section-5.5): control frames.

use enchufe::protocol::ProtocolError;

use crate::support::frames::{
    ROLES, Said, bits, close_payload, fails_1002, from_peer_of, header_from_peer_of, heard,
};

const CONTROL: [&str; 3] = ["1000", "1001", "1010"];

/// "All control frames MUST have a payload length of 125 bytes or less".
#[test]
fn both_fail_1002_on_a_control_frame_of_126_octets_at_its_header() {
    for role in ROLES {
        for opcode in CONTROL {
            for length in [126, 0xffff, 0x1_0000, (1 << 63) - 1] {
                let wire = header_from_peer_of(role, &format!("1 000 {opcode}"), length);
                fails_1002(role, &wire, ProtocolError::ControlTooLong);
            }
        }
    }
}

#[test]
fn a_control_frame_of_125_octets_is_heard_whole() {
    for role in ROLES {
        let payload: Vec<u8> = (0..125).collect();
        let ping = from_peer_of(role, "1 000 1001", &payload);
        assert_eq!(heard(role, &ping), [Said::Ping(payload.clone())]);
        let pong = from_peer_of(role, "1 000 1010", &payload);
        assert_eq!(heard(role, &pong), [Said::Pong(payload)]);
        let close = from_peer_of(role, "1 000 1000", &close_payload(1000, &[b'x'; 123]));
        assert_eq!(
            heard(role, &close),
            [Said::Close(Some((1000, "x".repeat(123))))]
        );
    }
}

/// "... and MUST NOT be fragmented."
#[test]
fn both_fail_1002_on_a_control_frame_without_fin() {
    for role in ROLES {
        for opcode in CONTROL {
            let wire = from_peer_of(role, &format!("0 000 {opcode}"), b"");
            fails_1002(role, &wire, ProtocolError::FragmentedControl);
        }
    }
}

#[test]
fn a_control_payload_is_octets_and_need_not_be_text() {
    for role in ROLES {
        let ping = from_peer_of(role, "1 000 1001", b"\xff\xfe");
        assert_eq!(heard(role, &ping), [Said::Ping(b"\xff\xfe".to_vec())]);
    }
}

/// "A Pong frame MAY be sent unsolicited."
#[test]
fn a_pong_that_nobody_asked_for_is_only_a_pong() {
    for role in ROLES {
        let pong = from_peer_of(role, "1 000 1010", b"unasked");
        assert_eq!(heard(role, &pong), [Said::Pong(b"unasked".to_vec())]);
    }
}

#[test]
fn a_hundred_pings_are_a_hundred_events_in_order() {
    for role in ROLES {
        let wire: Vec<u8> = (0..100u8)
            .flat_map(|i| from_peer_of(role, "1 000 1001", &[i]))
            .collect();
        let expected: Vec<Said> = (0..100).map(|i| Said::Ping(vec![i])).collect();
        assert_eq!(heard(role, &wire), expected);
    }
}

#[test]
fn a_length_that_is_too_long_for_its_form_is_judged_as_a_length_first() {
    for role in ROLES {
        let mask = if header_from_peer_of(role, "1 000 1001", 0).len() == 2 {
            "0"
        } else {
            "1"
        };
        let mut wire = bits(&format!("1 000 1001 {mask} 1111110"));
        wire.extend([0, 5]);
        fails_1002(role, &wire, ProtocolError::NonMinimalLength);
    }
}
