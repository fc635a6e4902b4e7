//! One listener, one port: which request goes where.
//!
//! | request | goes to |
//! |---|---|
//! | Upgrade `/?name=…` | chat, binary codec |
//! | Upgrade `/` without a name, `/chat` | chat, JSON codec |
//! | Upgrade `/socket`; `/socket/negotiate` | hospital hub |
//! | Upgrade `/echo`, `/inspect` | echo, inspect |
//! | `GET /?name=…` | 200 if that name could join the chat now |
//! | `/healthz`, `/metrics` | is it alive; what it counts |
//! | `/`, `/chat`, `/lab`, `/hospital`, `/assets/…` | the pages in the binary |
//! | everything else | files |

use std::sync::Arc;

use crate::auth::{self, Tokens};
use crate::chat::chat::Chat;
#[cfg(feature = "cluster")]
use crate::cluster::cluster::{Cluster, ClusterBuilder};
#[cfg(feature = "cluster")]
use crate::cluster::error::JoinError;
use crate::cluster::log_handle::Log;
#[cfg(feature = "cluster")]
use crate::cluster::replica::Replica;
use crate::files::Files;
use crate::hospital::hub::Hub;
use crate::signalr::negotiate;
use crate::store;
use crate::store::error::OpenError;
use crate::store::writer::StoreBuilder;
use crate::{assets, chat, echo, inspect, metrics};
use enchufe::handshake::{HandshakeError, Offer};
use enchufe::handshake::{check_host, check_origin};
use enchufe::http::{Response, Version};
use enchufe::net::{Reply, RequestContext, Service, Upgrade};
use enchufe::protocol::MessageLimits;

/// All services of the server binary behind one [`Service`].
#[derive(Debug)]
pub struct Router {
    settings: Settings,
    chat: Chat,
    hospital: Arc<Hub>,
    files: Option<Files>,
    /// What the store counts, if there is one.
    store: Option<Arc<store::counters::Counters>>,
    /// The log of the cluster, if there is one.
    log: Option<Log>,
}

/// What of the services can be set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Origins besides the server's own whose pages may connect (`https://example.org`).
    pub origins: Vec<String>,
    /// Refuses upgrades without an `Origin`, which only browsers send.
    pub require_origin: bool,
    /// With tokens in here, all but the pages in the binary and `/healthz` is only for who brings one.
    pub tokens: Tokens,
    /// Names the server answers to besides addresses and `localhost`; when empty, any, unless `loopback`. Requests for
    /// another name are answered 421.
    pub hosts: Vec<String>,
    /// The server listens on loopback only, so a request for a foreign name is a page playing tricks with DNS.
    pub loopback: bool,
    /// The bounds on one message on `/echo` and `/inspect`, where people try large ones.
    pub large_messages: MessageLimits,
    /// The chat's own.
    pub chat: chat::domain::state::ChatSettings,
    /// The bounds on a connection of the chat; those on its messages, and on JSON, hold for the hub too.
    pub connections: chat::limits::ConnectionLimits,
}

