//! Entries of the log in the answers of Redis.

use redis::Value;

use crate::cluster::entry::{Entry, Position};
use crate::cluster::error::LinkError;

/// The entries in the answer to `XRANGE`: `[[id, [field, value, …]], …]`.
pub fn entries(answer: Value) -> Result<Vec<Entry>, LinkError> {
    match answer {
        Value::Nil => Ok(Vec::new()),
        Value::Array(entries) => entries.into_iter().map(entry).collect(),
        _ => Err(LinkError::Answer("no list of entries")),
    }
}

/// The entries in the answer to `XREAD` of one stream: `[[key, entries]]`, or nothing.
pub fn read(answer: Value) -> Result<Vec<Entry>, LinkError> {
    match answer {
        Value::Nil => Ok(Vec::new()),
        Value::Array(mut streams) => match streams.pop() {
            Some(Value::Array(mut stream)) if stream.len() == 2 => {
                entries(stream.pop().unwrap_or(Value::Nil))
            }
            _ => Err(LinkError::Answer("no stream")),
        },
        _ => Err(LinkError::Answer("no streams")),
    }
}

fn entry(value: Value) -> Result<Entry, LinkError> {
    let malformed = || LinkError::Answer("no entry");
    let Value::Array(parts) = value else {
        return Err(malformed());
    };
    let Ok([Value::BulkString(id), Value::Array(fields)]) = <[Value; 2]>::try_from(parts) else {
        return Err(malformed());
    };
    let position = Position::parse(&id).ok_or_else(malformed)?;
    let mut entry = Entry {
        position,
        at: 0,
        by: 0,
        own: false,
        number: 0,
        who: Vec::new(),
        what: Vec::new(),
    };
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(key)), Some(Value::BulkString(value))) =
        (fields.next(), fields.next())
    {
        let number = || {
            let text = str::from_utf8(&value).ok();
            text.and_then(|text| text.parse().ok())
                .ok_or_else(malformed)
        };
        match &key[..] {
            b"at" => entry.at = number()?,
            b"by" => entry.by = number()?,
            b"no" => entry.number = number()?,
            b"who" => entry.who = value,
            b"what" => entry.what = value,
            _ => {}
        }
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn an_entry_is_read_as_redis_answers_it() {
        let fields = ["at", "17", "by", "2", "no", "9", "who", "ana", "what", "x"];
        let entry = Value::Array(vec![
            text("1763693072445-7"),
            Value::Array(fields.map(text).to_vec()),
        ]);
        let answer = Value::Array(vec![Value::Array(vec![
            text("{enchufe}:log"),
            Value::Array(vec![entry]),
        ])]);
        let entries = read(answer).unwrap();
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!(entry.position.to_string(), "1763693072445-7");
        assert_eq!((entry.at, entry.by, entry.number), (17, 2, 9));
        assert_eq!((&entry.who[..], &entry.what[..]), (&b"ana"[..], &b"x"[..]));
    }

    #[test]
    fn nothing_new_is_no_entries() {
        assert_eq!(read(Value::Nil).unwrap(), []);
    }

    #[test]
    fn an_answer_of_another_form_is_an_error() {
        for answer in [
            Value::Int(3),
            Value::Array(vec![text("x")]),
            Value::Array(vec![Value::Array(vec![
                text("log"),
                Value::Array(vec![Value::Array(vec![text("no id"), text("x")])]),
            ])]),
        ] {
            assert!(read(answer).is_err());
        }
    }

    #[test]
    fn a_later_epoch_is_a_later_position() {
        let at = |epoch, seq| Position { epoch, seq };
        assert!(at(1, 900) < at(2, 1) && at(2, 1) < at(2, 2));
    }
}
