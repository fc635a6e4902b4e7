//! `enchufe serve`: runs the server with all its services until a signal.

use std::any::Any;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use crate::auth::Tokens;
use crate::chat;
#[cfg(feature = "cluster")]
use crate::cluster::cluster::{self, MIN_LEASE};
#[cfg(feature = "cluster")]
use crate::cluster::error::JoinError;
use crate::files::Files;
use crate::log_targets::CLI;
use crate::router::{Router, Settings};
#[cfg(feature = "store")]
use crate::store;
#[cfg(feature = "store")]
use crate::store::error::OpenError;
use enchufe::Server;
use enchufe::protocol::MessageLimits;
use log::{info, warn};

use crate::cli::exit_error::Failure;
use crate::cli::options::serve::{ServeOptions, UNIX};
use crate::cli::options::units::{show_size, show_time};
use crate::cli::signals::ReloadHook;
#[cfg(feature = "tls")]
use crate::cli::tls_files;
use crate::cli::{log_format, signals, token};

/// Serves until a signal, then closes all connections and returns.
pub fn run(options: ServeOptions) -> Result<(), Failure> {
    log_format::start(options.log);
    let files = files(&options)?;
    #[cfg(feature = "tls")]
    let identity = tls_files::identity(options.tls_cert.as_deref(), options.tls_key.as_deref())?;
    let tokens = token::for_server(options.token_file.as_deref())?;
    let server = listen(&options.bind)?;
    let loopback = server
        .local_addrs()
        .iter()
        .all(|address| address.ip().is_loopback());
    let mut reload_hooks: Vec<ReloadHook> = Vec::new();
    if let Some(file) = options.token_file.clone() {
        let tokens = tokens.clone();
        reload_hooks.push(Box::new(move || token::reload(&tokens, &file)));
    }
    let (mut router, shutdown_guards) = services(&options, settings(&options, tokens, loopback))?;
    log_worst_case_memory(&options);
    if let Some(files) = files {
        router = router.with_files(files);
    }
    let server = server.limits(options.limits.clone()).service(router);
    #[cfg(feature = "deflate")]
    let server = if options.deflate {
        server.deflate(enchufe::DeflateOptions::default())
    } else {
        server
    };

    #[cfg(not(feature = "tls"))]
    let scheme = "http";
    #[cfg(feature = "tls")]
    let (server, scheme) = match identity {
        None => (server, "http"),
        Some(identity) => {
            let reloaded = identity.clone();
            reload_hooks.push(Box::new(move || tls_files::reload(&reloaded)));
            (server.tls(identity), "https")
        }
    };

    let handle = server.handle();
    let within = match options.limits.shutdown_grace {
        Duration::ZERO => String::new(),
        time => format!(" within {}", show_time(time)),
    };
    let stop = move || {
        info!(target: CLI, "stopping: closing connections{within}; a second signal exits at once");
        handle.stop();
    };
    signals::watch(stop, reload_hooks)
        .map_err(|error| Failure::Failed(format!("cannot watch signals: {error}")))?;
    announce(scheme, &server);
    server.run();
    // Writes the last changes before the process ends.
    drop(shutdown_guards);
    info!(target: CLI, "stopped");
    Ok(())
}

/// Store or cluster membership, dropped after the server has stopped.
type ShutdownGuards = Option<Box<dyn Any>>;

fn services(
    options: &ServeOptions,
    settings: Settings,
) -> Result<(Router, ShutdownGuards), Failure> {
    #[cfg(feature = "cluster")]
    if let Some(url) = &options.cluster {
        return clustered(url, options, settings);
    }
    #[cfg(not(feature = "cluster"))]
    if options.cluster.is_some() {
        return Err(Failure::Usage(
            "--cluster needs a build with the feature `cluster`".to_owned(),
        ));
    }
    alone(options, settings)
}

/// Builds the services of one server of a cluster.
#[cfg(feature = "cluster")]
fn clustered(
    url: &str,
    options: &ServeOptions,
    settings: Settings,
) -> Result<(Router, ShutdownGuards), Failure> {
    #[cfg(feature = "store")]
    if options.data.is_some() {
        return Err(Failure::Usage(
            "--cluster and --data exclude each other: a cluster persists to Redis".to_owned(),
        ));
    }
    if options.cluster_lease < MIN_LEASE {
        return Err(Failure::Usage(format!(
            "--cluster-lease: too short for a network: write at least {}",
            show_time(MIN_LEASE)
        )));
    }
    let failed = |error: JoinError| Failure::Failed(error.to_string());
    let opened = cluster::open(url, options.cluster_lease).map_err(failed)?;
    let (router, cluster) = Router::clustered(settings, opened).map_err(failed)?;
    Ok((router, Some(Box::new(cluster))))
}

