//! Client for Redis: each change is one atomic script.
//!
//! After a failure the connection is closed, and the next call opens a new one. Otherwise a late reply could be taken for
//! the reply to a later call.

use std::time::Duration;

use redis::{Client, Cmd, Connection, ConnectionInfo, IntoConnectionInfo, Value};

use crate::cluster::entry::{LogEntry, Position};
use crate::cluster::entry_parser;
use crate::cluster::error::{ClientError, JoinError};
use crate::cluster::op::Op;

/// Address of a Redis server, and the lease of the cluster.
#[derive(Debug, Clone)]
pub struct RedisAddress {
    info: ConnectionInfo,
    /// The URL without its password.
    pub display_url: String,
    pub lease: Duration,
}

/// A client that connects when necessary.
pub struct RedisClient {
    address: RedisAddress,
    /// Maximum time for a reply.
    timeout: Duration,
    connection: Option<Connection>,
}

/// Reply to a join.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    pub epoch: u64,
    /// Number of this server.
    pub server: u64,
    /// Sequence number of the last log entry.
    pub seq: u64,
}

/// Reply to a batch of operations.
#[derive(Debug)]
pub enum BatchReply {
    Done {
        seq: u64,
        /// One letter per operation.
        results: Vec<u8>,
        /// Time until the next lease of any server expires.
        next_lease: Duration,
        /// Whether this server should write a snapshot.
        snapshot_due: bool,
    },
    /// The log has another epoch.
    NewEpoch,
    /// The lease of this server has expired.
    Fenced,
}

/// The snapshot, and the end of the log.
#[derive(Debug)]
pub struct Loaded {
    pub epoch: u64,
    pub seq: u64,
    /// The last entry that the snapshot includes.
    pub snapshot_at: Position,
    pub snapshot: Vec<u8>,
}

impl RedisAddress {
    pub fn parse(url: &str, lease: Duration) -> Result<Self, JoinError> {
        let display_url = without_password(url);
        let info = url.into_connection_info();
        let info = info.map_err(|reason| JoinError::Url {
            url: display_url.clone(),
            reason,
        })?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        // Each command on a new connection could time out, so skip the two that only name the client library.
        let redis = info.redis_settings().clone().set_skip_set_lib_name();
        Ok(Self {
            info: info.set_tcp_settings(tcp).set_redis_settings(redis),
            display_url,
            lease,
        })
    }

    pub fn client(&self) -> RedisClient {
        self.client_with_timeout((self.lease / 4).max(Duration::from_millis(100)))
    }

    /// Returns a client with a longer timeout, for the start: no session waits yet.
    pub fn startup_client(&self) -> RedisClient {
        self.client_with_timeout(self.lease.max(STARTUP_TIMEOUT))
    }

    fn client_with_timeout(&self, timeout: Duration) -> RedisClient {
        RedisClient {
            address: self.clone(),
            timeout,
            connection: None,
        }
    }
}

impl RedisClient {
    pub fn lease(&self) -> Duration {
        self.address.lease
    }

    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Joins the cluster as a new server.
    pub fn join(&mut self) -> Result<Joined, ClientError> {
        let reply = list(self.run_script(JOIN, &[])?)?;
        let [epoch, server, seq] = &reply[..] else {
            return Err(ClientError::Reply("join script"));
        };
        Ok(Joined {
            epoch: number(epoch)?,
            server: number(server)?,
            seq: number(seq)?,
        })
    }

