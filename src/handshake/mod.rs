//! RFC 6455, section 4: the opening handshake, both sides.
