//! One connection to Redis, and the calls that a server makes over it: each a script that does all of it or nothing.
//!
//! A connection that failed once is dropped, and the next call makes a new one: what was still to come on the old one
//! must not be taken for an answer.

use std::time::Duration;

use redis::{Client, Cmd, Connection, ConnectionInfo, IntoConnectionInfo, Value};

use crate::cluster::entry::{Entry, Position};
use crate::cluster::entry_parser;
use crate::cluster::error::{JoinError, LinkError};
use crate::cluster::op::Op;

/// Where a Redis is, and for how long a server's lease holds there.
#[derive(Debug, Clone)]
pub struct Address {
    info: ConnectionInfo,
    /// For people: without a password.
    pub shown: String,
    pub lease: Duration,
}

/// A connection to it, made when it is needed.
pub struct RedisClient {
    address: Address,
    /// How long an answer may take.
    patience: Duration,
    connection: Option<Connection>,
}

/// What a server learns when it joins.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    pub epoch: u64,
    /// Its number.
    pub server: u64,
    /// How far the log has got.
    pub seq: u64,
}

/// The answer to a step.
#[derive(Debug)]
pub enum BatchReply {
    Done {
        seq: u64,
        /// A letter for each operation.
        results: Vec<u8>,
        /// When the next lease of any server runs out.
        next_lease: Duration,
        /// This server is to take a snapshot.
        snapshot_due: bool,
    },
    /// It is not the log it was.
    NewEpoch,
    /// This server counts as gone.
    Fenced,
}

/// What a server begins with.
#[derive(Debug)]
pub struct Loaded {
    pub epoch: u64,
    pub seq: u64,
    /// Up to which entry the snapshot goes.
    pub snapshot_at: Position,
    pub snapshot: Vec<u8>,
}

impl Address {
    pub fn parse(url: &str, lease: Duration) -> Result<Address, JoinError> {
        let shown = without_password(url);
        let info = url.into_connection_info();
        let info = info.map_err(|reason| JoinError::Url {
            url: shown.clone(),
            reason,
        })?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        // A Redis that is silent is waited for once for each question on a new connection, and these two say nothing.
        let redis = info.redis_settings().clone().set_skip_set_lib_name();
        Ok(Address {
            info: info.set_tcp_settings(tcp).set_redis_settings(redis),
            shown,
            lease,
        })
    }

    pub fn client(&self) -> RedisClient {
        self.link_within((self.lease / 4).max(Duration::from_millis(100)))
    }

    /// A connection for the start, when there is nobody yet who waits.
    pub fn patient_link(&self) -> RedisClient {
        self.link_within(self.lease.max(START))
    }

    fn link_within(&self, patience: Duration) -> RedisClient {
        RedisClient {
            address: self.clone(),
            patience,
            connection: None,
        }
    }
}

impl RedisClient {
    pub fn lease(&self) -> Duration {
        self.address.lease
    }

