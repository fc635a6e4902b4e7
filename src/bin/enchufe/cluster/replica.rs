//! What a service is to the cluster: something that the log makes, the same on every server.

use std::sync::Arc;

use crate::cluster::entry::Entry;
use crate::cluster::rejoin::{DroppedOp, Rejoin};
use crate::store::record::DecodeError;

/// The state of a service, as the log makes it. Every server applies the same entries in the same order, so what it
/// makes of them must follow from them alone.
pub trait Replica: Send + Sync {
    /// Applies entries and tells everybody what they lead to.
    fn apply(&self, entries: Vec<Entry>);

    /// The state as it is now, as rows.
    fn rows(&self) -> Vec<Vec<u8>>;

    /// Begins again from rows; from here to [`Replica::resume`] entries are applied and nobody is told.
    ///
    /// # Errors
    /// The first row that makes no sense.
    fn restore(&self, rows: &[&[u8]]) -> Result<(), DecodeError>;

    /// The state is that of the log again: tells everybody what has changed in it meanwhile.
    fn resume(&self);

    /// Tells those who are connected how things stand.
    fn news(&self, news: ClusterNotice);

    /// These operations were never published, and never will be.
    fn dropped(&self, dropped: &[DroppedOp]);
}

/// A service that publishes in names, of which each is one server's own.
pub trait NameOwner: Replica {
    /// This server has a new place in the cluster, and no name is its own any more: calls [`Switch::go`] under the lock under
    /// which it publishes, and claims its names again. Returns what was dropped.
    fn rejoin(&self, switch: Rejoin<'_>) -> Vec<DroppedOp>;

    /// A name is not this server's, though it claimed it.
    fn lost(&self, name: &[u8], claim: u64);
}

/// The services of a server: one gets what is published in names, the other what is published in nobody's.
#[derive(Clone)]
pub struct Replicas {
    pub named: Arc<dyn NameOwner>,
    pub nameless: Option<Arc<dyn Replica>>,
}

impl Replicas {
    pub fn each(&self) -> impl Iterator<Item = &dyn Replica> {
        let named: &dyn Replica = &*self.named;
        std::iter::once(named).chain(self.nameless.as_deref())
    }

    pub fn apply(&self, entries: Vec<Entry>) {
        let (named, nameless): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| !entry.who.is_empty());
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

/// How things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterNotice {
    /// Redis does not answer: nothing is delivered.
    CutOff,
    /// It answers again.
    Healed,
    /// The log is another, or had a gap: what was said last may be lost.
    Anew,
}
