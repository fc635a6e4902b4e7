//! Histories of all chats. Two limits apply: messages per chat, and bytes in all chats together.
//!
//! The number of chats has no limit, since every pair of names can be one; so the bytes need one. Above a limit the
//! oldest messages are evicted.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::chat::domain::message::{Channel, Message};

/// The messages of all chats.
#[derive(Debug)]
pub struct Histories {
    limits: HistoryLimits,
    /// Stored messages by sequence number, oldest first.
    messages: BTreeMap<u64, Message>,
    /// Sequence numbers of each chat in ascending order. No chat is empty.
    channels: HashMap<Channel, VecDeque<u64>>,
    /// Cost of all stored messages.
    bytes: usize,
}

/// Limits of the histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLimits {
    /// Messages per chat. Default 1,000.
    pub messages: usize,
    /// Bytes in all chats: texts, names, and 256 per message. Default 64 MiB.
    pub bytes: usize,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self {
            messages: 1_000,
            bytes: 64 << 20,
        }
    }
}

impl Histories {
    pub fn new(limits: HistoryLimits) -> Self {
        Self {
            limits,
            messages: BTreeMap::new(),
            channels: HashMap::new(),
            bytes: 0,
        }
    }

    /// Stores a message, whose sequence number is greater than all before. Evicts messages above the limits, and calls
    /// `on_evict` with the sequence number of each.
    pub fn push(&mut self, message: Message, mut on_evict: impl FnMut(u64)) {
        let (sequence, channel) = (message.sequence, message.channel());
        self.bytes += cost(&message);
        self.messages.insert(sequence, message);
        let sequences = self.channels.entry(channel).or_default();
        sequences.push_back(sequence);
        if sequences.len() > self.limits.messages
            && let Some(oldest) = sequences.front().copied()
        {
            self.evict(oldest);
            on_evict(oldest);
        }
        while self.bytes > self.limits.bytes
            && let Some((&oldest, _)) = self.messages.first_key_value()
        {
            self.evict(oldest);
            on_evict(oldest);
        }
    }

    /// Returns the messages of a chat with a sequence number greater than `after`, oldest first.
    pub fn messages_after(&self, channel: &Channel, after: u64) -> Vec<Message> {
        let Some(sequences) = self.channels.get(channel) else {
            return Vec::new();
        };
        let seen = sequences.partition_point(|&sequence| sequence <= after);
        sequences
            .iter()
            .skip(seen)
            .filter_map(|sequence| self.messages.get(sequence))
            .cloned()
            .collect()
    }

    /// Returns the messages of all chats, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// Removes a message, which is the oldest one of its chat.
    fn evict(&mut self, sequence: u64) {
        let Some(message) = self.messages.remove(&sequence) else {
            return;
        };
        self.bytes -= cost(&message);
        let channel = message.channel();
        if let Some(sequences) = self.channels.get_mut(&channel) {
            sequences.pop_front();
            if sequences.is_empty() {
                self.channels.remove(&channel);
            }
        }
    }
}

/// Returns the memory cost of a message, in bytes. Includes its names, though most are shared: that limits names too.
fn cost(message: &Message) -> usize {
    let to = message.to.as_ref().map_or(0, |to| to.as_bytes().len());
    message.text.len() + message.from.as_bytes().len() + to + OVERHEAD
}

