//! `/metrics`: what the server counts, in the Prometheus text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::http::Response;
use crate::net::Counters;
use crate::store;

/// The counters as one page; those of the store only where there is one.
#[must_use]
pub fn page(counters: &Counters, store: Option<&store::Counters>) -> Response {
    let mut page = Page(String::new());
    page.single(
        "connections_accepted_total",
        "counter",
        "Connections accepted.",
        &counters.accepted,
    );
    page.single(
        "connections_open",
        "gauge",
        "Connections open now.",
        &counters.open,
    );
    page.single(
        "websockets_opened_total",
        "counter",
        "Handshakes answered with 101.",
        &counters.upgraded,
    );
    page.single(
        "messages_received_total",
        "counter",
        "Messages received.",
        &counters.messages_received,
    );
    page.single(
        "messages_sent_total",
        "counter",
        "Messages sent, per recipient.",
        &counters.messages_sent,
    );
    page.single(
        "received_bytes_total",
        "counter",
        "Bytes received on WebSockets.",
        &counters.bytes_received,
    );
    page.single(
        "sent_bytes_total",
        "counter",
        "Bytes sent on WebSockets.",
        &counters.bytes_sent,
    );
    page.single(
        "queue_overflows_total",
        "counter",
        "Peers closed as too slow.",
        &counters.too_slow,
    );
    page.single(
        "panics_total",
        "counter",
        "Handlers that panicked.",
        &counters.panics,
    );
    page.table(
        "http_responses_total",
        "HTTP responses by status.",
        "status",
        counters.statuses(),
    );
    page.table(
        "closes_total",
        "Ends of WebSockets by close code, 1006 without one.",
        "code",
        counters.closes(),
    );
    if let Some(store) = store {
        page.store(store);
    }
    let mut response =
        Response::new(200).header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = page.0.into_bytes();
    response
}

struct Page(String);

impl Page {
    fn store(&mut self, store: &store::Counters) {
        self.single(
            "store_commits_total",
            "counter",
            "Transactions of the history on disk.",
            &store.commits,
        );
        self.single(
            "store_rows_total",
            "counter",
            "Rows written or removed in them.",
            &store.rows,
        );
        self.single(
            "store_failures_total",
            "counter",
            "Times that writing the history began to fail.",
            &store.failures,
        );
        self.head(
            "store_failing",
            "gauge",
            "1 while the history cannot be written.",
        );
        let failing = u8::from(store.failing.load(Relaxed));
        self.line(format_args!("enchufe_store_failing {failing}"));
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, counter: &AtomicU64) {
        self.head(name, kind, help);
        self.line(format_args!("enchufe_{name} {}", counter.load(Relaxed)));
    }

    fn table(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        rows: impl Iterator<Item = (u16, u64)>,
    ) {
        self.head(name, "counter", help);
        for (value, count) in rows {
            self.line(format_args!(
                "enchufe_{name}{{{label}=\"{value}\"}} {count}"
            ));
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP enchufe_{name} {help}"));
        self.line(format_args!("# TYPE enchufe_{name} {kind}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{line}"); // a String takes everything
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_comment_or_a_name_and_a_number() {
        let page = page(&Counters::default(), Some(&store::Counters::default()));
        let page = String::from_utf8(page.body).expect("the page is text");
        assert!(page.contains("\nenchufe_connections_open 0\n"));
        assert!(page.contains("\nenchufe_store_failing 0\n"));
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (name, number) = line.split_once(' ').expect("two fields");
            assert!(
                name.starts_with("enchufe_") && number.parse::<u64>().is_ok(),
                "{line}"
            );
        }
    }
}
