//! The client's address behind a proxy: `X-Forwarded-For`, which most proxies write, and `Forwarded` ([RFC
//! 7239](https://www.rfc-editor.org/rfc/rfc7239)), which some do.
//!
//! Any client can send these fields, so they count only from trusted proxies. Each proxy appends the address of its
//! peer. The client is therefore the first address from the right that is not a trusted proxy; anything before it may
//! be forged.

use std::net::{IpAddr, SocketAddr};

use crate::http::error::HttpError;
use crate::http::headers::Headers;

/// Returns the address of the client: that of `peer`, or, if `peer` is one of `trusted`, the address that it reports.
///
/// A list that ends in something other than an address reports none. A proxy usually writes one of the two fields and
/// forwards the other unchanged, so a client may have forged either.
///
/// # Errors
///
/// [`HttpError::TwoClients`] if both fields are present and disagree.
pub fn client_address(
    headers: &Headers,
    peer: IpAddr,
    trusted: &[IpAddr],
) -> Result<IpAddr, HttpError> {
    let peer = peer.to_canonical();
    if !trusted.contains(&peer) {
        return Ok(peer);
    }
    let lists = [
        list(headers, "X-Forwarded-For", |member| address(member.trim())),
        list(headers, "Forwarded", for_parameter),
    ];
    let mut named = lists.into_iter().flatten().map(|list| last(&list, trusted));
    match (named.next(), named.next()) {
        (Some(one), Some(other)) if one != other => Err(HttpError::TwoClients),
        (one, _) => Ok(one.flatten().unwrap_or(peer)),
    }
}

/// Returns the members of a field over all its lines, as addresses; `None` without such a field.
fn list(
    headers: &Headers,
    name: &str,
    address: impl Fn(&str) -> Option<IpAddr>,
) -> Option<Vec<Option<IpAddr>>> {
    let values: Vec<&str> = headers.get_all(name).collect();
    let members = values.iter().flat_map(|value| split(value, ','));
    (!values.is_empty()).then(|| members.map(address).collect())
}

/// Returns the last address that is not trusted, or the first if all are. Returns `None` at a member that is not an
/// address: members before it may be forged.
fn last(list: &[Option<IpAddr>], trusted: &[IpAddr]) -> Option<IpAddr> {
    let mut found = None;
    for address in list.iter().rev() {
        found = *address;
        if !trusted.contains(&found?) {
            break;
        }
    }
    found
}

/// RFC 7239, 4: `for=192.0.2.60;proto=http`, `for="[2001:db8::1]:4711"`.
fn for_parameter(member: &str) -> Option<IpAddr> {
    split(member, ';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim();
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value);
        let is_for = name.trim().eq_ignore_ascii_case("for");
        is_for.then(|| address(value))
    })?
}

/// Parses an address with an optional port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let ip = bare
        .parse()
        .or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    ip.ok().map(|ip| ip.to_canonical())
}

/// Splits at separators outside quotes. An address contains no quote, so backslashes need no handling.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |it| {
        quoted ^= it == '"';
        it == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client_of(peer: &str, fields: &[(&str, &str)]) -> String {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.push(name, value);
        }
        let trusted = [ip("10.0.0.1"), ip("10.0.0.2"), ip("::1")];
        client_address(&headers, ip(peer), &trusted)
            .map_or_else(|error| error.to_string(), |ip| ip.to_string())
    }

    #[test]
    fn only_trusted_proxies_count() {
        let spoofed = [
            ("X-Forwarded-For", "192.0.2.1"),
            ("Forwarded", "for=192.0.2.1"),
        ];
        assert_eq!(client_of("203.0.113.9", &spoofed), "203.0.113.9");
        assert_eq!(client_of("10.0.0.1", &spoofed), "192.0.2.1");
        assert_eq!(client_of("::ffff:10.0.0.1", &spoofed), "192.0.2.1");
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_is_the_client_s() {
        for (list, client) in [
            ("192.0.2.1", "192.0.2.1"),
            ("1.1.1.1, 192.0.2.1", "192.0.2.1"),
            ("1.1.1.1, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("1.1.1.1,10.0.0.2 ,  192.0.2.1,10.0.0.2", "192.0.2.1"),
            ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("1.1.1.1, unknown", "10.0.0.1"),
            ("1.1.1.1, unknown, 192.0.2.1", "192.0.2.1"),
            ("1.1.1.1,", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("192.0.2.1 10.0.0.2", "10.0.0.1"),
            ("localhost", "10.0.0.1"),
        ] {
            assert_eq!(
                client_of("10.0.0.1", &[("X-Forwarded-For", list)]),
                client,
                "{list}"
            );
        }
        let lines = [
            ("X-Forwarded-For", "1.1.1.1"),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        assert_eq!(
            client_of("10.0.0.1", &lines),
            "192.0.2.1",
            "lines are one list"
        );
    }

    #[test]
    fn forwarded_has_parameters_and_quotes() {
        for (list, client) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("proto=https;For=\"192.0.2.1:80\";by=10.0.0.1", "192.0.2.1"),
            ("for=1.1.1.1, for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            (
                "for=192.0.2.1;host=\"a,b;for=1.1.1.1\", for=10.0.0.2",
                "192.0.2.1",
            ),
            ("for=192.0.2.1, for=_hidden", "10.0.0.1"),
            ("for=192.0.2.1, proto=https", "10.0.0.1"),
            ("for=\"192.0.2.1", "10.0.0.1"),
        ] {
            assert_eq!(
                client_of("10.0.0.1", &[("Forwarded", list)]),
                client,
                "{list}"
            );
        }
    }

    #[test]
    fn two_fields_that_disagree_are_refused() {
        let fields = |forwarded| [("X-Forwarded-For", "192.0.2.1"), ("Forwarded", forwarded)];
        assert_eq!(client_of("10.0.0.1", &fields("for=192.0.2.1")), "192.0.2.1");
        let refused = HttpError::TwoClients.to_string();
        assert_eq!(client_of("10.0.0.1", &fields("for=1.1.1.1")), refused);
        assert_eq!(client_of("10.0.0.1", &fields("for=unknown")), refused);
        assert_eq!(
            client_of("203.0.113.9", &fields("for=1.1.1.1")),
            "203.0.113.9"
        );
    }
}
