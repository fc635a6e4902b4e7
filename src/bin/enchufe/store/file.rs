//! Backend in one file, with the package redb: a B-tree that is never changed in place. So a transaction is in the file
//! completely or not at all, even if the process is killed.
//!
//! Each table of the store is a table of the file, from `u64` to bytes. The table `marks` has the format, the number of
//! transactions, and the greatest key that was ever put into each table.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use log::info;
use redb::{
    Builder, CommitError, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError,
    TableDefinition, TableError, TransactionError, WriteTransaction,
};

use crate::log_targets::STORE;
use crate::store::backend::{BackendError, StoreBackend};
use crate::store::catch_panic::catch_panic;
use crate::store::change::{Batch, Table};
use crate::store::error::{OpenError, OpenErrorReason};
use crate::store::writer::StoreBuilder;

/// Opens the store in a directory. Creates the directory if necessary, and checks the whole file.
///
/// # Errors
/// [`OpenError`], one line for the operator: the directory is not writable or in use, or the file is damaged or too new.
pub fn open(directory: &Path) -> Result<StoreBuilder, OpenError> {
    let path = directory.join(FILE_NAME);
    let opened = create_directory(directory)
        .map_err(BackendError::Io)
        .and_then(|()| StoreFile::open_checked(&path));
    match opened {
        Ok(file) => {
            info!(target: STORE, "history is stored in {}", path.display());
            Ok(StoreBuilder::new(file, path))
        }
        Err(error) => {
            let path = match error {
                BackendError::Damaged(_) | BackendError::TooNew(_) => path,
                _ => directory.to_owned(),
            };
            Err(OpenError {
                path,
                reason: OpenErrorReason::Backend(error),
            })
        }
    }
}

struct StoreFile {
    path: PathBuf,
    /// `None` between a failure and the recovery.
    database: Option<Database>,
    /// Number of transactions in the file.
    commits: u64,
}

impl StoreFile {
    /// Opens a file. Catches panics, which a damaged file can cause.
    fn open_checked(path: &Path) -> Result<Self, BackendError> {
        catch_panic(|| Self::open(path)).unwrap_or_else(|panic| Err(BackendError::Damaged(panic)))
    }

    fn open(path: &Path) -> Result<Self, BackendError> {
        let mut database = match create(path)? {
            Some(new) => new,
            None => open_database(open_existing(path)?)?,
        };
        // Without this check, redb trusts a file that was closed cleanly, and damage could go unnoticed.
        database.check_integrity().map_err(open_error)?;
        let (format, commits) = (
            read_meta(&database, FORMAT)?,
            read_meta(&database, COMMITS)?,
        );
        if format > CURRENT_FORMAT {
            return Err(BackendError::TooNew(format));
        }
        Ok(Self {
            path: path.to_owned(),
            database: Some(database),
            commits,
        })
    }

    fn database(&self) -> Result<&Database, BackendError> {
        self.database.as_ref().ok_or_else(closed)
    }
}

impl StoreBackend for StoreFile {
    fn read(&self, table: Table, each: &mut dyn FnMut(u64, &[u8])) -> Result<u64, BackendError> {
        let database = self.database()?;
        let transaction = database.begin_read()?;
        match transaction.open_table(table_definition(table)) {
            Ok(rows) => {
                for row in rows.iter()? {
                    let (key, record) = row?;
                    each(key.value(), record.value());
                }
            }
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
        }
        read_meta(database, table.0)
    }

    fn write(&mut self, batch: &Batch) -> Result<(), BackendError> {
        // Taking the database closes the file after an error: it must be opened again to know its content.
        let database = self.database.take().ok_or_else(closed)?;
        let transaction = database.begin_write()?;
        write_batch(&transaction, batch, self.commits + 1)?;
        // The default durability is immediate: this returns after the flush.
        transaction.commit()?;
        self.commits += 1;
        self.database = Some(database);
        Ok(())
    }

    fn recover(&mut self) -> Result<bool, BackendError> {
        self.database = None;
        // A missing file is not created: later messages in a new file would look like the whole history.
        let database = open_database(open_existing(&self.path)?)?;
        let commits = read_meta(&database, COMMITS)?;
        let on_disk = match commits.checked_sub(self.commits) {
            Some(0) => false,
            Some(1) => true,
            // Another process has written, or this is another file.
            _ => return Err(BackendError::Replaced),
        };
        self.commits = commits;
        self.database = Some(database);
        Ok(on_disk)
    }
}

fn closed() -> BackendError {
    BackendError::Other("the file is closed".to_owned())
}

/// Creates a directory that only this user can read.
fn create_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

