//! Interface between the cluster and the services whose state it replicates.

use std::sync::Arc;

use crate::cluster::entry::LogEntry;
use crate::cluster::rejoin::{DroppedOp, Rejoin};
use crate::store::record::DecodeError;

/// A service with the same state on every server. Every server applies the same entries in the same order, so their
/// effects must depend on nothing else.
pub trait Replica: Send + Sync {
    /// Applies entries, and notifies clients.
    fn apply(&self, entries: Vec<LogEntry>);

    /// Encodes the current state as rows.
    fn rows(&self) -> Vec<Vec<u8>>;

    /// Replaces the state. Until [`Replica::resume`], entries are applied without notices to clients.
    ///
    /// # Errors
    /// The first invalid row.
    fn restore(&self, rows: &[&[u8]]) -> Result<(), DecodeError>;

    /// Notifies clients of the differences since [`Replica::restore`].
    fn resume(&self);

    /// Notifies all clients of a change in the connection to the cluster.
    fn notify(&self, notice: ClusterNotice);

    /// Notifies the authors of operations that were dropped.
    fn notify_dropped(&self, dropped: &[DroppedOp]);
}

/// A service whose operations belong to names, each claimed by one server.
pub trait NameOwner: Replica {
    /// Claims this server's names again after it has joined again. Calls [`Rejoin::run`] under the lock under which the
    /// service appends operations. Returns the dropped operations.
    fn rejoin(&self, rejoin: Rejoin<'_>) -> Vec<DroppedOp>;

    /// Disconnects the user of a name that another server has claimed.
    fn name_lost(&self, name: &[u8], claim: u64);
}

/// Services of a server.
#[derive(Clone)]
pub struct Replicas {
    /// Receives the entries with a name.
    pub named: Arc<dyn NameOwner>,
    /// Receives the entries without a name.
    pub nameless: Option<Arc<dyn Replica>>,
}

impl Replicas {
    pub fn each(&self) -> impl Iterator<Item = &dyn Replica> {
        let named: &dyn Replica = &*self.named;
        std::iter::once(named).chain(self.nameless.as_deref())
    }

    pub fn apply(&self, entries: Vec<LogEntry>) {
        let (named, nameless): (Vec<LogEntry>, Vec<LogEntry>) = entries
            .into_iter()
            .partition(|entry| !entry.name.is_empty());
        if !named.is_empty() {
            self.named.apply(named);
        }
        if let Some(replica) = &self.nameless
            && !nameless.is_empty()
        {
            replica.apply(nameless);
        }
    }
}

/// A change in the connection to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterNotice {
    /// Redis does not answer: nothing is delivered.
    Unavailable,
    /// Redis answers again.
    Available,
    /// The state was reloaded, because the log was replaced or had a gap. The last entries may be lost.
    Restarted,
}
