//! The last `invocationId`s of one client, to notice one that comes again.

use std::collections::VecDeque;

/// A bounded memory: every call is complete before the next is read, so a repeated id confuses only the client that repeats
/// it, and the last few are enough to tell it.
#[derive(Debug, Default)]
pub struct InvocationIds(VecDeque<String>);

impl InvocationIds {
    /// Notes an id. False if it was noted before.
    pub fn is_new(&mut self, id: &str) -> bool {
        if self.0.iter().any(|used| used == id) {
            return false;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(id.to_owned());
        true
    }
}

/// Ids remembered.
const KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_for_ids_is_bounded_and_forgets_the_oldest() {
        let mut ids = InvocationIds::default();
        for id in 0..1_000 {
            assert!(ids.is_new(&id.to_string()));
        }
        assert_eq!(ids.0.len(), KEPT);
        assert!(!ids.is_new("999"));
        assert!(ids.is_new("0"));
    }
}