    /// Renews the lease and executes operations, of which the first has the number `first`.
    pub fn run_batch(
        &mut self,
        epoch: u64,
        server: u64,
        first: u64,
        ops: &[Op],
    ) -> Result<BatchReply, ClientError> {
        let mut arguments = vec![
            epoch.to_string().into_bytes(),
            server.to_string().into_bytes(),
            first.to_string().into_bytes(),
            SNAPSHOT_ENTRIES.to_string().into_bytes(),
            SNAPSHOT_BYTES.to_string().into_bytes(),
        ];
        for op in ops {
            arguments.extend(op.arguments());
        }
        let reply = list(self.run_script(BATCH, &arguments)?)?;
        match &reply[..] {
            [
                Value::BulkString(word),
                seq,
                Value::BulkString(results),
                next,
                due,
            ] if word == b"ok" && results.len() == ops.len() => Ok(BatchReply::Done {
                seq: number(seq)?,
                results: results.clone(),
                next_lease: Duration::from_millis(number(next)?),
                snapshot_due: number(due)? == 1,
            }),
            [Value::BulkString(word)] if word == b"epoch" => Ok(BatchReply::NewEpoch),
            [Value::BulkString(word)] if word == b"fenced" => Ok(BatchReply::Fenced),
            _ => Err(ClientError::Reply("batch script")),
        }
    }

    /// Returns the last snapshot and the end of the log.
    pub fn load(&mut self) -> Result<Loaded, ClientError> {
        let reply = list(self.run_script(LOAD, &[])?)?;
        let [
            epoch,
            seq,
            Value::BulkString(id),
            Value::BulkString(snapshot),
        ] = &reply[..]
        else {
            return Err(ClientError::Reply("load script"));
        };
        Ok(Loaded {
            epoch: match epoch {
                Value::Nil => 0,
                epoch => number(epoch)?,
            },
            seq: number(seq)?,
            snapshot_at: Position::parse(id).unwrap_or_default(),
            snapshot: snapshot.clone(),
        })
    }

    /// Stores a snapshot that includes all entries up to `at`. Returns false if Redis has a later one.
    pub fn write_snapshot(
        &mut self,
        at: Position,
        rows: usize,
        snapshot: Vec<u8>,
    ) -> Result<bool, ClientError> {
        let arguments = [
            at.epoch.to_string().into_bytes(),
            at.seq.to_string().into_bytes(),
            at.to_string().into_bytes(),
            rows.to_string().into_bytes(),
            snapshot,
        ];
        Ok(number(&self.run_script(SNAPSHOT, &arguments)?)? == 1)
    }

    /// Starts the epoch after `epoch`, unless another server already has. `wipe` also deletes the log and the snapshot.
    pub fn start_epoch(&mut self, epoch: u64, wipe: bool) -> Result<(), ClientError> {
        let wipe = u8::from(wipe).to_string().into_bytes();
        let arguments = [epoch.to_string().into_bytes(), wipe];
        self.run_script(START_EPOCH, &arguments).map(drop)
    }

    /// Returns the current epoch; 0 without a log.
    pub fn epoch(&mut self) -> Result<u64, ClientError> {
        let reply = self.query(redis::cmd("HGET").arg(META).arg("epoch"))?;
        match reply {
            Value::Nil => Ok(0),
            epoch => number(&epoch),
        }
    }

    /// Returns the entry at a position, if the log still has it.
    pub fn entry(&mut self, at: Position) -> Result<Option<LogEntry>, ClientError> {
        let id = at.to_string();
        let reply = self.query(redis::cmd("XRANGE").arg(LOG).arg(&id).arg(&id))?;
        Ok(entry_parser::parse_xrange(reply)?.pop())
    }

