//! Several servers that are one: three programs on three ports, one Redis, and what becomes of them when any is killed,
//! stopped, cut off or robbed of its data.
#![cfg(all(unix, feature = "cli", feature = "cluster"))]

#[allow(dead_code)]
#[path = "../support/folder.rs"]
mod folder;
#[allow(dead_code)]
#[path = "../store/guest.rs"]
mod guest;
#[allow(dead_code)]
#[path = "../support/nginx.rs"]
mod nginx;
#[allow(dead_code)]
#[path = "../store/server.rs"]
mod server;
#[allow(dead_code)]
#[path = "../support/tools.rs"]
mod tools;

mod behind_nginx;
mod chaos;
mod cut_off;
mod one_board;
mod one_chat;
mod redis;
mod redis_fails;
mod relay;
mod server_fails;
