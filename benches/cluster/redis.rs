//! A Redis of the bench's own, and the disk under it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::server::processor_time;

pub(crate) struct Redis {
    process: Child,
    port: u16,
    /// Removed when Redis has ended.
    _folder: Folder,
}

impl Redis {
    /// One that flushes what it is told before it answers, or that keeps everything in memory.
    pub(crate) fn start(flushes: bool) -> Redis {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let folder = Folder::new();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--dir", folder.name()])
            .args(["--appendonly", if flushes { "yes" } else { "no" }])
            .args(["--appendfsync", "always"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let redis = Redis {
            process,
            port,
            _folder: folder,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while redis.ask("PING").is_err() {
            assert!(Instant::now() < deadline, "Redis does not start");
            thread::sleep(Duration::from_millis(10));
        }
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Seconds.
    pub(crate) fn processor_time(&self) -> f64 {
        processor_time(&self.process)
    }

    /// Bytes that it has sent.
    pub(crate) fn sent(&self) -> u64 {
        let info = self.ask("INFO stats").expect("Redis answers");
        let mut lines = info.lines();
        let sent = lines.find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        sent.and_then(|it| it.trim().parse().ok())
            .expect("a number")
    }

    fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended by itself
        let _ = self.process.wait();
    }
}

/// Milliseconds that it takes to write a little and flush it, where Redis does: the median of some.
pub(crate) fn flush() -> f64 {
    let folder = Folder::new();
    let mut file = File::create(folder.path().join("flushed")).expect("a file");
    let time = |_| {
        let began = Instant::now();
        file.write_all(&[b'x'; 256]).expect("the disk takes it");
        file.sync_data().expect("the disk takes it");
        began.elapsed()
    };
    let mut times: Vec<Duration> = (0..100).map(time).collect();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}
