//! RFC 6455, sections 5, 7 and 8: bytes in, bytes out.
