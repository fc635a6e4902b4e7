//! The file on a disk that fails at any step of a transaction: the transaction is then on disk completely or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::tests::{TestDirectory, batch, rows};
use super::*;
use crate::tests::random::XorShift;

/// A disk on which one step fails.
#[derive(Debug)]
struct FailingDisk {
    disk: FileBackend,
    /// The kind of step that fails.
    step: Step,
    /// Number of these steps before the one that fails.
    steps_left: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Flush,
    Write,
    Grow,
}

impl FailingDisk {
    fn step(&self, step: Step) -> io::Result<()> {
        if step != self.step {
            return Ok(());
        }
        match self.steps_left.fetch_sub(1, Ordering::SeqCst) {
            0 => Err(io::Error::other("failure for the test")),
            _ => Ok(()),
        }
    }
}

impl StorageBackend for FailingDisk {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.step(Step::Grow)?;
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.step(Step::Flush)?;
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.step(Step::Write)?;
        self.disk.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }
}

/// Opens the file on a failing disk. Also returns the number of steps before the failure, to set.
fn open_failing(directory: &TestDirectory, step: Step) -> (StoreFile, Arc<AtomicU64>) {
    let steps_left = Arc::new(AtomicU64::new(u64::MAX));
    let disk = FileBackend::new(open_existing(&directory.file()).unwrap()).unwrap();
    let failing = FailingDisk {
        disk,
        step,
        steps_left: Arc::clone(&steps_left),
    };
    let database = Builder::new().create_with_backend(failing).unwrap();
    let commits = read_meta(&database, COMMITS).unwrap();
    let file = StoreFile {
        path: directory.file(),
        database: Some(database),
        commits,
    };
    (file, steps_left)
}

#[test]
fn recovery_from_a_failed_step_reports_what_is_on_disk_and_loses_nothing() {
    for step in [Step::Flush, Step::Write, Step::Grow] {
        let mut failures = 0;
        loop {
            let directory = TestDirectory::new();
            let mut file = directory.open().unwrap();
            for key in 1..=3 {
                file.write(&batch(&[(key, Some(b"before"))])).unwrap();
            }
            drop(file);
            let (mut file, steps_left) = open_failing(&directory, step);
            steps_left.store(failures, Ordering::SeqCst);
            // Large enough for the file to grow.
            let large = vec![7; 1 << 20];
            let written = file.write(&batch(&[(4, Some(&large))]));
            if written.is_ok() {
                break; // the transaction has no more of these steps
            }
            assert!(matches!(written, Err(BackendError::Io(_))), "{written:?}");
            assert!(file.database.is_none());
            let on_disk = file.recover().unwrap();
            let keys =
                |file: &StoreFile| rows(file).iter().map(|(key, _)| *key).collect::<Vec<_>>();
            let before = if on_disk { 4 } else { 3 };
            assert_eq!(
                keys(&file),
                Vec::from_iter(1..=before),
                "{step:?} {failures}"
            );
            // Later writes succeed, and all rows are there after reopening.
            file.write(&batch(&[(4, Some(&large)), (5, Some(b"after"))]))
                .unwrap();
            drop(file);
            let file = directory.open().unwrap();
            assert_eq!(keys(&file), [1, 2, 3, 4, 5], "{step:?} {failures}");
            assert!(rows(&file)[3].1 == large);
            failures += 1;
        }
        assert!(failures > 0, "no step {step:?} failed");
        println!("{failures} steps {step:?} in one transaction");
    }
}

/// Simulates a power failure, after which any of the sectors may be on disk.
#[test]
fn a_transaction_with_some_sectors_written_is_on_disk_completely_or_not_at_all() {
    let directory = TestDirectory::new();
    let mut file = directory.open().unwrap();
    for key in 1..=20 {
        file.write(&batch(&[(key, Some(&[20; 300]))])).unwrap();
    }
    let before = fs::read(directory.file()).unwrap();
    file.write(&batch(&[(21, Some(&[21; 300])), (1, Some(&[21; 300]))]))
        .unwrap();
    let after = fs::read(directory.file()).unwrap();
    drop(file);
    assert_eq!(before.len(), after.len());
    let sectors = before.chunks(SECTOR).zip(after.chunks(SECTOR)).enumerate();
    let changed: Vec<usize> = sectors
        .filter(|(_, (before, after))| before != after)
        .map(|(at, _)| at)
        .collect();
    assert!(changed.len() > 2, "{changed:?}");

    let mut seen = [0, 0];
    let mut check = |written: &[bool]| {
        let mut torn = before.clone();
        for (sector, _) in changed.iter().zip(written).filter(|(_, written)| **written) {
            let range = sector * SECTOR..(sector + 1) * SECTOR;
            torn[range.clone()].copy_from_slice(&after[range]);
        }
        fs::write(directory.file(), torn).unwrap();
        let rows = rows(&directory.open().unwrap());
        let whole = rows.len() == 21;
        assert_eq!(rows.len(), if whole { 21 } else { 20 }, "{written:?}");
        for (key, record) in rows {
            let new = whole && (key == 1 || key == 21);
            assert_eq!(record, [if new { 21 } else { 20 }; 300], "{written:?}");
        }
        seen[usize::from(whole)] += 1;
    };
    for count in 0..=changed.len() {
        let mut written = vec![false; changed.len()];
        written[..count].fill(true);
        check(&written);
        written.reverse();
        check(&written);
    }
    let mut random = XorShift(0x9e37_79b9_7f4a_7c15);
    for _ in 0..40 {
        let written = changed.iter().map(|_| random.below(2) == 1);
        check(&written.collect::<Vec<_>>());
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// Changes every 97th byte of the last transaction, or every byte with `ENCHUFE_EVERY_BYTE`. The file is rejected, or has
/// the state before or after the transaction.
#[test]
fn a_changed_byte_in_the_last_transaction_is_detected() {
    let directory = TestDirectory::new();
    let mut file = directory.open().unwrap();
    file.write(&batch(&[(1, Some(&[1; 300]))])).unwrap();
    let before = fs::read(directory.file()).unwrap();
    file.write(&batch(&[(2, Some(&[2; 300]))])).unwrap();
    let after = fs::read(directory.file()).unwrap();
    drop(file);
    let bytes = before.iter().zip(&after).enumerate();
    let offsets = bytes.filter(|(_, (before, after))| before != after);
    let every = if std::env::var_os("ENCHUFE_EVERY_BYTE").is_some() {
        1
    } else {
        97
    };
    let mut outcomes = [0; 3];
    for (at, _) in offsets.step_by(every) {
        let mut changed = after.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(directory.file(), changed).unwrap();
        let outcome = match directory.open() {
            Ok(file) => {
                for ((key, record), expected) in rows(&file).into_iter().zip(1..) {
                    assert_eq!(key, u64::from(expected), "{at}");
                    assert_eq!(record, [expected; 300], "{at}");
                }
                rows(&file).len()
            }
            Err(BackendError::Damaged(_)) => 0,
            Err(error) => panic!("{at}: {error:?}"),
        };
        outcomes[outcome] += 1;
    }
    let [rejected, before, after] = outcomes;
    println!("{rejected} rejected, {before} before, {after} after the transaction");
    // Most bytes are the list of free pages, which redb rebuilds after a kill.
    assert!(rejected + before > 0 && after > 0);
}

const SECTOR: usize = 512;
