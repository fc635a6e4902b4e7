//! Joining and leaving a cluster.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::info;

use crate::cluster::error::JoinError;
use crate::cluster::log_handle::Log;
use crate::cluster::op_queue::OpQueue;
use crate::cluster::reader::LogReader;
use crate::cluster::redis_client::RedisAddress;
use crate::cluster::replica::{NameOwner, Replica, Replicas};
use crate::cluster::writer::{self, LogWriter};
use crate::log_targets::CLUSTER;

/// A cluster that this server has not joined yet.
pub struct ClusterBuilder {
    address: RedisAddress,
    log: Log,
}

/// A server's membership in a cluster. Dropping it appends the queued operations, if Redis answers, and stops its threads.
pub struct Cluster {
    queue: Arc<OpQueue>,
    threads: Vec<JoinHandle<()>>,
}

/// Connects to the Redis server of a cluster, `redis://HOST:PORT/DATABASE`. All servers of a cluster need the same one and
/// the same `lease`: the time without contact after which a server's users are disconnected.
///
/// # Errors
/// [`JoinError`], one line for the operator.
pub fn open(url: &str, lease: Duration) -> Result<ClusterBuilder, JoinError> {
    let address = RedisAddress::parse(url, lease)?;
    let mut client = address.startup_client();
    client.epoch().map_err(|reason| JoinError::Redis {
        url: address.display_url.clone(),
        reason,
    })?;
    Ok(ClusterBuilder {
        address,
        log: Log(Arc::new(OpQueue::new())),
    })
}

impl ClusterBuilder {
    /// Returns a handle to the log, for the services.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Joins the cluster, loads the current state into the services, and starts to follow the log.
    ///
    /// # Errors
    /// [`JoinError`], one line for the operator.
    pub fn start(
        self,
        named: Arc<dyn NameOwner>,
        nameless: Option<Arc<dyn Replica>>,
    ) -> Result<Cluster, JoinError> {
        let Self { address, log } = self;
        let queue = log.0;
        let replicas = Replicas { named, nameless };
        let failed = |reason| JoinError::Redis {
            url: address.display_url.clone(),
            reason,
        };
        let joined = address.startup_client().join().map_err(failed)?;
        queue.set_server_id((joined.epoch, joined.server));
        let client = address.startup_client();
        let mut reader = LogReader::new(client, Arc::clone(&queue), replicas.clone());
        reader.load().map_err(failed)?;
        reader.set_client(address.client());
        info!(
            target: CLUSTER, "joined the cluster at {} as server {}, at log entry {}",
            address.display_url, joined.server, joined.seq
        );
        let mut writer = LogWriter {
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
    /// Starts a thread that runs `work` again after a panic.
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
        self.queue.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // panics are caught in the thread
        }
    }
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterBuilder")
            .field("url", &self.address.display_url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

/// Minimum lease. A shorter one could expire while a healthy server waits for Redis.
pub const MIN_LEASE: Duration = Duration::from_millis(500);
