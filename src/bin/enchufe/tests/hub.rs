//! Records of the hospital hub: the separator alone cuts, wherever the messages end, and every record has a verdict.

use crate::json::MAX_DEPTH;
use crate::signalr::records::{RecordError, RecordReader};
use crate::signalr::{handshake, messages};

/// The first byte says how long the messages are in which the rest comes.
pub(crate) fn check(bytes: &[u8]) {
    let Some((size, rest)) = bytes.split_first() else {
        return;
    };
    let whole = records(rest, rest.len());
    assert_eq!(records(rest, usize::from(*size) + 1), whole);
    for record in whole.iter().flatten() {
        assert!(!record.is_empty() && record.len() <= LIMIT);
        let _ = handshake::check(record, MAX_DEPTH);
        if messages::parse(record, MAX_DEPTH).is_ok() {
            let theirs = serde_json::from_slice::<serde_json::Value>(record);
            assert!(theirs.is_ok_and(|it| it.is_object()));
        }
    }
}

/// The records of a stream up to the first that is too long.
fn records(stream: &[u8], size: usize) -> Vec<Result<Vec<u8>, RecordError>> {
    let mut splitter = RecordReader::new();
    let mut records = Vec::new();
    for message in stream.chunks(size.max(1)) {
        splitter.push(message);
        loop {
            match splitter.take(LIMIT) {
                Ok(None) => break,
                Ok(Some(record)) => records.push(Ok(record.to_vec())),
                Err(error) => {
                    records.push(Err(error));
                    return records;
                }
            }
        }
    }
    records
}

/// So low that a short input can pass it.
const LIMIT: usize = 200;
