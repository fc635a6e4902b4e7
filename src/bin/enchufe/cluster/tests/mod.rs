//! Tests of the scripts in Redis.

mod scripts;
