//! `/metrics`: what the server counts, in the Prometheus text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::cluster;
use crate::store;
use enchufe::http::Response;
use enchufe::net::Counters;

/// The counters as one page; those of the store only where there is one.
#[must_use]
pub fn page(counters: &Counters, store: Option<&store::counters::Counters>) -> Response {
    let mut page = Page(String::new());
    let traffic = counters.traffic();
    let now = |counter: &AtomicU64| counter.load(Relaxed);
    page.single(
        "connections_open",
        "gauge",
        "Connections open now.",
        now(&counters.open),
    );
    for (name, help, count) in [
        (
            "connections_accepted",
            "Connections accepted.",
            now(&counters.accepted),
        ),
        (
            "websockets_opened",
            "Handshakes answered with 101.",
            now(&counters.upgraded),
        ),
        (
            "messages_received",
            "Messages received.",
            traffic.messages_received,
        ),
        (
            "messages_sent",
            "Messages sent, per recipient.",
            traffic.messages_sent,
        ),
        (
            "received_bytes",
            "Bytes received on WebSockets.",
            traffic.bytes_received,
        ),
        (
            "sent_bytes",
            "Bytes sent on WebSockets.",
            traffic.bytes_sent,
        ),
        (
            "queue_overflows",
            "Peers closed as too slow.",
            now(&counters.too_slow),
        ),
        ("panics", "Handlers that panicked.", now(&counters.panics)),
        (
            "log_lines_left_out",
            "Lines left out of the log, one peer having caused too many.",
            now(&counters.log_lines_left_out),
        ),
    ] {
        page.single(&format!("{name}_total"), "counter", help, count);
    }
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

/// The page with the counters of a cluster too.
#[must_use]
pub fn with_cluster(mut response: Response, cluster: &cluster::Counters) -> Response {
    let mut page = Page(String::new());
    for (name, kind, help, count) in [
        (
            "log_position",
            "gauge",
            "How far this server has got in the log.",
            cluster.applied.load(Relaxed),
        ),
        (
            "lag_entries",
            "gauge",
            "Entries in the log that this server has not applied.",
            cluster.lag(),
        ),
        (
            "cut_off",
            "gauge",
            "1 while Redis does not answer.",
            cluster.cut_off.load(Relaxed),
        ),
        (
            "entries_total",
            "counter",
            "Entries of the log applied.",
            cluster.entries.load(Relaxed),
        ),
        (
            "operations_total",
            "counter",
            "Operations of this server that Redis has answered.",
            cluster.operations.load(Relaxed),
        ),
        (
            "steps_total",
            "counter",
            "Questions in which they went there.",
            cluster.steps.load(Relaxed),
        ),
        (
            "snapshots_total",
            "counter",
            "Snapshots taken by this server.",
            cluster.snapshots.load(Relaxed),
        ),
        (
            "fenced_total",
            "counter",
            "Times that this server came back and counted as gone.",
            cluster.fenced.load(Relaxed),
        ),
        (
            "restarts_total",
            "counter",
            "Times that this server began anew from a snapshot.",
            cluster.restarts.load(Relaxed),
        ),
    ] {
        page.single(&format!("cluster_{name}"), kind, help, count);
    }
    response.body.extend(page.0.into_bytes());
    response
}

struct Page(String);

impl Page {
    fn store(&mut self, store: &store::counters::Counters) {
        self.single(
            "store_commits_total",
            "counter",
            "Transactions of the history on disk.",
            store.commits.load(Relaxed),
        );
        self.single(
            "store_rows_total",
            "counter",
            "Rows written or removed in them.",
            store.rows.load(Relaxed),
        );
        self.single(
            "store_failures_total",
            "counter",
            "Times that writing the history began to fail.",
            store.failures.load(Relaxed),
        );
        self.head(
            "store_failing",
            "gauge",
            "1 while the history cannot be written.",
        );
        let failing = u8::from(store.failing.load(Relaxed));
        self.line(format_args!("enchufe_store_failing {failing}"));
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, count: u64) {
        self.head(name, kind, help);
        self.line(format_args!("enchufe_{name} {count}"));
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
        let page = page(
            &Counters::default(),
            Some(&store::counters::Counters::default()),
        );
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
