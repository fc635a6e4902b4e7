//! The pages in a real browser: headless Chromium, told what to do through its
//! [DevTools protocol](https://chromedevtools.github.io/devtools-protocol/), which is JSON over a WebSocket, so our own
//! client is all that drives it.
//!
//! Reading order: `chromium` (the process), `devtools` (questions, answers, events), `page` (what a person does and sees),
//! then the tests. Without Chromium they say so and pass, except where `CI` is `true`. Any uncaught error, failed request or
//! breach of the pages' policy that a test did not expect makes it fail.
#![cfg(all(unix, feature = "cli"))]

#[path = "../support/mod.rs"]
mod support;

mod chromium;
mod devtools;
mod page;
mod server;

mod chat;
mod guide;
mod hospital;
mod lab;
mod looks;
mod media;
mod signalr;
mod token;
mod watch;
