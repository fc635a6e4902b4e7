//! Opens a file under the root, checks it, and answers with it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use enchufe::http::{Request, Response};
use enchufe::net::Reply;

use crate::files::conditions::{Validators, Verdict};
use crate::files::path::Target;
use crate::files::range::Part;
use crate::files::slots::{Slot, Slots};

/// The directory and how many of its files are sent at once.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    slots: Arc<Slots>,
}

impl Files {
    /// Serves the files under `root`, at most `at_once` of them at the same time; further requests wait.
    ///
    /// # Errors
    /// If `root` is not a directory that can be read.
    pub fn new(root: &Path, at_once: usize) -> io::Result<Self> {
        let root = root.canonicalize()?;
        fs::read_dir(&root)?;
        Ok(Self {
            root,
            slots: Arc::new(Slots::new(at_once)),
        })
    }

    /// The answer to any request that no other service takes.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Reply {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Reply::Respond(Response::method_not_allowed("GET, HEAD"));
        }
        let Some(target) = Target::parse(request.path()) else {
            return not_found();
        };
        match self.open(&target) {
            Some(Found::File(file, metadata, path)) => self.send(request, file, &metadata, &path),
            Some(Found::Folder) => moved(&target.as_folder()),
            None => not_found(),
        }
    }

    /// Whether the directory has a page of its own for `/`.
    #[must_use]
    pub fn has_index(&self) -> bool {
        Target::parse("/").is_some_and(|target| self.open(&target).is_some())
    }

    fn open(&self, target: &Target) -> Option<Found> {
        let path = self.root.join(target.relative());
        if fs::metadata(&path).ok()?.is_dir() {
            if !target.names_folder() {
                return self.open_file(&path.join(INDEX)).map(|_| Found::Folder);
            }
            return self.open_file(&path.join(INDEX));
        }
        if target.names_folder() {
            None
        } else {
            self.open_file(&path)
        }
    }

    fn open_file(&self, path: &Path) -> Option<Found> {
        // Opening alone can do things: a FIFO wakes its writer, a device may wind its tape.
        if !fs::metadata(path).ok()?.is_file() {
            return None;
        }
        let file = open_without_blocking(path).ok()?;
        let metadata = file.metadata().ok()?;
        let real = path.canonicalize().ok()?;
        let inside = real.starts_with(&self.root)
            && !real
                .strip_prefix(&self.root)
                .is_ok_and(crate::files::path::is_hidden)
            && same_file(&metadata, &fs::metadata(&real).ok()?);
        (metadata.is_file() && inside).then_some(Found::File(file, Box::new(metadata), real))
    }

    fn send(&self, request: &Request, mut file: File, metadata: &Metadata, path: &Path) -> Reply {
        let length = metadata.len();
        let validators = Validators::of(metadata);
        let describe = |response: Response| {
            validators
                .describe(response)
                .header("Date", httpdate::fmt_http_date(SystemTime::now()))
                .header("Accept-Ranges", "bytes")
                .header("X-Content-Type-Options", "nosniff")
        };
        match validators.judge(&request.headers) {
            Verdict::NotModified => return Reply::Respond(describe(Response::new(304))),
            Verdict::Failed => {
                return Reply::Respond(describe(Response::rejection(
                    412,
                    "412 Precondition Failed\n",
                )));
            }
            Verdict::Send => {}
        }
        let part = match request.headers.get("Range") {
            // RFC 9110, 14.2: for GET and nothing else.
            Some(range) if request.method == "GET" && validators.allow_range(&request.headers) => {
                crate::files::range::parse(range, length)
            }
            _ => Part::Whole,
        };
        let (response, start, count) = match part {
            Part::Whole => (Response::new(200), 0, length),
            Part::Bytes { first, last } => {
                let range = format!("bytes {first}-{last}/{length}");
                (
                    Response::new(206).header("Content-Range", range),
                    first,
                    last - first + 1,
                )
            }
            Part::Unsatisfiable => {
                let rejection = Response::new(416).text("416 Range Not Satisfiable\n");
                return Reply::Respond(describe(
                    rejection.header("Content-Range", format!("bytes */{length}")),
                ));
            }
        };
        if start > 0 && file.seek(SeekFrom::Start(start)).is_err() {
            return Reply::Respond(Response::rejection(500, "The file could not be read.\n"));
        }
        let response = describe(response)
            .header("Content-Type", crate::files::media_type::of(path))
            .header("Content-Length", count.to_string());
        if request.method == "HEAD" {
            return Reply::Respond(response);
        }
        Reply::Stream(
            response,
            count,
            Box::new(Body {
                file,
                _slot: self.slots.take(),
            }),
        )
    }
}

enum Found {
    File(File, Box<Metadata>, PathBuf),
    /// A directory with an index, asked for without the slash at its end: relative links would go astray.
    Folder,
}

/// A file on its way out, and its place among those sent at once.
struct Body {
    file: File,
    _slot: Slot,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }
}

/// Opening a FIFO waits for a writer unless told otherwise.
fn open_without_blocking(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, O_NONBLOCK);
    options.open(path)
}

#[cfg(unix)]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// `location` is percent-encoded, so nothing in it can end the attribute it stands in.
fn moved(location: &str) -> Reply {
    let title = "301 Moved Permanently";
    let text = format!("<p>It is at <a href=\"{location}\">{location}</a>.\n");
    Reply::Respond(page(301, title, &text).header("Location", location))
}

fn not_found() -> Reply {
    Reply::Respond(page(404, "404 Not Found", ""))
}

fn page(status: u16, title: &str, text: &str) -> Response {
    let mut response = Response::new(status)
        .header("Content-Type", HTML)
        .header("X-Content-Type-Options", "nosniff");
    let page = format!("<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n{text}");
    response.body = page.into_bytes();
    response
}

const INDEX: &str = "index.html";
const HTML: &str = "text/html; charset=utf-8";
/// `O_NONBLOCK` on every Linux architecture but MIPS, Alpha, SPARC and PA-RISC, which Rust's std serves rarely.
#[cfg(any(target_os = "linux", target_os = "android"))]
const O_NONBLOCK: i32 = 0o4000;