/// Memory of a message in the maps, and of its chat if it is the only one, rounded up.
const OVERHEAD: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::domain::name::Name;
    use crate::chat::domain::time::Timestamp;

    fn name(name: &str) -> Name {
        Name::parse(name.as_bytes()).unwrap()
    }

    fn message(sequence: u64, from: &str, to: Option<&str>, text: &str) -> Message {
        Message {
            sequence,
            at: Timestamp(0),
            from: name(from),
            to: to.map(name),
            text: text.as_bytes().into(),
        }
    }

    /// Stores a message, and checks that the reported evictions are the missing messages.
    fn push(histories: &mut Histories, message: Message) {
        let sequence = message.sequence;
        let mut before: Vec<u64> = histories.messages.keys().copied().collect();
        before.push(sequence);
        let mut evicted = Vec::new();
        histories.push(message, |sequence| evicted.push(sequence));
        before.retain(|sequence| !histories.messages.contains_key(sequence));
        evicted.sort_unstable();
        assert_eq!(evicted, before);
    }

    fn sequences(histories: &Histories, channel: &Channel, after: u64) -> Vec<u64> {
        histories
            .messages_after(channel, after)
            .iter()
            .map(|message| message.sequence)
            .collect()
    }

    #[test]
    fn each_chat_has_its_own_history_in_order() {
        let mut histories = Histories::new(HistoryLimits::default());
        push(&mut histories, message(1, "ana", None, "hola"));
        push(&mut histories, message(2, "ana", Some("bo"), "psst"));
        push(&mut histories, message(3, "bo", None, "hola ana"));
        push(&mut histories, message(4, "bo", Some("ana"), "¿qué?"));
        assert_eq!(sequences(&histories, &Channel::General, 0), [1, 3]);
        assert_eq!(
            sequences(&histories, &Channel::between(&name("ana"), &name("bo")), 0),
            [2, 4]
        );
        let herself = Channel::between(&name("ana"), &name("ana"));
        assert!(sequences(&histories, &herself, 0).is_empty());
    }

    #[test]
    fn only_messages_after_the_position_are_returned() {
        let mut histories = Histories::new(HistoryLimits::default());
        for sequence in [2, 4, 6] {
            push(&mut histories, message(sequence, "ana", None, "hola"));
        }
        assert_eq!(sequences(&histories, &Channel::General, 1), [2, 4, 6]);
        assert_eq!(sequences(&histories, &Channel::General, 2), [4, 6]);
        assert_eq!(sequences(&histories, &Channel::General, 5), [6]);
        assert!(sequences(&histories, &Channel::General, u64::MAX).is_empty());
    }

    #[test]
    fn above_the_limit_of_a_chat_its_oldest_messages_are_evicted() {
        let mut histories = Histories::new(HistoryLimits {
            messages: 3,
            ..HistoryLimits::default()
        });
        push(&mut histories, message(1, "ana", Some("bo"), "hola"));
        for sequence in 2..=10 {
            push(&mut histories, message(sequence, "ana", None, "hola"));
        }
        assert_eq!(sequences(&histories, &Channel::General, 0), [8, 9, 10]);
        assert_eq!(
            sequences(&histories, &Channel::between(&name("ana"), &name("bo")), 0),
            [1]
        );
        assert_eq!(histories.messages.len(), 4);
    }

    #[test]
    fn a_limit_of_zero_messages_stores_none() {
        let mut histories = Histories::new(HistoryLimits {
            messages: 0,
            ..HistoryLimits::default()
        });
        push(&mut histories, message(1, "ana", None, "hola"));
        assert!(sequences(&histories, &Channel::General, 0).is_empty());
        assert!(histories.channels.is_empty() && histories.messages.is_empty());
    }

    #[test]
    fn above_the_limit_of_bytes_the_oldest_message_of_any_chat_is_evicted() {
        let each = cost(&message(1, "ana", Some("bo"), "hola"));
        let mut histories = Histories::new(HistoryLimits {
            bytes: 3 * each,
            ..HistoryLimits::default()
        });
        for sequence in 1..=3 {
            push(&mut histories, message(sequence, "ana", Some("bo"), "hola"));
        }
        for sequence in 4..=5 {
            push(&mut histories, message(sequence, "ana", Some("cy"), "hola"));
        }
        assert_eq!(
            sequences(&histories, &Channel::between(&name("ana"), &name("bo")), 0),
            [3]
        );
        assert_eq!(
            sequences(&histories, &Channel::between(&name("ana"), &name("cy")), 0),
            [4, 5]
        );
        assert_eq!(histories.bytes, 3 * each);
    }

    #[test]
    fn many_chats_stay_within_the_limit_of_bytes() {
        let mut histories = Histories::new(HistoryLimits {
            bytes: 100_000,
            ..HistoryLimits::default()
        });
        for sequence in 1..=5_000 {
            push(
                &mut histories,
                message(sequence, &format!("user {sequence}"), Some("bo"), "hola"),
            );
            assert!(histories.bytes <= 100_000);
        }
        assert_eq!(histories.channels.len(), histories.messages.len());
        assert!(histories.channels.len() < 100_000 / OVERHEAD);
    }
}
