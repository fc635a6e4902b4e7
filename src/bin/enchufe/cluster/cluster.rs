//! Joining and leaving a cluster.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::log_targets::CLUSTER;
use log::info;

use crate::cluster::error::JoinError;
use crate::cluster::log_handle::Log;
use crate::cluster::op_queue::OpQueue;
use crate::cluster::reader::Reader;
use crate::cluster::redis_client::Address;
use crate::cluster::replica::{NameOwner, Replica, Replicas};
use crate::cluster::writer::{self, Writer};

/// A cluster that can be reached, and that this server has not joined.
pub struct Opened {
    address: Address,
    log: Log,
}

/// A server's place in a cluster. Dropping it publishes what is left, if Redis answers, and ends its threads.
pub struct Cluster {
    queue: Arc<OpQueue>,
    threads: Vec<JoinHandle<()>>,
}

/// Finds the Redis of a cluster, `redis://HOST:PORT/DATABASE`. Every server of a cluster is given the same, and the same
/// `lease`: how long a server may be silent before its users count as gone.
///
/// # Errors
/// [`JoinError`], in one line for people.
pub fn open(url: &str, lease: Duration) -> Result<Opened, JoinError> {
    let address = Address::parse(url, lease)?;
    let mut client = address.patient_link();
    client.epoch().map_err(|reason| JoinError::RedisClient {
        url: address.shown.clone(),
        reason,
    })?;
    Ok(Opened {
        address,
        log: Log(Arc::new(OpQueue::new())),
    })
}

impl Opened {
    /// The way into the log, for the services.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Joins, brings the services to where the log is, and starts to follow it.
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn start(
        self,
        named: Arc<dyn NameOwner>,
        nameless: Option<Arc<dyn Replica>>,
    ) -> Result<Cluster, JoinError> {
        let Opened { address, log } = self;
        let queue = log.0;
        let replicas = Replicas { named, nameless };
        let failed = |reason| JoinError::RedisClient {
            url: address.shown.clone(),
            reason,
        };
        let joined = address.patient_link().join().map_err(failed)?;
        queue.take_place((joined.epoch, joined.server));
        let client = address.patient_link();
        let mut reader = Reader::new(client, Arc::clone(&queue), replicas.clone());
        reader.load().map_err(failed)?;
        reader.follow_by(address.client());
        info!(
            target: CLUSTER, "server {} of the cluster at {}, up to entry {} of the log",
            joined.server, address.shown, joined.seq
        );
        let mut writer = Writer {
            client: address.client(),
            queue: Arc::clone(&queue),
            replicas,
            batch: Vec::new(),
            backoff: writer::backoff(address.lease),
        };
        let mut cluster = Cluster {
            queue,
            threads: Vec::new(),
        };
        cluster.spawn("cluster-reader", move || reader.run())?;
        cluster.spawn("cluster-writer", move || writer.run())?;
        Ok(cluster)
    }
}

impl Cluster {
    /// Everybody needs these threads: one that panics goes on where it was.
    fn spawn(
        &mut self,
        name: &str,
        mut work: impl FnMut() + Send + 'static,
    ) -> Result<(), JoinError> {
        let restart_on_panic = move || while catch_unwind(AssertUnwindSafe(&mut work)).is_err() {};
        let thread = thread::Builder::new().name(name.to_owned());
        self.threads
            .push(thread.spawn(restart_on_panic).map_err(JoinError::Thread)?);
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.queue.end();
        for thread in self.threads.drain(..) {
            let _never_panics = thread.join();
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("at", &self.address.shown)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

/// Below this a lease would run out while a healthy server is waiting for its turn.
pub const LEASE_MIN: Duration = Duration::from_millis(500);
