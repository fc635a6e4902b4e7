//! [RFC 6455, 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2): the bits of a header.

use enchufe::protocol::{Extensions, Header, Opcode, ProtocolError, Role};

use crate::support::frames::{
    Ear, ROLES, Said, bits, fails_1002, from_peer_of, header_from_peer_of,
};

/// "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
#[test]
fn both_fail_1002_on_each_reserved_opcode() {
    for role in ROLES {
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            let wire = from_peer_of(role, &format!("1 000 {opcode:04b}"), b"x");
            fails_1002(role, &wire, ProtocolError::ReservedOpcode(opcode));
        }
    }
}

#[test]
fn a_reserved_opcode_fails_before_its_huge_payload_and_even_before_its_length() {
    for role in ROLES {
        for opcode in [3, 11] {
            let first = format!("1 000 {opcode:04b}");
            for length in [1 << 31, (1 << 63) - 1] {
                let wire = header_from_peer_of(role, &first, length);
                fails_1002(role, &wire, ProtocolError::ReservedOpcode(opcode));
            }
            fails_1002(role, &bits(&first), ProtocolError::ReservedOpcode(opcode));
        }
    }
}

/// "The minimal number of bytes MUST be used to encode the length".
#[test]
fn both_fail_1002_on_a_length_that_has_a_shorter_form() {
    for mask in ["0", "1"] {
        let role = if mask == "1" {
            Role::Server
        } else {
            Role::Client
        };
        for length in [0u16, 5, 125] {
            let mut wire = bits(&format!("1 000 0010 {mask} 1111110"));
            wire.extend(length.to_be_bytes());
            fails_1002(role, &wire, ProtocolError::NonMinimalLength);
        }
        for length in [0u64, 5, 200, 0xffff] {
            let mut wire = bits(&format!("1 000 0010 {mask} 1111111"));
            wire.extend(length.to_be_bytes());
            fails_1002(role, &wire, ProtocolError::NonMinimalLength);
        }
    }
}

/// "The most significant bit MUST be 0".
#[test]
fn both_fail_1002_when_the_top_bit_of_a_length_is_set_whatever_the_others_are() {
    for mask in ["0", "1"] {
        let role = if mask == "1" {
            Role::Server
        } else {
            Role::Client
        };
        for length in [1u64 << 63, u64::MAX, u64::MAX - 3, u64::MAX - 13] {
            let mut wire = bits(&format!("1 000 0010 {mask} 1111111"));
            wire.extend(length.to_be_bytes());
            fails_1002(role, &wire, ProtocolError::LengthTopBit);
            fails_1002(role, &wire[..3], ProtocolError::LengthTopBit);
        }
    }
}

#[test]
fn each_form_of_the_length_holds_its_first_and_its_last_value() {
    for role in ROLES {
        for length in [0, 1, 125, 126, 127, 0xfffe, 0xffff, 0x1_0000, 0x1_0001] {
            let payload: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
            let wire = from_peer_of(role, "1 000 0010", &payload);
            assert_eq!(
                Ear::new(role).feed(&wire).said,
                [Said::Binary(payload)],
                "{length}"
            );
        }
    }
}

/// "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
#[test]
fn both_fail_1002_on_each_reserved_bit_of_each_kind_of_frame() {
    for role in ROLES {
        for opcode in ["0001", "0010", "1000", "1001", "1010"] {
            for rsv in ["100", "010", "001", "110", "101", "011", "111"] {
                let wire = from_peer_of(role, &format!("1 {rsv} {opcode}"), b"");
                fails_1002(role, &wire, ProtocolError::ReservedBit);
            }
        }
    }
}

/// [RFC 7692, 6](https://www.rfc-editor.org/rfc/rfc7692#section-6): RSV1 is on the first frame of a message, or nowhere.
#[test]
fn with_deflate_rsv1_is_legal_on_the_first_frame_of_a_message_only() {
    let deflate = Extensions { deflate: true };
    let verdict = |opcode, in_fragment| {
        let header = Header {
            rsv1: true,
            ..Header::whole(opcode, None, 0)
        };
        header.check(Role::Client, in_fragment, deflate)
    };
    for opcode in [Opcode::Text, Opcode::Binary] {
        assert_eq!(verdict(opcode, false), Ok(()));
    }
    assert_eq!(
        verdict(Opcode::Continuation, true),
        Err(ProtocolError::ReservedBit)
    );
    for opcode in [Opcode::Close, Opcode::Ping, Opcode::Pong] {
        for in_fragment in [false, true] {
            assert_eq!(
                verdict(opcode, in_fragment),
                Err(ProtocolError::ReservedBit)
            );
        }
    }
    for (rsv2, rsv3) in [(true, false), (false, true), (true, true)] {
        let header = Header {
            rsv2,
            rsv3,
            ..Header::whole(Opcode::Text, None, 0)
        };
        assert_eq!(
            header.check(Role::Client, false, deflate),
            Err(ProtocolError::ReservedBit)
        );
    }
}

/// Opcode, FIN, in a fragmented message, length, and the first rule that this breaks.
type Row = (Opcode, bool, bool, u64, Option<ProtocolError>);

#[test]
fn the_check_of_a_header_is_a_table() {
    let table: [Row; 14] = [
        (Opcode::Text, true, false, 0, None),
        (Opcode::Text, false, false, 0, None),
        (Opcode::Binary, true, false, u64::MAX >> 1, None),
        (
            Opcode::Text,
            true,
            true,
            0,
            Some(ProtocolError::ExpectedContinuation),
        ),
        (
            Opcode::Binary,
            false,
            true,
            0,
            Some(ProtocolError::ExpectedContinuation),
        ),
        (Opcode::Continuation, true, true, 0, None),
        (Opcode::Continuation, false, true, 0, None),
        (
            Opcode::Continuation,
            true,
            false,
            0,
            Some(ProtocolError::UnexpectedContinuation),
        ),
        (
            Opcode::Continuation,
            false,
            false,
            0,
            Some(ProtocolError::UnexpectedContinuation),
        ),
        (Opcode::Ping, true, true, 125, None),
        (
            Opcode::Ping,
            false,
            false,
            0,
            Some(ProtocolError::FragmentedControl),
        ),
        (
            Opcode::Pong,
            true,
            false,
            126,
            Some(ProtocolError::ControlTooLong),
        ),
        (
            Opcode::Close,
            false,
            true,
            0,
            Some(ProtocolError::FragmentedControl),
        ),
        (Opcode::Close, true, true, 125, None),
    ];
    for (opcode, fin, in_fragment, length, broken) in table {
        let header = Header {
            fin,
            ..Header::whole(opcode, None, length)
        };
        let found = header.check(Role::Client, in_fragment, Extensions::default());
        assert_eq!(
            found.err(),
            broken,
            "{header:?}, in a fragmented message: {in_fragment}"
        );
    }
}
