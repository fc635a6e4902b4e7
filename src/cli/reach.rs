//! How the two clients reach a server: through which proxy, and whether they go where a redirect leads.

use enchufe::Proxy;
use enchufe::handshake::redirect::MOST_REDIRECTS;
use enchufe::net::Client;

/// The proxy that was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Through {
    /// The one that the environment names for the URL.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Nothing,
    /// This one.
    Proxy(Proxy),
}

/// A client that goes this way.
pub(crate) fn reach(client: Client, through: &Through, follow: bool) -> Client {
    let client = match through {
        Through::Environment => client.proxy_from_env(),
        Through::Nothing => client,
        Through::Proxy(proxy) => client.proxy(proxy.clone()),
    };
    match follow {
        true => client.follow_redirects(MOST_REDIRECTS),
        false => client,
    }
}
