//! Options of all commands, in one table, from arguments and the environment.

pub mod args;
pub mod client;
pub mod connect_options;
pub mod help;
pub mod option_value;
pub mod serve;
pub mod suggest;
pub mod table;
pub mod units;
