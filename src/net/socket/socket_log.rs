//! Logs socket primitives at `debug`: one line each, with the name in a column and the number of the connection. The lines of
//! one connection are its history.
//!
//! ```text
//! LISTEN  127.0.0.1:8080
//! ACCEPT  #1 127.0.0.1:50412
//! RECEIVE #1 143 bytes
//! SEND    #1 129 bytes
//! CLOSE   #1
//! ```

/// Logs one primitive; the rest is as in `format!`. A client's connection has number 0.
macro_rules! primitive {
    ($name:literal, $($detail:tt)+) => {
        log::debug!(target: $crate::log_targets::NET, "{:7} {}", $name, format_args!($($detail)+))
    };
}

pub(crate) use primitive;
