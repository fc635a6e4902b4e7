//! The disk as one file, with the package redb: a B-tree that is never changed in place, so that a transaction is in the
//! file as a whole or not at all, wherever the process is killed.
//!
//! Each table of the store is a table of the file, from `u64` to bytes. One more says what the others cannot: the format,
//! how many transactions there have been, and the greatest key each table ever had.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use log::info;
use redb::{
    Builder, CommitError, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError,
    TableDefinition, TableError, TransactionError, WriteTransaction,
};

use crate::log_targets::STORE;
use crate::store::backend::{Backend, BackendError};
use crate::store::catch_panic::catch_panic;
use crate::store::change::{Batch, Table};
use crate::store::error::{OpenError, Reason};
use crate::store::writer::StoreBuilder;

/// Opens the store in a directory, which is made if it is not there. The whole file is checked.
///
/// # Errors
/// [`OpenError`], whose one line says what to do: the directory cannot be written to, another process uses it, the file is
/// damaged or too new.
pub fn open(folder: &Path) -> Result<StoreBuilder, OpenError> {
    let path = folder.join(FILE_NAME);
    let opened = make_folder(folder)
        .map_err(BackendError::Io)
        .and_then(|()| StoreFile::checked(&path));
    match opened {
        Ok(file) => {
            info!(target: STORE, "history is kept in {}", path.display());
            Ok(StoreBuilder::over(file, path))
        }
        Err(error) => {
            let place = match error {
                BackendError::Damaged(_) | BackendError::TooNew(_) => path,
                _ => folder.to_owned(),
            };
            Err(OpenError {
                place,
                reason: Reason::Backend(error),
            })
        }
    }
}

struct StoreFile {
    path: PathBuf,
    /// `None` after a failure, until it is opened again.
    database: Option<Database>,
    /// How many transactions there have been.
    commits: u64,
}

impl StoreFile {
    /// Opening a damaged file may panic.
    fn checked(path: &Path) -> Result<StoreFile, BackendError> {
        catch_panic(|| StoreFile::open(path))
            .unwrap_or_else(|panic| Err(BackendError::Damaged(panic)))
    }

    fn open(path: &Path) -> Result<StoreFile, BackendError> {
        let mut database = match create(path)? {
            Some(new) => new,
            None => database(existing(path)?)?,
        };
        // A file that was closed is taken at its word otherwise, and damage would show as wrong words or not at all.
        database.check_integrity().map_err(damage)?;
        let (format, commits) = (mark(&database, FORMAT)?, mark(&database, COMMITS)?);
        if format > THIS_FORMAT {
            return Err(BackendError::TooNew(format));
        }
        Ok(StoreFile {
            path: path.to_owned(),
            database: Some(database),
            commits,
        })
    }

    fn database(&self) -> Result<&Database, BackendError> {
        let closed = || BackendError::Other("the file is closed".to_owned());
        self.database.as_ref().ok_or_else(closed)
    }
}

impl Backend for StoreFile {
    fn read(&self, table: Table, each: &mut dyn FnMut(u64, &[u8])) -> Result<u64, BackendError> {
        let database = self.database()?;
        let transaction = database.begin_read()?;
        match transaction.open_table(rows_of(table)) {
            Ok(rows) => {
                for row in rows.iter()? {
                    let (key, record) = row?;
                    each(key.value(), record.value());
                }
            }
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
        }
        mark(database, table.0)
    }

    fn write(&mut self, batch: &Batch) -> Result<(), BackendError> {
        // Whatever goes wrong, the file is closed: it has to be opened again to know what it holds.
        let database = self.database.take();
        let closed = || BackendError::Other("the file is closed".to_owned());
        let database = database.ok_or_else(closed)?;
        let transaction = database.begin_write()?;
        fill(&transaction, batch, self.commits + 1)?;
        // Durability is immediate unless something else is asked for: this returns after the flush.
        transaction.commit()?;
        self.commits += 1;
        self.database = Some(database);
        Ok(())
    }

