//! A snapshot as one value: for each row the service it belongs to, its length, and itself.
//!
//! ```text
//!   +---------+----------------+-------+
//!   | service | length u32, BE | bytes |  ...
//!   +---------+----------------+-------+
//! ```

use crate::store::record::DecodeError;

/// The rows of each service as one value, and how many there are.
pub fn pack(services: &[Vec<Vec<u8>>]) -> (Vec<u8>, usize) {
    let rows = || {
        let numbered = services.iter().enumerate();
        numbered.flat_map(|(service, rows)| rows.iter().map(move |row| (service, row)))
    };
    let mut codec = Vec::with_capacity(rows().map(|(_, row)| row.len() + HEAD).sum());
    for (service, row) in rows() {
        // There are two services, and rows are messages.
        codec.push(u8::try_from(service).unwrap_or(u8::MAX));
        codec.extend(u32::try_from(row.len()).unwrap_or(u32::MAX).to_be_bytes());
        codec.extend_from_slice(row);
    }
    (codec, rows().count())
}

/// The rows of one service.
pub fn unpack(mut codec: &[u8], service: u8) -> Result<Vec<&[u8]>, DecodeError> {
    let mut rows = Vec::new();
    while let Some((head, rest)) = codec.split_first_chunk::<HEAD>() {
        let [of, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let (row, rest) = rest
            .split_at_checked(length)
            .ok_or(DecodeError::Malformed)?;
        if of == service {
            rows.push(row);
        }
        codec = rest;
    }
    if codec.is_empty() {
        Ok(rows)
    } else {
        Err(DecodeError::Malformed)
    }
}

const HEAD: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let services = [vec![b"a".to_vec(), Vec::new()], vec![vec![7; 300]]];
        let (codec, rows) = pack(&services);
        assert_eq!(rows, 3);
        assert_eq!(unpack(&codec, 0).unwrap(), [&b"a"[..], b""]);
        assert_eq!(unpack(&codec, 1).unwrap(), [&[7; 300][..]]);
        assert_eq!(unpack(&codec, 2).unwrap(), [&[0; 0][..]; 0]);
    }

    #[test]
    fn a_snapshot_cut_short_is_malformed() {
        let (codec, _) = pack(&[vec![b"hola".to_vec()]]);
        for cut in 1..codec.len() {
            assert!(unpack(&codec[..cut], 0).is_err(), "{cut}");
        }
    }
}
