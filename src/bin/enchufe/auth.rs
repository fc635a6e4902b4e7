//! Authentication: with tokens set, a request needs one of them, in any of the ways that HTTP, browsers and SignalR clients
//! have ([RFC 6750, 2](https://www.rfc-editor.org/rfc/rfc6750#section-2)).
//!
//! | where | form |
//! |---|---|
//! | header | `Authorization: Bearer TOKEN` |
//! | query | `?token=TOKEN`, or `?access_token=TOKEN` as SignalR clients send it |
//! | subprotocol | `bearer.TOKEN`, for browsers: `new WebSocket(url, ['bearer', 'bearer.' + token])`; `bearer` is agreed on |
//!
//! A token in a URL stays in histories and in the logs of proxies: the other two forms are better.

use std::fmt;
use std::hint::black_box;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use enchufe::http::{BEARER, Request, Response};

/// The tokens that open the server; none, and it is open to all.
///
/// Clones are one list: keep one, and [`replace`](Tokens::replace) what is in it while the server runs.
#[derive(Clone, Default)]
pub struct Tokens(Arc<RwLock<Vec<String>>>);

/// Why a list of tokens is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// No line has a token.
    None,
    /// The token in this line, from 1, is shorter than [`MIN_TOKEN`].
    TooShort(usize),
    /// The token in this line has a character that would have to be escaped somewhere.
    BadCharacter(usize),
}

/// A request that brings no token, or a wrong one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// It brings none.
    Missing,
    /// None that it brings is right.
    Wrong,
}

impl Tokens {
    /// Reads one token from each line; empty lines and those that begin with `#` are passed over. A token has at least
    /// [`MIN_TOKEN`] characters out of `A-Z a-z 0-9 - . _ ~`, so that it can stand in a header, a query and a subprotocol
    /// as it is.
    ///
    /// # Errors
    ///
    /// [`TokenError`], which tells the line and nothing of what is in it.
    pub fn parse(text: &str) -> Result<Tokens, TokenError> {
        let mut tokens = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let token = line.trim();
            if token.is_empty() || token.starts_with('#') {
                continue;
            }
            if !token.bytes().all(is_token_character) {
                return Err(TokenError::BadCharacter(number));
            }
            if token.len() < MIN_TOKEN {
                return Err(TokenError::TooShort(number));
            }
            tokens.push(token.to_owned());
        }
        if tokens.is_empty() {
            return Err(TokenError::None);
        }
        Ok(Tokens(Arc::new(RwLock::new(tokens))))
    }

    /// From now on it is these that open; without any, the server is open to all. Who is in already stays.
    pub fn replace(&self, tokens: &Tokens) {
        let new = tokens.list().clone();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// May this request be answered?
    ///
    /// # Errors
    ///
    /// [`AuthError`], which knows the answer it gets instead.
    pub fn check(&self, request: &Request) -> Result<(), AuthError> {
        let tokens = self.list();
        if tokens.is_empty() {
            return Ok(());
        }
        let header = request.headers.get_all("Authorization");
        let header = header.filter_map(|value| {
            let (scheme, token) = value.split_once(' ')?;
            let is_bearer = scheme.eq_ignore_ascii_case("Bearer");
            is_bearer.then(|| token.trim().as_bytes().to_vec())
        });
        let query = QUERY_KEYS.into_iter();
        let query = query.filter_map(|key| request.query_value(key));
        let offered = request.headers.tokens("Sec-WebSocket-Protocol");
        let offered = offered.filter_map(|name| Some(name.strip_prefix(BEARER)?.as_bytes().into()));
        let mut outcome = Err(AuthError::Missing);
        for given in header.chain(query).chain(offered) {
            if contains(&tokens, &given) {
                return Ok(());
            }
            outcome = Err(AuthError::Wrong);
        }
        outcome
    }

    fn list(&self) -> RwLockReadGuard<'_, Vec<String>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuthError {
    /// 401, and what would open: `WWW-Authenticate`
    /// ([RFC 6750, 3](https://www.rfc-editor.org/rfc/rfc6750#section-3)).
    #[must_use]
    pub fn response(self) -> Response {
        let (challenge, text) = match self {
            AuthError::Missing => (
                "Bearer realm=\"enchufe\"",
                "401 Unauthorized: this takes a token\n",
            ),
            AuthError::Wrong => (
                "Bearer realm=\"enchufe\", error=\"invalid_token\"",
                "401 Unauthorized: this takes another token\n",
            ),
        };
        Response::rejection(401, text).header("WWW-Authenticate", challenge)
    }
}

