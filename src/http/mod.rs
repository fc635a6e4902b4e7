//! Heads of HTTP/0.9, 1.0 and 1.1, parsed by hand.
