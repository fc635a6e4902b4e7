//! The socket primitives in the log at `debug`: a line for each, its name in a column of its own, then the connection's
//! number. Whoever follows one connection reads what its socket went through.
//!
//! ```text
//! LISTEN  127.0.0.1:8080
//! ACCEPT  #1 127.0.0.1:50412
//! RECEIVE #1 143 bytes
//! SEND    #1 129 bytes
//! CLOSE   #1
//! ```

/// Logs one primitive; what follows its name is as in `format!`. A client's connection is number 0.
macro_rules! primitive {
    ($name:literal, $($detail:tt)+) => {
        log::debug!(target: $crate::log_targets::NET, "{:7} {}", $name, format_args!($($detail)+))
    };
}

pub(crate) use primitive;