/// Compares with every token, so that the time does not tell which one was nearly right.
fn contains(tokens: &[String], given: &[u8]) -> bool {
    let mut found = false;
    for token in tokens {
        found |= is_same(token.as_bytes(), given);
    }
    found
}

/// Are these the same bytes? The time it takes depends on how many are `given`, which the client knows, and not on
/// how many of them are right.
fn is_same(secret: &[u8], given: &[u8]) -> bool {
    let padded = secret.iter().chain(std::iter::repeat(&0));
    let differ = differences(padded, given.iter());
    (secret.len() == given.len()) & (differ == 0)
}

/// The bits in which the bytes differ, all laid over each other: each pair is looked at, whatever the one before was like.
fn differences<'a>(
    secret: impl Iterator<Item = &'a u8>,
    given: impl Iterator<Item = &'a u8>,
) -> u8 {
    given.zip(secret).fold(0, |found, (one, other)| {
        // Without the box, a clever compiler might see that it can stop once all bits are set.
        black_box(found | (one ^ other))
    })
}

/// RFC 3986, 2.3: what stands for itself in a URL. All of it may be in a token of HTTP too.
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Says how many, and not which.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.list().len())
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::None => f.write_str("there is no token in it"),
            TokenError::TooShort(line) => write!(
                f,
                "line {line}: a token has at least {MIN_TOKEN} characters"
            ),
            TokenError::BadCharacter(line) => {
                write!(f, "line {line}: a token has letters, digits and -._~ only")
            }
        }
    }
}

impl std::error::Error for TokenError {}

/// Fewer characters can be guessed.
pub const MIN_TOKEN: usize = 16;

/// The subprotocol that is agreed on where a token came as one and no other is wanted: an answer without any ends a
/// connection in some browsers, and the token itself is not repeated.
pub const SUBPROTOCOL: &str = "bearer";

const QUERY_KEYS: [&str; 2] = ["token", "access_token"];

#[cfg(test)]
mod tests {
    use super::*;
    use enchufe::http::{HeadLimits, RequestParser};

    const TOKEN: &str = "correct.horse-battery_staple~1";

    fn check(target: &str, fields: &str) -> Result<(), AuthError> {
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        let mut parser = RequestParser::new(HeadLimits::default());
        let (request, _) = parser.feed(head.as_bytes()).unwrap().unwrap();
        let tokens = Tokens::parse(&format!("# ours\nanother-token-of-ours\n{TOKEN}\n"));
        tokens.unwrap().check(&request)
    }

    #[test]
    fn a_token_opens_in_each_of_its_forms() {
        for (target, fields) in [
            ("/", format!("Authorization: Bearer {TOKEN}\r\n")),
            ("/", format!("authorization: bearer  {TOKEN} \r\n")),
            (
                "/",
                "Authorization: Bearer another-token-of-ours\r\n".into(),
            ),
            (&format!("/?token={TOKEN}"), String::new()),
            (&format!("/?a=b&access_token={TOKEN}"), String::new()),
            ("/?token=correct%2Ehorse-battery_staple~1", String::new()),
            (
                "/",
                format!("Sec-WebSocket-Protocol: bearer, bearer.{TOKEN}\r\n"),
            ),
            (
                "/",
                format!(
                    "Authorization: Basic Zm9vOmJhcg==\r\nSec-WebSocket-Protocol: bearer.{TOKEN}\r\n"
                ),
            ),
            (
                "/?token=wrong",
                format!("Authorization: Bearer {TOKEN}\r\n"),
            ),
        ] {
            assert_eq!(check(target, &fields), Ok(()), "{target} {fields}");
        }
    }

    #[test]
    fn nothing_else_opens() {
        for (target, fields, denied) in [
            ("/", String::new(), AuthError::Missing),
            ("/?name=ana", String::new(), AuthError::Missing),
            (
                "/",
                format!("Authorization: Basic {TOKEN}\r\n"),
                AuthError::Missing,
            ),
            (
                "/",
                format!("Authorization: {TOKEN}\r\n"),
                AuthError::Missing,
            ),
            (
                "/",
                format!("Cookie: token={TOKEN}\r\n"),
                AuthError::Missing,
            ),
            (
                "/",
                format!("Sec-WebSocket-Protocol: {TOKEN}\r\n"),
                AuthError::Missing,
            ),
            (
                "/",
                format!("Sec-WebSocket-Protocol: Bearer.{TOKEN}\r\n"),
                AuthError::Missing,
            ),
            ("/?token=", String::new(), AuthError::Wrong),
            ("/", "Authorization: Bearer \r\n".into(), AuthError::Missing),
            (
                "/",
                format!("Authorization: Bearer {TOKEN}x\r\n"),
                AuthError::Wrong,
            ),
            (
                "/",
                format!("Authorization: Bearer {}\r\n", &TOKEN[1..]),
                AuthError::Wrong,
            ),
            (
                "/",
                format!("Authorization: Bearer {TOKEN},{TOKEN}\r\n"),
                AuthError::Wrong,
            ),
        ] {
            assert_eq!(check(target, &fields), Err(denied), "{target} {fields}");
        }
        let upper = format!("Authorization: Bearer {}\r\n", TOKEN.to_uppercase());
        assert_eq!(check("/", &upper), Err(AuthError::Wrong));
    }