    fn recover(&mut self) -> Result<bool, BackendError> {
        self.database = None;
        // Never made again: in an empty file, what is left of the history would look like all of it.
        let database = database(existing(&self.path)?)?;
        let commits = mark(&database, COMMITS)?;
        let on_disk = match commits.checked_sub(self.commits) {
            Some(0) => false,
            Some(1) => true,
            // Somebody else has written, or the file is not the one it was.
            _ => return Err(BackendError::Replaced),
        };
        self.commits = commits;
        self.database = Some(database);
        Ok(on_disk)
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// A new file, unless there is one. A process that is killed in here leaves a draft that the next one overwrites, and never half
/// a file under the name of a whole one. The draft is locked before anybody looks, so that no two of them are at it.
fn create(path: &Path) -> Result<Option<Database>, BackendError> {
    if path.try_exists()? {
        return Ok(None);
    }
    let draft = path.with_extension("draft");
    let mut options = OpenOptions::new();
    // What people say to each other is for nobody else on this machine.
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
    let database = database(file)?;
    flush.sync_all()?;
    fs::rename(&draft, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| *folder != "") {
        File::open(folder)?.sync_all()?;
    }
    Ok(Some(database))
}

fn existing(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

fn database(file: File) -> Result<Database, BackendError> {
    Builder::new()
        .set_cache_size(CACHE)
        .create_file(file)
        .map_err(damage)
}

/// What opening reports. A file that is no database, or too short for one, is damaged and no failure of the disk.
fn damage(error: DatabaseError) -> BackendError {
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

fn fill(transaction: &WriteTransaction, batch: &Batch, commits: u64) -> Result<(), BackendError> {
    let rows: Vec<_> = batch.rows.iter().collect();
    for changes in rows.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let ((table, _), _) = changes[0]; // no chunk is empty
        let mut rows = transaction.open_table(rows_of(*table))?;
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
    meta.insert(FORMAT, THIS_FORMAT)?;
    Ok(())
}

fn mark(database: &Database, name: &str) -> Result<u64, BackendError> {
    let transaction = database.begin_read()?;
    match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get(name)?.map_or(0, |mark| mark.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn rows_of(table: Table) -> TableDefinition<'static, u64, &'static [u8]> {
    TableDefinition::new(table.0)
}

impl From<StorageError> for BackendError {
    fn from(error: StorageError) -> BackendError {
        match error {
            StorageError::Io(error) => BackendError::Io(error),
            StorageError::Corrupted(how) => BackendError::Damaged(how),
            error => BackendError::Other(error.to_string()),
        }
    }
}

impl From<TableError> for BackendError {
    fn from(error: TableError) -> BackendError {
        match error {
            TableError::Storage(error) => error.into(),
            error => BackendError::Damaged(error.to_string()),
        }
    }
}

impl From<TransactionError> for BackendError {
    fn from(error: TransactionError) -> BackendError {
        match error {
            TransactionError::Storage(error) => error.into(),
            error => BackendError::Other(error.to_string()),
        }
    }
}

impl From<CommitError> for BackendError {
    fn from(error: CommitError) -> BackendError {
        match error {
            CommitError::Storage(error) => error.into(),
            error => BackendError::Other(error.to_string()),
        }
    }
}

/// The name of the file in its directory.
pub const FILE_NAME: &str = "enchufe.redb";

/// What the file says about itself.
const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("marks");
const COMMITS: &str = "commits";
const FORMAT: &str = "format";

/// Which tables there are, and what their keys mean. What is in a row has a version of its own.
const THIS_FORMAT: u64 = 1;

/// Memory for pages of the file, in bytes: only the newest are written to, and nothing is read while it runs.
const CACHE: usize = 8 << 20;

#[cfg(test)]
#[path = "tests/file_faults.rs"]
mod faults;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A directory for one test.
    pub struct Folder(PathBuf);

    impl Folder {
        pub fn new() -> Folder {
            static NEXT: AtomicU64 = AtomicU64::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("enchufe-store-{}-{number}", std::process::id());
            Folder(std::env::temp_dir().join(name))
        }

        pub fn file(&self) -> PathBuf {
            self.0.join(FILE_NAME)
        }

        pub fn open(&self) -> Result<StoreFile, BackendError> {
            make_folder(&self.0)?;
            StoreFile::checked(&self.file())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
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
    fn what_is_written_is_there_after_opening_again() {
        let folder = Folder::new();
        let mut file = folder.open().unwrap();
        let put = [(1, Some(&b"one"[..])), (2, Some(b"")), (3, Some(b"three"))];
        file.write(&batch(&put)).unwrap();
        file.write(&batch(&[(1, None), (3, None)])).unwrap();
        drop(file);
        let file = folder.open().unwrap();
        assert_eq!(rows(&file), [(2, vec![])]);
        assert_eq!(file.read(TABLE, &mut |_, _| {}).unwrap(), 3);
        assert_eq!(file.read(Table("other"), &mut |_, _| {}).unwrap(), 0);
        assert_eq!(file.commits, 2);
    }

    #[test]
    fn a_file_is_open_once_at_a_time() {
        let folder = Folder::new();
        let first = folder.open().unwrap();
        assert!(matches!(folder.open(), Err(BackendError::InUse)));
        let line = open(&folder.0).unwrap_err().to_string();
        assert!(line.contains("in use by another process"), "{line}");
        drop(first);
        folder.open().unwrap();
    }

    #[test]
    fn what_is_left_of_a_creation_that_was_killed_is_overwritten() {
        let folder = Folder::new();
        make_folder(&folder.0).unwrap();
        let draft = folder.file().with_extension("draft");
        fs::write(&draft, b"half a file").unwrap();
        drop(folder.open().unwrap());
        assert!(folder.file().exists() && !draft.exists());
    }

    #[test]
    fn a_file_that_another_process_creates_is_in_use() {
        let folder = Folder::new();
        make_folder(&folder.0).unwrap();
        let draft = File::create(folder.file().with_extension("draft")).unwrap();
        draft.lock().unwrap();
        assert!(matches!(folder.open(), Err(BackendError::InUse)));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_on_the_machine_reads_the_history() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        drop(folder.open().unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.0), mode(&folder.file())), (0o700, 0o600));
    }

    #[test]
    fn opened_anew_it_knows_whether_the_last_write_reached_the_disk() {
        let folder = Folder::new();
        let mut file = folder.open().unwrap();
        file.write(&batch(&[(1, Some(b"one"))])).unwrap();
        assert!(!file.recover().unwrap());
        file.write(&batch(&[(2, Some(b"two"))])).unwrap();
        // As if the write had been reported as failed.
        file.commits -= 1;
        file.database = None;
        assert!(file.recover().unwrap());
        file.write(&batch(&[(3, Some(b"three"))])).unwrap();
        assert_eq!(rows(&file).len(), 3);
    }

    #[test]
    fn another_file_in_its_place_is_not_written_to() {
        let (folder, other) = (Folder::new(), Folder::new());
        let mut file = folder.open().unwrap();
        for key in 1..=3 {
            file.write(&batch(&[(key, Some(b"x"))])).unwrap();
        }
        drop(other.open().unwrap());
        fs::rename(other.file(), folder.file()).unwrap();
        assert!(matches!(file.recover(), Err(BackendError::Replaced)));
        fs::remove_file(folder.file()).unwrap();
        assert!(matches!(file.recover(), Err(BackendError::Io(_))));
        assert!(!folder.file().exists(), "an empty file is no history");
    }

    #[test]
    fn a_file_of_a_later_format_is_refused() {
        let folder = Folder::new();
        let mut file = folder.open().unwrap();
        file.write(&batch(&[])).unwrap();
        let transaction = file.database().unwrap().begin_write().unwrap();
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert(FORMAT, THIS_FORMAT + 1).unwrap();
        drop(meta);
        transaction.commit().unwrap();
        drop(file);
        assert!(matches!(folder.open(), Err(BackendError::TooNew(2))));
        let line = open(&folder.0).unwrap_err().to_string();
        assert!(line.contains("or a later one"), "{line}");
    }

    /// Cut anywhere, and with a byte changed anywhere, the file is refused or gives back what some transaction left.
    #[test]
    fn a_damaged_file_is_refused_or_read_as_it_once_was() {
        let folder = Folder::new();
        let mut file = folder.open().unwrap();
        for key in 1..=40 {
            file.write(&batch(&[(key, Some(&[u8::try_from(key).unwrap(); 500]))]))
                .unwrap();
        }
        // Once as a killed process leaves it, once closed.
        let killed = fs::read(folder.file()).unwrap();
        drop(file);
        let closed = fs::read(folder.file()).unwrap();
        let mut refused = 0;
        let mut check = |bytes: &[u8]| {
            fs::write(folder.file(), bytes).unwrap();
            match folder.open() {
                Ok(file) => {
                    let rows = rows(&file);
                    for (at, (key, record)) in (1..).zip(&rows) {
                        assert_eq!((at, at as u8), (*key, record[0]));
                        assert_eq!(record.as_slice(), [record[0]; 500]);
                    }
                }
                Err(BackendError::Damaged(_)) => refused += 1,
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
        assert!(refused > 80, "{refused}");
        let line = open(&folder.0).unwrap_err().to_string();
        assert!(line.contains("put a copy in its place"), "{line}");
    }
}
