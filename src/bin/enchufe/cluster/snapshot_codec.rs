//! Encodes the rows of all services as one value: a snapshot.
//!
//! ```text
//!   +---------+----------------+-------+
//!   | service | length u32, BE | bytes |  ...
//!   +---------+----------------+-------+
//! ```

use crate::store::record::DecodeError;

/// Encodes the rows of each service. Also returns the number of rows.
pub fn pack(services: &[Vec<Vec<u8>>]) -> (Vec<u8>, usize) {
    let rows = || {
        let numbered = services.iter().enumerate();
        numbered.flat_map(|(service, rows)| rows.iter().map(move |row| (service, row)))
    };
    let mut snapshot = Vec::with_capacity(rows().map(|(_, row)| row.len() + HEADER).sum());
    for (service, row) in rows() {
        // There are two services, and rows are as short as messages.
        snapshot.push(u8::try_from(service).unwrap_or(u8::MAX));
        snapshot.extend(u32::try_from(row.len()).unwrap_or(u32::MAX).to_be_bytes());
        snapshot.extend_from_slice(row);
    }
    (snapshot, rows().count())
}

/// Decodes the rows of one service.
///
/// # Errors
/// [`DecodeError::Malformed`].
pub fn unpack(mut snapshot: &[u8], service: u8) -> Result<Vec<&[u8]>, DecodeError> {
    let mut rows = Vec::new();
    while let Some((header, rest)) = snapshot.split_first_chunk::<HEADER>() {
        let [of, length @ ..] = *header;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let (row, rest) = rest
            .split_at_checked(length)
            .ok_or(DecodeError::Malformed)?;
        if of == service {
            rows.push(row);
        }
        snapshot = rest;
    }
    if snapshot.is_empty() {
        Ok(rows)
    } else {
        Err(DecodeError::Malformed)
    }
}

/// Length of the header of a row, in bytes.
const HEADER: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_rows_unpack_to_the_same() {
        let services = [vec![b"a".to_vec(), Vec::new()], vec![vec![7; 300]]];
        let (snapshot, rows) = pack(&services);
        assert_eq!(rows, 3);
        assert_eq!(unpack(&snapshot, 0).unwrap(), [&b"a"[..], b""]);
        assert_eq!(unpack(&snapshot, 1).unwrap(), [&[7; 300][..]]);
        assert_eq!(unpack(&snapshot, 2).unwrap(), [&[0; 0][..]; 0]);
    }

    #[test]
    fn a_truncated_snapshot_is_malformed() {
        let (snapshot, _) = pack(&[vec![b"hola".to_vec()]]);
        for cut in 1..snapshot.len() {
            assert!(unpack(&snapshot[..cut], 0).is_err(), "{cut}");
        }
    }
}