    #[test]
    fn without_tokens_everybody_is_let_in() {
        let mut parser = RequestParser::new(HeadLimits::default());
        let head = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let (request, _) = parser.feed(head).unwrap().unwrap();
        assert_eq!(Tokens::default().check(&request), Ok(()));
    }

    #[test]
    fn all_clones_take_what_the_list_was_replaced_with() {
        let mut parser = RequestParser::new(HeadLimits::default());
        let head = b"GET /?token=the-first-of-two HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let (request, _) = parser.feed(head).unwrap().unwrap();
        let tokens = Tokens::parse("the-first-of-two").unwrap();
        let ours = tokens.clone();
        assert_eq!(ours.check(&request), Ok(()));
        tokens.replace(&Tokens::parse("the-second-of-two").unwrap());
        assert_eq!(ours.check(&request), Err(AuthError::Wrong));
        tokens.replace(&ours);
        assert_eq!(ours.check(&request), Err(AuthError::Wrong));
    }

    #[test]
    fn the_same_bytes_are_the_same_and_no_others() {
        let secret = b"0123456789abcdef";
        assert!(is_same(secret, secret));
        assert!(is_same(b"", b""));
        for at in 0..secret.len() {
            let mut given = *secret;
            given[at] ^= 1;
            assert!(!is_same(secret, &given), "{at}");
            assert!(!is_same(secret, &secret[..at]), "{at}");
            assert!(!is_same(&secret[..at], secret), "{at}");
        }
        assert!(!is_same(secret, b"0123456789abcdef\0"));
        assert!(!is_same(b"a\0", b"a"));
    }

    #[test]
    fn every_byte_is_looked_at_wherever_the_first_wrong_one_stands() {
        let secret = b"0123456789abcdef";
        for wrong in (0..secret.len()).map(Some).chain([None]) {
            let mut given = *secret;
            if let Some(at) = wrong {
                given[at] = !given[at];
            }
            let mut looked_at = 0;
            let counted = secret.iter().inspect(|_| looked_at += 1);
            let found = differences(counted, given.iter());
            assert_eq!((found != 0, looked_at), (wrong.is_some(), 16), "{wrong:?}");
        }
    }

    /// The tokens are there for one comparison, and it is the one above.
    #[test]
    fn every_token_is_compared_whichever_was_right() {
        let source = include_str!("auth.rs");
        let code = source.split("#[cfg(test)]").next().unwrap();
        let count = |part| code.matches(part).count();
        assert_eq!(count("self.0"), 2, "change the list, lend it");
        assert_eq!(count(".list()"), 3, "replace, check, how many for Debug");
        assert_eq!(count("&tokens"), 1, "compare");
        assert_eq!(count("in tokens {\n        found |= is_same("), 1);
    }

    #[test]
    fn a_file_of_tokens_has_one_in_each_line() {
        let error = |text: &str| Tokens::parse(text).map(|_| ()).unwrap_err();
        assert_eq!(error(""), TokenError::None);
        assert_eq!(error("# nothing\n\n"), TokenError::None);
        assert_eq!(error("\nfifteen-letters"), TokenError::TooShort(2));
        assert_eq!(error("sixteen letters ."), TokenError::BadCharacter(1));
        assert_eq!(error("c2l4dGVlbiBsZXR0ZXI="), TokenError::BadCharacter(1));
        let tokens = Tokens::parse("\u{20}sixteen-letters.\r\n\r\n# c\nfour-and-twenty-letters\n");
        assert_eq!(format!("{:?}", tokens.unwrap()), "Tokens(2)");
    }

    #[test]
    fn the_refusal_says_what_would_open() {
        let missing = AuthError::Missing.response();
        assert_eq!(missing.status, 401);
        assert_eq!(
            missing.get("WWW-Authenticate"),
            Some("Bearer realm=\"enchufe\"")
        );
        let wrong = AuthError::Wrong.response();
        let challenge = wrong.get("WWW-Authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""));
    }
}
