//! Parses log entries in replies of Redis.

use redis::Value;

use crate::cluster::entry::{LogEntry, Position};
use crate::cluster::error::ClientError;

/// Parses the reply to `XRANGE`: `[[id, [field, value, …]], …]`.
pub fn parse_xrange(reply: Value) -> Result<Vec<LogEntry>, ClientError> {
    match reply {
        Value::Nil => Ok(Vec::new()),
        Value::Array(entries) => entries.into_iter().map(entry).collect(),
        _ => Err(ClientError::Reply("no list of entries")),
    }
}

/// Parses the reply to `XREAD` of one stream: `[[key, entries]]`, or nil.
pub fn parse_xread(reply: Value) -> Result<Vec<LogEntry>, ClientError> {
    match reply {
        Value::Nil => Ok(Vec::new()),
        Value::Array(mut streams) => match streams.pop() {
            Some(Value::Array(mut stream)) if stream.len() == 2 => {
                parse_xrange(stream.pop().unwrap_or(Value::Nil))
            }
            _ => Err(ClientError::Reply("no stream")),
        },
        _ => Err(ClientError::Reply("no streams")),
    }
}

fn entry(value: Value) -> Result<LogEntry, ClientError> {
    let malformed = || ClientError::Reply("no entry");
    let Value::Array(parts) = value else {
        return Err(malformed());
    };
    let Ok([Value::BulkString(id), Value::Array(fields)]) = <[Value; 2]>::try_from(parts) else {
        return Err(malformed());
    };
    let position = Position::parse(&id).ok_or_else(malformed)?;
    let mut entry = LogEntry {
        position,
        timestamp: 0,
        server: 0,
        is_own: false,
        number: 0,
        name: Vec::new(),
        content: Vec::new(),
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
            b"at" => entry.timestamp = number()?,
            b"by" => entry.server = number()?,
            b"no" => entry.number = number()?,
            b"who" => entry.name = value,
            b"what" => entry.content = value,
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
    fn a_reply_with_an_entry_is_parsed() {
        let fields = ["at", "17", "by", "2", "no", "9", "who", "ana", "what", "x"];
        let entry = Value::Array(vec![
            text("1763693072445-7"),
            Value::Array(fields.map(text).to_vec()),
        ]);
        let reply = Value::Array(vec![Value::Array(vec![
            text("{enchufe}:log"),
            Value::Array(vec![entry]),
        ])]);
        let entries = parse_xread(reply).unwrap();
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!(entry.position.to_string(), "1763693072445-7");
        assert_eq!((entry.timestamp, entry.server, entry.number), (17, 2, 9));
        assert_eq!(
            (&entry.name[..], &entry.content[..]),
            (&b"ana"[..], &b"x"[..])
        );
    }

    #[test]
    fn a_nil_reply_has_no_entries() {
        assert_eq!(parse_xread(Value::Nil).unwrap(), []);
    }

    #[test]
    fn a_reply_of_another_form_is_an_error() {
        for reply in [
            Value::Int(3),
            Value::Array(vec![text("x")]),
            Value::Array(vec![Value::Array(vec![
                text("log"),
                Value::Array(vec![Value::Array(vec![text("no id"), text("x")])]),
            ])]),
        ] {
            assert!(parse_xread(reply).is_err());
        }
    }

    #[test]
    fn a_later_epoch_is_a_later_position() {
        let at = |epoch, seq| Position { epoch, seq };
        assert!(at(1, 900) < at(2, 1) && at(2, 1) < at(2, 2));
    }
}