    /// Breaks with the connection there is.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    pub fn is_up(&self) -> bool {
        self.connection.is_some()
    }

    pub fn join(&mut self) -> Result<Joined, LinkError> {
        let answer = list(self.script(JOIN, &[])?)?;
        let [epoch, server, seq] = &answer[..] else {
            return Err(LinkError::Answer("join"));
        };
        Ok(Joined {
            epoch: number(epoch)?,
            server: number(server)?,
            seq: number(seq)?,
        })
    }

    pub fn step(
        &mut self,
        epoch: u64,
        server: u64,
        first: u64,
        ops: &[Op],
    ) -> Result<BatchReply, LinkError> {
        let mut arguments = vec![
            epoch.to_string().into_bytes(),
            server.to_string().into_bytes(),
            first.to_string().into_bytes(),
            SNAPSHOT_EVERY.to_string().into_bytes(),
            SNAPSHOT_BYTES.to_string().into_bytes(),
        ];
        for op in ops {
            arguments.extend(op.arguments());
        }
        let answer = list(self.script(STEP, &arguments)?)?;
        match &answer[..] {
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
            _ => Err(LinkError::Answer("step")),
        }
    }

    pub fn load(&mut self) -> Result<Loaded, LinkError> {
        let answer = list(self.script(LOAD, &[])?)?;
        let [
            epoch,
            seq,
            Value::BulkString(id),
            Value::BulkString(snapshot),
        ] = &answer[..]
        else {
            return Err(LinkError::Answer("load"));
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

    /// Keeps a snapshot that goes up to an entry. False if a later one is there.
    pub fn snapshot(
        &mut self,
        at: Position,
        rows: usize,
        snapshot: Vec<u8>,
    ) -> Result<bool, LinkError> {
        let arguments = [
            at.epoch.to_string().into_bytes(),
            at.seq.to_string().into_bytes(),
            at.to_string().into_bytes(),
            rows.to_string().into_bytes(),
            snapshot,
        ];
        Ok(number(&self.script(SNAPSHOT, &arguments)?)? == 1)
    }

    /// Makes everybody begin again, unless somebody else has already.
    pub fn renew(&mut self, epoch: u64, wipe: bool) -> Result<(), LinkError> {
        let wipe = u8::from(wipe).to_string().into_bytes();
        let arguments = [epoch.to_string().into_bytes(), wipe];
        self.script(RENEW, &arguments).map(drop)
    }

    /// The epoch of the log that is there now; 0 if there is none.
    pub fn epoch(&mut self) -> Result<u64, LinkError> {
        let answer = self.ask(redis::cmd("HGET").arg(META).arg("epoch"))?;
        match answer {
            Value::Nil => Ok(0),
            epoch => number(&epoch),
        }
    }

    /// The entry at a position, if it is still there.
    pub fn entry(&mut self, at: Position) -> Result<Option<Entry>, LinkError> {
        let id = at.to_string();
        let answer = self.ask(redis::cmd("XRANGE").arg(LOG).arg(&id).arg(&id))?;
        Ok(entry_parser::entries(answer)?.pop())
    }

    /// The next entries after a position, at most so many, without waiting for any.
    pub fn next(&mut self, after: Position, count: usize) -> Result<Vec<Entry>, LinkError> {
        let mut ask = redis::cmd("XREAD");
        ask.arg("COUNT").arg(count).arg("STREAMS").arg(LOG);
        entry_parser::read(self.ask(ask.arg(after.to_string()))?)
    }

    /// The same, waiting for one if there is none.
    pub fn await_next(&mut self, after: Position, count: usize) -> Result<Vec<Entry>, LinkError> {
        let wait = self.patience;
        let mut ask = redis::cmd("XREAD");
        ask.arg("COUNT").arg(count);
        ask.arg("BLOCK").arg(wait.as_millis().to_string());
        ask.arg("STREAMS").arg(LOG).arg(after.to_string());
        entry_parser::read(self.ask_within(&ask, 2 * wait)?)
    }

    fn script(&mut self, body: &str, arguments: &[Vec<u8>]) -> Result<Value, LinkError> {
        let lease = self.address.lease.as_millis().to_string();
        let mut hash = redis::cmd("EVALSHA");
        hash.arg(sha1_of(body));
        let mut whole = redis::cmd("EVAL");
        whole.arg(body);
        for ask in [&mut hash, &mut whole] {
            ask.arg(KEYS.len()).arg(&KEYS).arg(&lease).arg(arguments);
        }
        match self.ask(&hash) {
            // Redis forgets scripts when it restarts.
            Err(LinkError::Redis(error)) if error.code() == Some("NOSCRIPT") => self.ask(&whole),
            answer => answer,
        }
    }

    fn ask(&mut self, ask: &Cmd) -> Result<Value, LinkError> {
        self.ask_within(ask, self.patience)
    }

    fn ask_within(&mut self, ask: &Cmd, patience: Duration) -> Result<Value, LinkError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.set_read_timeout(Some(patience))?;
        connection.set_write_timeout(Some(patience))?;
        let answer = ask.query(&mut connection);
        let usable = match &answer {
            Ok(_) => true,
            Err(error) => error.code() == Some("NOSCRIPT"),
        };
        if usable {
            self.connection = Some(connection);
        }
        Ok(answer?)
    }

    fn connect(&self) -> Result<Connection, LinkError> {
        let client = Client::open(self.address.info.clone())?;
        Ok(client.get_connection_with_timeout(self.patience)?)
    }
}

fn list(value: Value) -> Result<Vec<Value>, LinkError> {
    match value {
        Value::Array(list) => Ok(list),
        _ => Err(LinkError::Answer("no list")),
    }
}

fn number(value: &Value) -> Result<u64, LinkError> {
    let number = match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(text) => str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
        _ => None,
    };
    number.ok_or(LinkError::Answer("no number"))
}

fn sha1_of(body: &str) -> String {
    use sha1::{Digest, Sha1};
    let digest = Sha1::digest(body.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `redis://user:secret@host` without what is secret.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}"),
        None => url.to_owned(),
    }
}

/// How long Redis may take to answer while a server starts.
const START: Duration = Duration::from_secs(5);

const META: &str = "{enchufe}:meta";
const LOG: &str = "{enchufe}:log";

/// The braces keep them in one slot, so that one script may use them all.
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
const STEP: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/step.lua")
);
const LOAD: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/load.lua")
);
const SNAPSHOT: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/snapshot.lua")
);
const RENEW: &str = concat!(
    include_str!("scripts/head.lua"),
    include_str!("scripts/renew.lua")
);

/// Entries, and bytes in them, after which a snapshot is taken, unless the last one had more rows or bytes.
const SNAPSHOT_EVERY: u64 = 10_000;
const SNAPSHOT_BYTES: u64 = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let shown = without_password("redis://ana:se@cret@redis.example.org:6379/1");
        assert_eq!(shown, "redis://redis.example.org:6379/1");
        assert_eq!(without_password("redis://127.0.0.1"), "redis://127.0.0.1");
    }

    #[test]
    fn what_is_no_url_of_a_redis_is_refused_in_one_line() {
        let error = Address::parse("http://ana:secret@127.0.0.1", Duration::from_secs(1));
        let line = error.unwrap_err().to_string();
        assert!(
            line.starts_with("'http://127.0.0.1' is not the URL of a Redis"),
            "{line}"
        );
        assert!(!line.contains("secret") && !line.contains('\n'), "{line}");
    }
}
