//! The browser's process: one for all tests, as long as they run.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::devtools::DevTools;
use crate::page::{Page, Place};
use crate::support::folder::Folder;
use crate::support::tools;
use crate::support::wire;

pub(crate) struct Chromium {
    pub(crate) devtools: Arc<DevTools>,
    /// Its keeper ends it when this is closed, and takes its directory away.
    _alive: ChildStdin,
}

impl Chromium {
    /// The browser of all tests; `None` if there is none here, which was said.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Chromium>> = OnceLock::new();
        SHARED
            .get_or_init(|| tools::available(CHROMIUM, &["--version"]).then(Self::start))
            .as_ref()
    }

    /// A page in a tab of its own.
    pub(crate) fn open(&'static self, url: &str) -> Page {
        let page = Page::new(self, Place::Tab);
        page.visit(url);
        page
    }

    fn start() -> Self {
        // The process ends without dropping a static: the keeper below takes the directory away.
        let profile = std::mem::ManuallyDrop::new(Folder::new());
        let root = fs::metadata(profile.path()).is_ok_and(|folder| folder.uid() == 0);
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper", profile.name(), CHROMIUM])
            .arg(format!("--user-data-dir={}", profile.name()))
            // As root Chromium has no sandbox, and does not start without being told so.
            .args(root.then_some("--no-sandbox"))
            .args(OPTIONS)
            .args(wire::browser_trust())
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let alive = keeper.stdin.take().expect("it is piped");
        let url = where_it_listens(&mut keeper);
        Self {
            devtools: DevTools::connect(&url),
            _alive: alive,
        }
    }

    pub(crate) fn close(&self, target: &str) {
        let target = json!({ "targetId": target });
        let _ = self.devtools.call(None, "Target.closeTarget", &target); // a browser that is gone needs no tidying
    }
}

/// Reads the address from its standard error, and goes on reading so that it never blocks there.
fn where_it_listens(keeper: &mut Child) -> String {
    let mut errors = BufReader::new(keeper.stderr.take().expect("it is piped"));
    let (tell, told) = channel();
    thread::spawn(move || {
        let (mut line, mut before) = (String::new(), String::new());
        while errors.read_line(&mut line).is_ok_and(|count| count > 0) {
            if let Some(url) = line.strip_prefix("DevTools listening on ") {
                let _ = tell.send(Ok(url.trim().to_owned())); // nobody waits any more: then nobody needs it
                let _ = errors.read_to_end(&mut Vec::new());
                return;
            }
            before += &std::mem::take(&mut line);
        }
        let _ = tell.send(Err(before));
    });
    match told.recv_timeout(PATIENCE) {
        Ok(Ok(url)) => url,
        Ok(Err(words)) => panic!("{CHROMIUM} does not start: {words}"),
        Err(error) => panic!("{CHROMIUM} does not say where it listens: {error}"),
    }
}

/// Far more than anything takes here, unless it hangs: a browser is many processes, and the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const CHROMIUM: &str = "chromium";

/// Starts what follows the directory, and when its own input ends, because the tests have, in whatever way, ends that process
/// and removes the directory. A signal for all of us only ends its waiting.
const KEEPER: &str = r#"
    trap : INT TERM HUP
    folder=$1; shift
    "$@" & browser=$!
    cat > /dev/null
    kill "$browser"
    wait "$browser"
    rm -rf "${folder:?}" || { sleep 1; rm -rf "${folder:?}"; }
"#;

const OPTIONS: [&str; 16] = [
    "--headless",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--password-store=basic",
    // A page that no other page covers: everybody is looking at theirs.
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--force-color-profile=srgb",
];