/// Creates the file, unless it exists. It is created under another name and then renamed: a process that is killed meanwhile
/// leaves a draft, which the next one overwrites, but no incomplete file. The draft is locked, so that only one process
/// creates the file.
fn create(path: &Path) -> Result<Option<Database>, BackendError> {
    if path.try_exists()? {
        return Ok(None);
    }
    let draft = path.with_extension("draft");
    let mut options = OpenOptions::new();
    // Only this user may read the messages.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(&draft)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(BackendError::InUse),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    if path.try_exists()? {
        fs::remove_file(draft)?;
        return Ok(None);
    }
    file.set_len(0)?;
    let flush = file.try_clone()?;
    let database = open_database(file)?;
    flush.sync_all()?;
    fs::rename(&draft, path)?;
    #[cfg(unix)]
    if let Some(directory) = path.parent().filter(|directory| *directory != "") {
        File::open(directory)?.sync_all()?;
    }
    Ok(Some(database))
}

fn open_existing(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn open_database(file: File) -> Result<Database, BackendError> {
    Builder::new()
        .set_cache_size(CACHE_SIZE)
        .create_file(file)
        .map_err(open_error)
}

/// Converts an error of opening. A file that is not a database, or is too short, counts as damaged.
fn open_error(error: DatabaseError) -> BackendError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => BackendError::InUse,
        DatabaseError::Storage(StorageError::Io(error))
            if matches!(
                error.kind(),
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof
            ) =>
        {
            BackendError::Damaged(error.to_string())
        }
        DatabaseError::Storage(error) => error.into(),
        error => BackendError::Damaged(error.to_string()),
    }
}

fn write_batch(
    transaction: &WriteTransaction,
    batch: &Batch,
    commits: u64,
) -> Result<(), BackendError> {
    let rows: Vec<_> = batch.rows.iter().collect();
    for changes in rows.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let ((table, _), _) = changes[0]; // no chunk is empty
        let mut rows = transaction.open_table(table_definition(*table))?;
        for ((_, key), record) in changes {
            match record {
                Some(record) => drop(rows.insert(key, record.as_slice())?),
                None => drop(rows.remove(key)?),
            }
        }
    }
    let mut meta = transaction.open_table(META)?;
    for (table, last) in &batch.last {
        meta.insert(table.0, last)?;
    }
    meta.insert(COMMITS, commits)?;
    meta.insert(FORMAT, CURRENT_FORMAT)?;
    Ok(())
}

/// Reads a value of [`META`]; 0 if it is absent.
fn read_meta(database: &Database, name: &str) -> Result<u64, BackendError> {
    let transaction = database.begin_read()?;
    match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get(name)?.map_or(0, |value| value.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn table_definition(table: Table) -> TableDefinition<'static, u64, &'static [u8]> {
    TableDefinition::new(table.0)
}

impl From<StorageError> for BackendError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Io(error) => Self::Io(error),
            StorageError::Corrupted(damage) => Self::Damaged(damage),
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<TableError> for BackendError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<TransactionError> for BackendError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<CommitError> for BackendError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            error => Self::Other(error.to_string()),
        }
    }
}

/// Name of the file in its directory.
pub const FILE_NAME: &str = "enchufe.redb";

/// Table of format, transaction count and greatest keys.
const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("marks");
const COMMITS: &str = "commits";
const FORMAT: &str = "format";

/// Version of the tables and of the meaning of their keys. Rows have a version of their own.
const CURRENT_FORMAT: u64 = 1;

/// Memory for pages of the file, in bytes. Little is enough: after the start, nothing is read.
const CACHE_SIZE: usize = 8 << 20;