    /// Returns the entries after a position, at most `count`, without waiting.
    pub fn next(&mut self, after: Position, count: usize) -> Result<Vec<LogEntry>, ClientError> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(count).arg("STREAMS").arg(LOG);
        entry_parser::parse_xread(self.query(command.arg(after.to_string()))?)
    }

    /// Returns the entries after a position, at most `count`. Waits for one up to a timeout.
    pub fn await_next(
        &mut self,
        after: Position,
        count: usize,
    ) -> Result<Vec<LogEntry>, ClientError> {
        let wait = self.timeout;
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(count);
        command.arg("BLOCK").arg(wait.as_millis().to_string());
        command.arg("STREAMS").arg(LOG).arg(after.to_string());
        entry_parser::parse_xread(self.query_with_timeout(&command, 2 * wait)?)
    }

    fn run_script(&mut self, script: &str, arguments: &[Vec<u8>]) -> Result<Value, ClientError> {
        let lease = self.address.lease.as_millis().to_string();
        let mut by_hash = redis::cmd("EVALSHA");
        by_hash.arg(sha1_hex(script));
        let mut by_source = redis::cmd("EVAL");
        by_source.arg(script);
        for command in [&mut by_hash, &mut by_source] {
            command
                .arg(KEYS.len())
                .arg(&KEYS)
                .arg(&lease)
                .arg(arguments);
        }
        match self.query(&by_hash) {
            // Redis forgets scripts when it restarts.
            Err(ClientError::Redis(error)) if error.code() == Some("NOSCRIPT") => {
                self.query(&by_source)
            }
            reply => reply,
        }
    }

    fn query(&mut self, command: &Cmd) -> Result<Value, ClientError> {
        self.query_with_timeout(command, self.timeout)
    }

    fn query_with_timeout(
        &mut self,
        command: &Cmd,
        timeout: Duration,
    ) -> Result<Value, ClientError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.set_read_timeout(Some(timeout))?;
        connection.set_write_timeout(Some(timeout))?;
        let reply = command.query(&mut connection);
        let is_usable = match &reply {
            Ok(_) => true,
            Err(error) => error.code() == Some("NOSCRIPT"),
        };
        if is_usable {
            self.connection = Some(connection);
        }
        Ok(reply?)
    }

    fn connect(&self) -> Result<Connection, ClientError> {
        let client = Client::open(self.address.info.clone())?;
        Ok(client.get_connection_with_timeout(self.timeout)?)
    }
}

fn list(value: Value) -> Result<Vec<Value>, ClientError> {
    match value {
        Value::Array(list) => Ok(list),
        _ => Err(ClientError::Reply("not a list")),
    }
}

fn number(value: &Value) -> Result<u64, ClientError> {
    let number = match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(text) => str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
        _ => None,
    };
    number.ok_or(ClientError::Reply("not a number"))
}

fn sha1_hex(script: &str) -> String {
    use sha1::{Digest, Sha1};
    let digest = Sha1::digest(script.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Removes user and password from a URL.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}"),
        None => url.to_owned(),
    }
}

/// Minimum timeout of a reply while the server starts.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(5);

const META: &str = "{enchufe}:meta";
const LOG: &str = "{enchufe}:log";

/// Keys of the cluster. The braces put them into one slot, so that one script can use all of them.
const KEYS: [&str; 6] = [
    META,
    LOG,
    "{enchufe}:leases",
    "{enchufe}:names",
    "{enchufe}:done",
    "{enchufe}:snapshot",
];

const JOIN: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/join.lua")
);
const BATCH: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/batch.lua")
);
const LOAD: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/load.lua")
);
const SNAPSHOT: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/snapshot.lua")
);
const START_EPOCH: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/start_epoch.lua")
);

/// Entries after which a snapshot is due, unless the last one has more rows.
const SNAPSHOT_ENTRIES: u64 = 10_000;

/// Bytes in entries after which a snapshot is due, unless the last one is larger.
const SNAPSHOT_BYTES: u64 = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_url_has_no_password() {
        let displayed = without_password("redis://ana:se@cret@redis.example.org:6379/1");
        assert_eq!(displayed, "redis://redis.example.org:6379/1");
        assert_eq!(without_password("redis://127.0.0.1"), "redis://127.0.0.1");
    }

    #[test]
    fn an_invalid_url_is_a_one_line_error_without_the_password() {
        let error = RedisAddress::parse("http://ana:secret@127.0.0.1", Duration::from_secs(1));
        let line = error.unwrap_err().to_string();
        assert!(
            line.starts_with("'http://127.0.0.1' is not the URL of a Redis server"),
            "{line}"
        );
        assert!(!line.contains("secret") && !line.contains('\n'), "{line}");
    }
}
