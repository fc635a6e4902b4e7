//! One listener, one port: which request goes where.

#[cfg(feature = "json")]
use std::sync::Arc;

#[cfg(feature = "json")]
use super::hospital;
use super::{echo, inspect};
use crate::handshake::server::check_origin;
use crate::http::Response;
use crate::net::{Answer, Call, Service, Upgrade};
use crate::protocol::MessageLimits;

/// All services of the server binary behind one [`Service`].
#[derive(Debug)]
pub struct Router {
    settings: Settings,
    #[cfg(feature = "json")]
    hospital: Arc<hospital::Hub>,
}

/// What of the services can be set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Origins besides the server's own whose pages may connect (`https://example.org`).
    pub origins: Vec<String>,
    /// The bounds on one message on `/echo` and `/inspect`, where people try large ones.
    pub large_messages: MessageLimits,
}

impl Router {
    /// The services, with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            #[cfg(feature = "json")]
            hospital: Arc::default(),
        }
    }

    fn upgrade(&self, call: &Call<'_>) -> Answer {
        // 10.2: a page of another site must not speak in its visitor's name.
        if let Err(error) = check_origin(call.request, &self.settings.origins) {
            return Answer::Respond(error.response());
        }
        let large = self.settings.large_messages.clone();
        match call.request.path() {
            "/echo" => Answer::Upgrade(Upgrade::to(echo::session).message_limits(large)),
            "/inspect" => Answer::Upgrade(
                Upgrade::to(inspect::session)
                    .message_limits(large)
                    .observe_frames(),
            ),
            #[cfg(feature = "json")]
            "/socket" => Answer::Upgrade(self.hospital.upgrade()),
            _ => Answer::Respond(Response::not_found()),
        }
    }

    fn respond(&self, call: &Call<'_>) -> Response {
        match call.request.path() {
            #[cfg(feature = "json")]
            "/socket/negotiate" => hospital::negotiate(call.request, &self.settings.origins),
            _ => Response::not_found(),
        }
    }
}

impl Service for Router {
    fn call(&self, call: &Call<'_>) -> Answer {
        match &call.offer {
            Some(Err(error)) => Answer::Respond(error.response()),
            Some(Ok(_)) => self.upgrade(call),
            None => Answer::Respond(self.respond(call)),
        }
    }
}