#[cfg(test)]
#[path = "tests/file_faults.rs"]
mod file_faults;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A directory that is removed after the test.
    pub struct TestDirectory(PathBuf);

    impl TestDirectory {
        pub fn new() -> Self {
            static NEXT: AtomicU64 = AtomicU64::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("enchufe-store-{}-{number}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        pub fn file(&self) -> PathBuf {
            self.0.join(FILE_NAME)
        }

        pub fn open(&self) -> Result<StoreFile, BackendError> {
            create_directory(&self.0)?;
            StoreFile::open_checked(&self.file())
        }
    }

    impl Drop for TestDirectory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0); // it may not exist
        }
    }

    pub fn batch(rows: &[(u64, Option<&[u8]>)]) -> Batch {
        let mut batch = Batch::default();
        for (key, record) in rows {
            batch.rows.insert((TABLE, *key), record.map(<[u8]>::to_vec));
            batch.last.insert(TABLE, *key);
        }
        batch
    }

    pub fn rows(file: &StoreFile) -> Vec<(u64, Vec<u8>)> {
        let mut rows = Vec::new();
        file.read(TABLE, &mut |key, record| rows.push((key, record.to_vec())))
            .unwrap();
        rows
    }

    const TABLE: Table = Table("table");

    #[test]
    fn written_rows_are_there_after_reopening() {
        let directory = TestDirectory::new();
        let mut file = directory.open().unwrap();
        let put = [(1, Some(&b"one"[..])), (2, Some(b"")), (3, Some(b"three"))];
        file.write(&batch(&put)).unwrap();
        file.write(&batch(&[(1, None), (3, None)])).unwrap();
        drop(file);
        let file = directory.open().unwrap();
        assert_eq!(rows(&file), [(2, vec![])]);
        assert_eq!(file.read(TABLE, &mut |_, _| {}).unwrap(), 3);
        assert_eq!(file.read(Table("other"), &mut |_, _| {}).unwrap(), 0);
        assert_eq!(file.commits, 2);
    }

    #[test]
    fn a_file_cannot_be_opened_twice() {
        let directory = TestDirectory::new();
        let first = directory.open().unwrap();
        assert!(matches!(directory.open(), Err(BackendError::InUse)));
        let line = open(&directory.0).unwrap_err().to_string();
        assert!(line.contains("in use by another process"), "{line}");
        drop(first);
        directory.open().unwrap();
    }

    #[test]
    fn the_draft_of_a_killed_process_is_overwritten() {
        let directory = TestDirectory::new();
        create_directory(&directory.0).unwrap();
        let draft = directory.file().with_extension("draft");
        fs::write(&draft, b"half a file").unwrap();
        drop(directory.open().unwrap());
        assert!(directory.file().exists() && !draft.exists());
    }

    #[test]
    fn a_file_that_another_process_creates_is_in_use() {
        let directory = TestDirectory::new();
        create_directory(&directory.0).unwrap();
        let draft = File::create(directory.file().with_extension("draft")).unwrap();
        draft.lock().unwrap();
        assert!(matches!(directory.open(), Err(BackendError::InUse)));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_the_history() {
        use std::os::unix::fs::PermissionsExt;
        let directory = TestDirectory::new();
        drop(directory.open().unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&directory.0), mode(&directory.file())),
            (0o700, 0o600)
        );
    }

    #[test]
    fn recovery_reports_whether_the_last_write_is_on_disk() {
        let directory = TestDirectory::new();
        let mut file = directory.open().unwrap();
        file.write(&batch(&[(1, Some(b"one"))])).unwrap();
        assert!(!file.recover().unwrap());
        file.write(&batch(&[(2, Some(b"two"))])).unwrap();
        // Simulates a write that is on disk, though it was reported as failed.
        file.commits -= 1;
        file.database = None;
        assert!(file.recover().unwrap());
        file.write(&batch(&[(3, Some(b"three"))])).unwrap();
        assert_eq!(rows(&file).len(), 3);
    }

    #[test]
    fn a_file_that_was_replaced_is_not_written_to() {
        let (directory, other) = (TestDirectory::new(), TestDirectory::new());
        let mut file = directory.open().unwrap();
        for key in 1..=3 {
            file.write(&batch(&[(key, Some(b"x"))])).unwrap();
        }
        drop(other.open().unwrap());
        fs::rename(other.file(), directory.file()).unwrap();
        assert!(matches!(file.recover(), Err(BackendError::Replaced)));
        fs::remove_file(directory.file()).unwrap();
        assert!(matches!(file.recover(), Err(BackendError::Io(_))));
        assert!(
            !directory.file().exists(),
            "recovery does not create the file"
        );
    }

    #[test]
    fn a_file_of_a_later_format_is_rejected() {
        let directory = TestDirectory::new();
        let mut file = directory.open().unwrap();
        file.write(&batch(&[])).unwrap();
        let transaction = file.database().unwrap().begin_write().unwrap();
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert(FORMAT, CURRENT_FORMAT + 1).unwrap();
        drop(meta);
        transaction.commit().unwrap();
        drop(file);
        assert!(matches!(directory.open(), Err(BackendError::TooNew(2))));
        let line = open(&directory.0).unwrap_err().to_string();
        assert!(line.contains("or a later one"), "{line}");
    }

    /// A file that is truncated anywhere, or has any byte changed, is rejected, or has the state after some transaction.
    #[test]
    fn a_damaged_file_is_rejected_or_has_an_earlier_state() {
        let directory = TestDirectory::new();
        let mut file = directory.open().unwrap();
        for key in 1..=40 {
            file.write(&batch(&[(key, Some(&[u8::try_from(key).unwrap(); 500]))]))
                .unwrap();
        }
        // One file as a killed process leaves it, and one that was closed.
        let killed = fs::read(directory.file()).unwrap();
        drop(file);
        let closed = fs::read(directory.file()).unwrap();
        let mut rejected = 0;
        let mut check = |bytes: &[u8]| {
            fs::write(directory.file(), bytes).unwrap();
            match directory.open() {
                Ok(file) => {
                    let rows = rows(&file);
                    for (at, (key, record)) in (1..).zip(&rows) {
                        assert_eq!((at, at as u8), (*key, record[0]));
                        assert_eq!(record.as_slice(), [record[0]; 500]);
                    }
                }
                Err(BackendError::Damaged(_)) => rejected += 1,
                Err(error) => panic!("{error:?}"),
            }
        };
        for bytes in [&killed, &closed] {
            let step = bytes.len() / 40;
            for at in (0..320).step_by(5).chain((320..bytes.len()).step_by(step)) {
                let mut changed = bytes.clone();
                changed[at] ^= 0x41;
                check(&changed);
            }
            for cut in (1..bytes.len()).step_by(step) {
                check(&bytes[..cut]);
            }
        }
        assert!(rejected > 80, "{rejected}");
        let line = open(&directory.0).unwrap_err().to_string();
        assert!(line.contains("restore a backup"), "{line}");
    }
}
