//! Options of both clients for connecting: token, proxy, trusted certificates, redirects and timeout.

use std::path::PathBuf;
use std::time::Duration;

use enchufe::handshake::MAX_REDIRECTS;
use enchufe::net::Client;

use crate::cli::exit_error::Failure;
use crate::cli::options::option_value::ProxyChoice;
#[cfg(feature = "tls")]
use crate::cli::tls_files;
use crate::cli::token;

/// Settings for connecting to a server.
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

impl ConnectOptions {
    /// Applies these settings to a client.
    pub fn prepare(&self, mut client: Client) -> Result<Client, Failure> {
        client = client.timeout(self.timeout);
        if let Some(token) = token::for_client(&self.token, self.token_file.as_deref())? {
            let (name, value) = token::authorization_header(&token);
            client = client.header(name, value);
        }
        #[cfg(feature = "tls")]
        if let Some(path) = &self.ca {
            client = client.tls(tls_files::trusted_roots(path)?);
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