impl Router {
    /// The services, with these settings, and no files. What they remember is in memory only.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            chat: Chat::in_memory(settings.chat, settings.connections.clone()),
            hospital: Arc::new(
                Hub::with_limits(settings.connections.message.clone())
                    .with_json_depth(settings.connections.json_depth),
            ),
            settings,
            files: None,
            store: None,
            log: None,
        }
    }

    /// The services with what a store holds: users, chats and hospitals go on where it ends, and are kept in there. It
    /// is for the caller to [start](StoreBuilder::start) the store before the server.
    ///
    /// # Errors
    /// What in the store cannot be read.
    pub fn stored(settings: Settings, opened: &mut StoreBuilder) -> Result<Self, OpenError> {
        let connections = settings.connections.clone();
        let hospital = Hub::stored(connections.message.clone(), opened)?
            .with_json_depth(connections.json_depth);
        Ok(Self {
            chat: Chat::stored(settings.chat, connections, opened)?,
            hospital: Arc::new(hospital),
            settings,
            files: None,
            store: Some(opened.counters()),
            log: None,
        })
    }

    /// The services as one server of a cluster: its chat and its board are those of all its servers. It is for the caller to
    /// keep the [`Cluster`] as long as the server runs.
    ///
    /// # Errors
    /// Why this server cannot join.
    #[cfg(feature = "cluster")]
    pub fn clustered(
        settings: Settings,
        opened: ClusterBuilder,
    ) -> Result<(Self, Cluster), JoinError> {
        let log = opened.log();
        let mut router = Self::new(settings);
        let Settings {
            chat, connections, ..
        } = &router.settings;
        router.chat = Chat::clustered(*chat, connections.clone(), log.clone());
        let board = {
            let hub = Hub::clustered(connections.message.clone(), log.clone());
            router.hospital = Arc::new(hub.with_json_depth(connections.json_depth));
            Some(Arc::clone(&router.hospital) as Arc<dyn Replica>)
        };
        router.log = Some(log);
        let cluster = opened.start((&router.chat).into(), board)?;
        Ok((router, cluster))
    }

    /// Also serves these files.
    #[must_use]
    pub fn with_files(mut self, files: Files) -> Self {
        self.files = Some(files);
        self
    }

    fn upgrade(&self, call: &RequestContext<'_>, offer: &Offer) -> Reply {
        // 10.2: a page of another site must not speak in its visitor's name.
        if self.settings.require_origin && call.request.headers.get("Origin").is_none() {
            return Reply::Respond(HandshakeError::OriginRequired.response());
        }
        if let Err(error) = check_origin(call.request, &self.settings.origins) {
            return Reply::Respond(error.response());
        }
        let path = call.request.path();
        if self.is_cut_off() && matches!(path, "/" | "/chat" | "/socket") {
            return Reply::Respond(Response::rejection(503, "El servidor está aislado\n"));
        }
        let large = || self.settings.large_messages.clone();
        let name = call.request.query_value("name");
        match (call.request.path(), name) {
            ("/", Some(name)) => self.chat.upgrade_binary(&name, call.peer),
            ("/" | "/chat", _) => Reply::Upgrade(self.chat.upgrade_json(offer, call.peer)),
            ("/socket", _) => Reply::Upgrade(self.hospital.upgrade()),
            ("/echo", _) => Reply::Upgrade(Upgrade::new(echo::session).message_limits(large())),
            ("/inspect", _) => Reply::Upgrade(
                Upgrade::new(inspect::session)
                    .message_limits(large())
                    .observe_frames(),
            ),
            _ => Reply::Respond(Response::not_found()),
        }
    }

    /// Plain HTTP.
    fn respond(&self, call: &RequestContext<'_>) -> Reply {
        let request = call.request;
        // HTTP/0.9 knows documents and nothing else.
        if request.version == Version::Http09 {
            return self.file(call);
        }
        let path = request.path();
        if path == "/socket/negotiate" {
            return Reply::Respond(negotiate::negotiate(request, &self.settings.origins));
        }
        if matches!(path, "/echo" | "/inspect" | "/socket") {
            return Reply::Respond(HandshakeError::UpgradeRequired.response());
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Reply::Respond(Response::method_not_allowed("GET, HEAD"));
        }
        match (path, request.query_value("name")) {
            // A load balancer should send no more connections here.
            ("/healthz", _) if call.stopping => {
                Reply::Respond(Response::new(503).text("stopping\n"))
            }
            ("/healthz", _) if self.is_cut_off() => {
                Reply::Respond(Response::new(503).text("cut off from the cluster\n"))
            }
            ("/healthz", _) => Reply::Respond(Response::new(200).text("ok\n")),
            ("/metrics", _) => Reply::Respond(self.metrics(call)),
            ("/", Some(name)) => Reply::Respond(self.chat.probe(&name)),
            ("/", None) if self.has_index() => self.file(call),
            _ => match assets::at(path) {
                Some(page) => Reply::Respond(page),
                None => self.file(call),
            },
        }
    }

    /// Whether this server cannot reach the others at the moment: a proxy had better choose one that can.
    fn is_cut_off(&self) -> bool {
        let log = self.log.as_ref();
        log.is_some_and(|log| log.counters().is_unavailable())
    }

    fn metrics(&self, call: &RequestContext<'_>) -> Response {
        let page = metrics::page(call.counters, self.store.as_deref());
        if let Some(log) = &self.log {
            return metrics::with_cluster(page, log.counters());
        }
        page
    }

    /// What has no data in it: the pages in the binary, whether the server is alive, and the question of a browser
    /// whether it may ask, which has no room for a token.
    fn is_open_to_all(&self, call: &RequestContext<'_>) -> bool {
        let request = call.request;
        if call.offer.is_some() || request.version == Version::Http09 {
            return false;
        }
        match (request.method.as_str(), request.path()) {
            ("OPTIONS", "/socket/negotiate") | ("GET" | "HEAD", "/healthz") => true,
            ("GET" | "HEAD", "/") => request.query_value("name").is_none() && !self.has_index(),
            ("GET" | "HEAD", path) => assets::at(path).is_some(),
            _ => false,
        }
    }

    fn has_index(&self) -> bool {
        self.files.as_ref().is_some_and(Files::has_index)
    }

    fn file(&self, call: &RequestContext<'_>) -> Reply {
        match &self.files {
            Some(files) => files.answer(call.request),
            None => Reply::Respond(Response::not_found()),
        }
    }
}

/// Offers the subprotocol that stands for a token brought by another.
fn offers_token(offer: &Offer) -> bool {
    let names = &mut offer.subprotocols.iter();
    names.any(|name| name == auth::SUBPROTOCOL)
}

impl Service for Router {
    fn call(&self, call: &RequestContext<'_>) -> Reply {
        let Settings {
            hosts,
            loopback,
            tokens,
            ..
        } = &self.settings;
        // A foreign name that leads here is a page playing tricks with DNS: it would be of our own origin.
        if let Err(error) = check_host(call.request, hosts, *loopback) {
            return Reply::Respond(error.response());
        }
        if !self.is_open_to_all(call)
            && let Err(denied) = tokens.check(call.request)
        {
            return Reply::Respond(denied.response());
        }
        match &call.offer {
            Some(Err(error)) => Reply::Respond(error.response()),
            Some(Ok(offer)) => match self.upgrade(call, offer) {
                Reply::Upgrade(upgrade) if offers_token(offer) => {
                    Reply::Upgrade(upgrade.or_subprotocol(auth::SUBPROTOCOL))
                }
                answer => answer,
            },
            None => self.respond(call),
        }
    }
}
