//! The proxy from the environment. There is no standard; this follows curl, without the parts that have caused harm.
//!
//! | variable | for |
//! |---|---|
//! | `http_proxy`, `HTTP_PROXY` | `ws` |
//! | `https_proxy`, `HTTPS_PROXY` | `wss` |
//! | `all_proxy`, `ALL_PROXY` | both, unless there is another |
//! | `no_proxy`, `NO_PROXY` | hosts to connect to directly |

use std::net::IpAddr;

use crate::handshake::url::{Scheme, Url};
use crate::http::authority::{Authority, Host};
use crate::net::error::Error;
use crate::net::proxy::error::ProxyError;
use crate::net::proxy::proxy::Proxy;

impl Proxy {
    /// Returns the proxy that the environment names for this URL, if any: `HTTPS_PROXY` for `wss`, `HTTP_PROXY` for `ws`, or else
    /// `ALL_PROXY`. Names in lower case take precedence. An empty variable counts as unset.
    ///
    /// Loopback, by name or address, is never proxied, nor are the entries of `NO_PROXY`, separated by commas: `example.org` and
    /// all names below it (a leading `.` or `*.` changes nothing), an address, a network such as `10.0.0.0/8`, each with an
    /// optional `:port`, or `*` for everything. Names are not resolved for this.
    ///
    /// `HTTP_PROXY` in upper case is ignored if `REQUEST_METHOD` is set: in a CGI program a client's header could set it
    /// ([CVE-2016-5385](https://nvd.nist.gov/vuln/detail/CVE-2016-5385)).
    ///
    /// # Errors
    /// [`Error::Proxy`] with the name of a variable that is not the URL of a proxy.
    pub fn from_env(url: &Url) -> Result<Option<Self>, Error> {
        choose(url, &|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }
}

/// The same with any environment.
fn choose(url: &Url, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>, Error> {
    let Some(host) = host_of(url) else {
        return Ok(None);
    };
    let set = |name: &&str| variable(name).is_some_and(|value| !value.trim().is_empty());
    let names: &[&str] = match url.scheme {
        Scheme::Wss => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        Scheme::Ws if set(&"REQUEST_METHOD") => &["http_proxy", "all_proxy", "ALL_PROXY"],
        Scheme::Ws => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let Some(name) = names.iter().copied().find(set) else {
        return Ok(None);
    };
    let exceptions = ["no_proxy", "NO_PROXY"].iter().copied().find(set);
    let exceptions = exceptions.and_then(variable).unwrap_or_default();
    if is_loopback(&host) || is_excepted(&host, url.port, &exceptions) {
        return Ok(None);
    }
    let text = variable(name).unwrap_or_default();
    match Proxy::parse(text.trim()) {
        Ok(proxy) => Ok(Some(proxy)),
        Err(error) => Err(Error::Proxy {
            proxy: format!("in {name}"),
            error: ProxyError::Url(error),
        }),
    }
}

/// Returns `None` for a host that [`Url::parse`] would not return: the connection fails anyway.
fn host_of(url: &Url) -> Option<Host> {
    match url.host.parse() {
        Ok(IpAddr::V6(address)) => Some(Host::V6(address)),
        _ => Authority::parse(&url.host).ok().map(|it| it.host),
    }
}

/// Includes IPv4-mapped IPv6 addresses.
fn is_loopback(host: &Host) -> bool {
    host.is_loopback() || address_of(host).is_some_and(|address| address.is_loopback())
}

fn address_of(host: &Host) -> Option<IpAddr> {
    match host {
        Host::V4(address) => Some(IpAddr::V4(*address)),
        Host::V6(address) => Some(IpAddr::V6(*address).to_canonical()),
        Host::Name(_) => None,
    }
}

/// Whether `NO_PROXY` lists the host.
fn is_excepted(host: &Host, port: u16, list: &str) -> bool {
    list.split([',', ' ', '\t'])
        .filter(|entry| !entry.is_empty())
        .any(|entry| entry == "*" || matches(host, port, entry))
}

fn matches(host: &Host, port: u16, entry: &str) -> bool {
    if let Some((network, bits)) = entry.rsplit_once('/') {
        let (Some(address), Ok(network), Ok(bits)) =
            (address_of(host), unbracketed(network).parse(), bits.parse())
        else {
            return false;
        };
        return is_within(address, network, bits);
    }
    if let Ok(address) = unbracketed(entry).parse::<IpAddr>() {
        return address_of(host) == Some(address.to_canonical());
    }
    let entry = entry.strip_prefix('*').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    let Ok(entry) = Authority::parse(entry) else {
        return false;
    };
    if entry.port.is_some_and(|it| it != port) {
        return false;
    }
    match (host, &entry.host) {
        (Host::Name(name), Host::Name(suffix)) => {
            // A name may end in a dot, the DNS root.
            let (name, suffix) = (name.trim_end_matches('.'), suffix.trim_end_matches('.'));
            let below = name.strip_suffix(suffix);
            below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
        }
        (host, entry) => address_of(host).is_some() && address_of(host) == address_of(entry),
    }
}

fn unbracketed(text: &str) -> &str {
    let inner = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(text)
}

/// Whether the first `bits` of both are equal.
fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if bits <= 32 => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if bits <= 128 => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.leading_zeros() >= bits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the proxy for a URL in an environment.
    fn chosen(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        choose(&Url::parse(url).unwrap(), &lookup)
            .map(|proxy| proxy.map(|it| it.to_string()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_scheme_has_its_variable_and_small_letters_win() {
        let all = [
            ("http_proxy", "http://a:1"),
            ("HTTP_PROXY", "http://b:1"),
            ("https_proxy", "http://c:1"),
            ("HTTPS_PROXY", "http://d:1"),
            ("all_proxy", "socks5://e:1"),
            ("ALL_PROXY", "socks5h://f:1"),
        ];
        for (skip, ws, wss) in [
            (&[][..], "http://a:1", "http://c:1"),
            (&[0, 2], "http://b:1", "http://d:1"),
            (&[0, 1, 2, 3], "socks5://e:1", "socks5://e:1"),
            (&[0, 1, 2, 3, 4], "socks5h://f:1", "socks5h://f:1"),
        ] {
            // An empty variable counts as unset.
            let mut set = all;
            for at in skip {
                set[*at].1 = "";
            }
            assert_eq!(chosen("ws://h/", &set), Ok(Some(ws.to_owned())));
            assert_eq!(chosen("wss://h/", &set), Ok(Some(wss.to_owned())));
        }
        assert_eq!(chosen("ws://h/", &[]), Ok(None));
        assert_eq!(chosen("ws://h/", &all[2..4]), Ok(None));
        assert_eq!(chosen("wss://h/", &all[..2]), Ok(None));
    }

    #[test]
    fn http_proxy_is_ignored_in_a_cgi_program() {
        let variables = [("HTTP_PROXY", "http://evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(chosen("ws://h/", &variables), Ok(None));
    }

    #[test]
    fn loopback_is_never_proxied() {
        let all = [("ALL_PROXY", "http://p:1")];
        for url in [
            "ws://localhost/",
            "ws://a.localhost:8080/",
            "wss://127.0.0.1/",
            "ws://127.9.9.9/",
            "ws://[::1]:8080/",
            "ws://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(chosen(url, &all), Ok(None), "{url}");
        }
        for url in ["ws://localhost.evil/", "ws://[::2]/", "ws://128.0.0.1/"] {
            assert!(chosen(url, &all).unwrap().is_some(), "{url}");
        }
    }

    #[test]
    fn an_invalid_variable_is_reported_by_name() {
        let error = chosen("ws://h/", &[("HTTP_PROXY", "ftp://p")]).unwrap_err();
        assert!(
            error.starts_with("proxy in HTTP_PROXY: a proxy URL begins with http://"),
            "{error}"
        );
        assert_eq!(
            chosen("ws://localhost/", &[("HTTP_PROXY", "ftp://p")]),
            Ok(None)
        );
    }

    #[test]
    fn no_proxy_has_names_ports_addresses_and_networks() {
        for (list, matching, others) in [
            ("*", &["ws://a/", "ws://1.2.3.4/"][..], &[][..]),
            (
                "example.org",
                &[
                    "ws://example.org/",
                    "ws://a.b.EXAMPLE.org:81/",
                    "ws://example.org./",
                ],
                &[
                    "ws://badexample.org/",
                    "ws://example.org.evil/",
                    "ws://org/",
                ],
            ),
            (
                " .example.org , *.example.net\tx",
                &[
                    "ws://example.org/",
                    "ws://a.example.org/",
                    "ws://a.example.net/",
                    "ws://x/",
                ],
                &["ws://xexample.net/", "ws://y/"],
            ),
            (
                "a.example:8080",
                &["ws://a.example:8080/", "ws://b.a.example:8080/"],
                &["ws://a.example/", "wss://a.example/"],
            ),
            ("a.example:80", &["ws://a.example/"], &["wss://a.example/"]),
            (
                "10.1.2.3,[fd00::1]:90,fd00::2",
                &[
                    "ws://10.1.2.3:5/",
                    "ws://[::ffff:10.1.2.3]/",
                    "ws://[fd00::1]:90/",
                    "ws://[fd00::2]/",
                ],
                &[
                    "ws://10.1.2.30/",
                    "ws://[fd00::1]/",
                    "ws://110.1.2.3/",
                    "ws://x10.1.2.3/",
                ],
            ),
            (
                "10.0.0.0/8,192.168.4.0/22,fd00::/8",
                &["ws://10.255.0.1/", "ws://192.168.7.255/", "ws://[fdff::1]/"],
                &[
                    "ws://11.0.0.1/",
                    "ws://192.168.8.0/",
                    "ws://[fe00::1]/",
                    "ws://10.example/",
                ],
            ),
            (
                "0.0.0.0/0",
                &["ws://1.2.3.4/"],
                &["ws://[fd00::1]/", "ws://name/"],
            ),
            ("", &[], &["ws://a/"]),
            (
                ",,/,10/8,10.0.0.0/33,::/129,@,[",
                &[],
                &["ws://10.0.0.1/", "ws://[::2]/"],
            ),
        ] {
            let variables = [("NO_PROXY", list), ("ALL_PROXY", "http://p:1")];
            for url in matching {
                assert_eq!(chosen(url, &variables), Ok(None), "{list}: {url}");
            }
            for url in others {
                assert!(chosen(url, &variables).unwrap().is_some(), "{list}: {url}");
            }
        }
        let both = [
            ("no_proxy", "a"),
            ("NO_PROXY", "b"),
            ("ALL_PROXY", "http://p:1"),
        ];
        assert_eq!(chosen("ws://a/", &both), Ok(None));
        assert!(chosen("ws://b/", &both).unwrap().is_some());
    }
}
