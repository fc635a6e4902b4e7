//! The file on a disk that fails in the middle of a transaction, wherever that is: what was reported as written is there,
//! and of what was not, nothing or all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::tests::{Folder, batch, rows};
use super::*;
use crate::tests::random::XorShift;

/// A disk that fails once, at the step it is told to.
#[derive(Debug)]
struct Failing {
    disk: FileBackend,
    step: Step,
    /// How many of these steps still work; past it all of them, for one failure.
    left: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Flush,
    Write,
    Grow,
}

impl Failing {
    fn step(&self, step: Step) -> io::Result<()> {
        if step != self.step {
            return Ok(());
        }
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        match left {
            0 => Err(io::Error::other("the disk fails, as the test wants")),
            _ => Ok(()),
        }
    }
}

impl StorageBackend for Failing {
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

/// The file over a disk of which the step after so many fails.
fn over_failing(folder: &Folder, step: Step) -> (StoreFile, Arc<AtomicU64>) {
    let left = Arc::new(AtomicU64::new(u64::MAX));
    let disk = FileBackend::new(existing(&folder.file()).unwrap()).unwrap();
    let failing = Failing {
        disk,
        step,
        left: Arc::clone(&left),
    };
    let database = Builder::new().create_with_backend(failing).unwrap();
    let commits = mark(&database, COMMITS).unwrap();
    let file = StoreFile {
        path: folder.file(),
        database: Some(database),
        commits,
    };
    (file, left)
}

#[test]
fn a_flush_or_a_write_that_fails_loses_nothing_and_says_what_is_on_disk() {
    for step in [Step::Flush, Step::Write, Step::Grow] {
        let mut failures = 0;
        loop {
            let folder = Folder::new();
            let mut file = folder.open().unwrap();
            for key in 1..=3 {
                file.write(&batch(&[(key, Some(b"before"))])).unwrap();
            }
            drop(file);
            let (mut file, left) = over_failing(&folder, step);
            left.store(failures, Ordering::SeqCst);
            // Large enough for the file to grow.
            let large = vec![7; 1 << 20];
            let written = file.write(&batch(&[(4, Some(&large))]));
            if written.is_ok() {
                break; // a transaction has no more of these steps
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
            // It goes on from there, and all of it is there for the next one.
            file.write(&batch(&[(4, Some(&large)), (5, Some(b"after"))]))
                .unwrap();
            drop(file);
            let file = folder.open().unwrap();
            assert_eq!(keys(&file), [1, 2, 3, 4, 5], "{step:?} {failures}");
            assert!(rows(&file)[3].1 == large);
            failures += 1;
        }
        assert!(failures > 0, "{step:?}: it has none at all");
        println!("{step:?}: {failures} in one transaction");
    }
}

/// What a power cut leaves of a transaction: some of its sectors, whichever the disk had got to.
#[test]
fn a_transaction_of_which_only_some_sectors_were_written_is_there_as_a_whole_or_not_at_all() {
    let folder = Folder::new();
    let mut file = folder.open().unwrap();
    for key in 1..=20 {
        file.write(&batch(&[(key, Some(&[20; 300]))])).unwrap();
    }
    let before = fs::read(folder.file()).unwrap();
    file.write(&batch(&[(21, Some(&[21; 300])), (1, Some(&[21; 300]))]))
        .unwrap();
    let after = fs::read(folder.file()).unwrap();
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
        fs::write(folder.file(), torn).unwrap();
        let rows = rows(&folder.open().unwrap());
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

/// Every 97th byte of what the last transaction wrote, or with `ENCHUFE_EVERY_BYTE` each of them: a file with that byte
/// changed is refused, or is what it was before.
#[test]
fn a_byte_that_changes_in_what_was_written_last_is_found_out() {
    let folder = Folder::new();
    let mut file = folder.open().unwrap();
    file.write(&batch(&[(1, Some(&[1; 300]))])).unwrap();
    let before = fs::read(folder.file()).unwrap();
    file.write(&batch(&[(2, Some(&[2; 300]))])).unwrap();
    let after = fs::read(folder.file()).unwrap();
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
        fs::write(folder.file(), changed).unwrap();
        let outcome = match folder.open() {
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
    let [refused, as_before, as_after] = outcomes;
    println!("{refused} refused, {as_before} as before, {as_after} as after");
    // Most of it is the list of free pages, which is made again after a kill.
    assert!(refused + as_before > 0 && as_after > 0);
}

const SECTOR: usize = 512;
