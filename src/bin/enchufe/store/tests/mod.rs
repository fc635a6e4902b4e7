//! Tests of the store thread on a fake backend. Those of the file are in `file.rs` and `file_faults.rs`.

mod delivery_order;
mod fake_backend;
mod opening;
mod write_failures;
