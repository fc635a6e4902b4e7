//! `/metrics`: the counters of the server, in the Prometheus text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::cluster;
use crate::store;
use enchufe::http::Response;
use enchufe::net::Counters;

/// Returns the page of all counters, including those of the store if there is one.
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
            "WebSocket handshakes completed (status 101).",
            now(&counters.upgraded),
        ),
        (
            "messages_received",
            "Messages received.",
            traffic.messages_received,
        ),
        (
            "messages_sent",
            "Messages sent, counted once for each recipient.",
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
            "Connections closed because the send queue was full.",
            now(&counters.too_slow),
        ),
        (
            "panics",
            "Panics caught in service handlers.",
            now(&counters.panics),
        ),
        (
            "log_lines_suppressed",
            "Log lines suppressed by the rate limit per client address.",
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
        "WebSockets closed, by close code; 1006 if there was none.",
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

/// Adds the counters of the cluster to the page.
#[must_use]
pub fn with_cluster(mut response: Response, cluster: &cluster::counters::Counters) -> Response {
    let mut page = Page(String::new());
    for (name, kind, help, count) in [
        (
            "log_position",
            "gauge",
            "Position of the last log entry that this server applied.",
            cluster.applied.load(Relaxed),
        ),
        (
            "lag_entries",
            "gauge",
            "Log entries that this server has not applied yet.",
            cluster.lag(),
        ),
        (
            "redis_unavailable",
            "gauge",
            "1 while Redis does not carry out requests of this server, else 0.",
            cluster.unavailable.load(Relaxed),
        ),
        (
            "entries_total",
            "counter",
            "Log entries applied.",
            cluster.entries.load(Relaxed),
        ),
        (
            "operations_total",
            "counter",
            "Operations of this server that Redis has confirmed.",
            cluster.operations.load(Relaxed),
        ),
        (
            "redis_round_trips_total",
            "counter",
            "Redis round trips that carried operations.",
            cluster.round_trips.load(Relaxed),
        ),
        (
            "snapshots_total",
            "counter",
            "Snapshots written by this server.",
            cluster.snapshots.load(Relaxed),
        ),
        (
            "fenced_total",
            "counter",
            "Times that this server reconnected after its lease had expired.",
            cluster.fenced.load(Relaxed),
        ),
        (
            "resyncs_total",
            "counter",
            "Times that this server reloaded its state from a snapshot.",
            cluster.reloads.load(Relaxed),
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
            "Transactions committed to disk.",
            store.commits.load(Relaxed),
        );
        self.single(
            "store_rows_total",
            "counter",
            "Rows written or deleted in those transactions.",
            store.rows.load(Relaxed),
        );
        self.single(
            "store_failures_total",
            "counter",
            "Times that writes to disk started to fail.",
            store.failures.load(Relaxed),
        );
        self.head(
            "store_failing",
            "gauge",
            "1 while writes to disk fail, else 0.",
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
        let _ = writeln!(self.0, "{line}"); // writing to a String cannot fail
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