/// Builds the services of a single server, restored from disk if there is a data directory.
#[cfg(feature = "store")]
fn alone(options: &ServeOptions, settings: Settings) -> Result<(Router, ShutdownGuards), Failure> {
    let Some(directory) = &options.data else {
        info!(target: CLI, "{MEMORY_ONLY}; --data DIR persists it");
        return Ok((Router::new(settings), None));
    };
    let failed = |error: OpenError| Failure::Failed(error.to_string());
    let mut opened = store::file::open(directory).map_err(failed)?;
    let router = Router::stored(settings, &mut opened).map_err(failed)?;
    let store = opened.start().map_err(failed)?;
    Ok((router, Some(Box::new(store))))
}

/// Builds the services in memory: this build has no store.
#[cfg(not(feature = "store"))]
fn alone(_: &ServeOptions, settings: Settings) -> Result<(Router, ShutdownGuards), Failure> {
    info!(target: CLI, "{MEMORY_ONLY}");
    Ok((Router::new(settings), None))
}

/// Opens the root directory, so that an unreadable one is reported at startup.
fn files(options: &ServeOptions) -> Result<Option<Files>, Failure> {
    let Some(root) = &options.root else {
        return Ok(None);
    };
    let files = Files::new(root, options.file_clients);
    files.map(Some).map_err(|error| cannot_serve(root, &error))
}

fn listen(addresses: &[String]) -> Result<Server, Failure> {
    let mut server: Option<Server> = None;
    for address in addresses {
        let bound = match (server, address.strip_prefix(UNIX)) {
            #[cfg(unix)]
            (None, Some(path)) => Server::bind_unix(path),
            #[cfg(unix)]
            (Some(server), Some(path)) => server.also_bind_unix(path),
            (None, _) => Server::bind(address),
            (Some(server), _) => server.also_bind(address),
        };
        server = Some(bound.map_err(|error| cannot_listen(address, &error))?);
    }
    server
        .ok_or_else(|| Failure::Usage("no address to listen on: write --bind ADDR:PORT".to_owned()))
}

fn cannot_serve(root: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!(
        "cannot serve files from {}: {error}; --root needs a readable directory",
        root.display()
    ))
}

fn cannot_listen(address: &str, error: &io::Error) -> Failure {
    let is_unix = address.starts_with(UNIX);
    let hint = match error.kind() {
        ErrorKind::AddrInUse if is_unix => "",
        ErrorKind::NotFound if is_unix => "; its directory must exist",
        ErrorKind::PermissionDenied if is_unix => {
            "; the server needs write permission on its directory"
        }
        ErrorKind::AddrInUse => {
            "; choose another with --bind ADDR:PORT, or port 0 for any free one"
        }
        ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
        _ => "",
    };
    Failure::Failed(format!("cannot listen on {address}: {error}{hint}"))
}

/// Returns the settings of the services.
fn settings(options: &ServeOptions, tokens: Tokens, loopback: bool) -> Settings {
    let inactive_after = match options.chat.inactive_after {
        Duration::ZERO => NEVER,
        time => time,
    };
    Settings {
        origins: options.origins.clone(),
        require_origin: options.require_origin,
        tokens,
        hosts: options.hosts.clone(),
        loopback,
        chat: chat::domain::state::ChatSettings {
            inactive_after,
            ..options.chat
        },
        connections: options.connections.clone(),
        large_messages: MessageLimits {
            max_message: options.max_echo_message,
            ..options.connections.message.clone()
        },
    }
}

/// Logs the memory used if every connection reached every limit at once. Operators who need a guarantee lower the
/// limits until this fits.
fn log_worst_case_memory(options: &ServeOptions) {
    let limits = &options.limits;
    let message = options
        .connections
        .message
        .max_message
        .max(options.max_echo_message);
    let each = message
        .saturating_add(limits.max_send_queue)
        .saturating_add(STACK)
        .saturating_add(if options.deflate { DEFLATE } else { 0 });
    let all = limits.connection_cap().saturating_mul(each);
    let all = all.saturating_add(options.chat.history.bytes);
    // Rounded up to whole MiB for readability.
    let mib = |bytes: usize| show_size(bytes.div_ceil(1 << 20).saturating_mul(1 << 20));
    info!(
        target: CLI, "worst-case memory: {} per connection, {} in total",
        mib(each),
        mib(all)
    );
}

/// Prints each listening address on standard output, for users and for programs that wait for it.
fn announce(scheme: &str, server: &Server) {
    let addresses = server.local_addrs();
    let tcp = addresses.iter().map(|it| format!("{scheme}://{it}/"));
    let mut listening: Vec<String> = tcp.collect();
    #[cfg(unix)]
    listening.extend(
        server
            .local_paths()
            .iter()
            .map(|it| format!("{UNIX}{}", it.display())),
    );
    let mut out = io::stdout().lock();
    for address in listening {
        if let Err(error) = writeln!(out, "listening on {address}").and_then(|()| out.flush()) {
            warn!(target: CLI, "listening on {address}; cannot write it to standard output: {error}");
        }
    }
}

const MEMORY_ONLY: &str = "history is in memory only and is lost on exit";
/// A duration that never elapses, yet can be added to the current time without overflow.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
/// Stack size of a connection thread.
const STACK: usize = 128 << 10;
/// Maximum size of the compression windows of both directions.
const DEFLATE: usize = 364 << 10;
