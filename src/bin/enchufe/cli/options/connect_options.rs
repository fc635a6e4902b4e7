//! How the two clients reach a server: with which token, through which proxy, trusting whom, and whether they go where a
//! redirect leads.

use std::path::PathBuf;
use std::time::Duration;

use enchufe::Proxy;
use enchufe::handshake::MAX_REDIRECTS;
use enchufe::net::Client;

use crate::cli::exit_error::Failure;
#[cfg(feature = "tls")]
use crate::cli::tls_files;
use crate::cli::token;

/// The way to a server, as it was asked for.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub proxy: ProxyChoice,
    pub follow: bool,
    pub token: String,
    pub token_file: Option<PathBuf>,
    pub timeout: Duration,
    #[cfg(feature = "tls")]
    pub ca: Option<PathBuf>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            proxy: ProxyChoice::default(),
            follow: false,
            token: String::new(),
            token_file: None,
            timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            ca: None,
        }
    }
}

/// The proxy that was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ProxyChoice {
    /// The one that the environment names for the URL.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Nothing,
    /// This one.
    Proxy(Proxy),
}

impl ConnectOptions {
    /// The client, going this way.
    pub fn prepare(&self, mut client: Client) -> Result<Client, Failure> {
        client = client.timeout(self.timeout);
        if let Some(token) = token::brought(&self.token, self.token_file.as_deref())? {
            let (name, value) = token::field(&token);
            client = client.header(name, value);
        }
        #[cfg(feature = "tls")]
        if let Some(path) = &self.ca {
            client = client.tls(tls_files::only(path)?);
        }
        client = match &self.proxy {
            ProxyChoice::Environment => client.proxy_from_env(),
            ProxyChoice::Nothing => client,
            ProxyChoice::Proxy(proxy) => client.proxy(proxy.clone()),
        };
        Ok(match self.follow {
            true => client.follow_redirects(MAX_REDIRECTS),
            false => client,
        })
    }
}
