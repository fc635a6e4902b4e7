//! The grammar of `Sec-WebSocket-Extensions` ([RFC 6455, 9.1](https://www.rfc-editor.org/rfc/rfc6455#section-9.1)), read
//! once from left to right, so that no input takes more than linear time.
//!
//! ```text
//! extension-list  = 1#extension
//! extension       = token *( ";" extension-param )
//! extension-param = token [ "=" (token | quoted-string) ]
//! ```

use std::fmt;

use crate::handshake::error::HandshakeError;
use crate::http::grammar::is_token;
use crate::http::headers::Headers;

/// An extension in an offer or a response, with its parameters in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionOffer {
    /// The name, a token: `permessage-deflate`.
    pub name: String,
    /// Name and value of each parameter. Quoted values are unquoted; they are tokens too.
    pub params: Vec<(String, Option<String>)>,
}

impl fmt::Display for ExtensionOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.params {
            write!(f, "; {name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Parses all `Sec-WebSocket-Extensions` lines. No line is valid, an empty list is not.
pub(super) fn parse(headers: &Headers) -> Result<Vec<ExtensionOffer>, HandshakeError> {
    let mut list = Vec::new();
    for value in headers.get_all(NAME) {
        parse_line(value, &mut list)?;
    }
    if list.is_empty() && headers.get(NAME).is_some() {
        return Err(HandshakeError::InvalidExtensions);
    }
    Ok(list)
}

fn parse_line(value: &str, list: &mut Vec<ExtensionOffer>) -> Result<(), HandshakeError> {
    let mut cursor = Cursor(value);
    loop {
        // RFC 9110, 5.6.1.2: empty members are skipped.
        while cursor.eat(',') {}
        if cursor.0.is_empty() {
            return Ok(());
        }
        list.push(cursor.extension()?);
        if list.len() > MOST || !(cursor.0.is_empty() || cursor.0.starts_with(',')) {
            return Err(HandshakeError::InvalidExtensions);
        }
    }
}

/// The remaining input. White space between the parts is skipped (9.1 uses the "implied \*LWS rule").
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn extension(&mut self) -> Result<ExtensionOffer, HandshakeError> {
        let mut extension = ExtensionOffer {
            name: self.token()?.to_owned(),
            params: Vec::new(),
        };
        while self.eat(';') {
            let name = self.token()?.to_owned();
            let value = if !self.eat('=') {
                None
            } else if self.0.starts_with('"') {
                Some(self.quoted_string()?)
            } else {
                Some(self.token()?.to_owned())
            };
            extension.params.push((name, value));
            if extension.params.len() > MOST {
                return Err(HandshakeError::InvalidExtensions);
            }
        }
        Ok(extension)
    }

    /// Consumes the next character and surrounding white space, if it is `character`.
    fn eat(&mut self, character: char) -> bool {
        self.skip_space();
        let Some(rest) = self.0.strip_prefix(character) else {
            return false;
        };
        self.0 = rest;
        self.skip_space();
        true
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn token(&mut self) -> Result<&'a str, HandshakeError> {
        let end = self
            .0
            .find([' ', '\t', ',', ';', '=', '"'])
            .unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        if !is_token(token) {
            return Err(HandshakeError::InvalidExtensions);
        }
        self.0 = rest;
        self.skip_space();
        Ok(token)
    }

    /// `quoted-string`, see [RFC 9110, 5.6.4](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.4).
    fn quoted_string(&mut self) -> Result<String, HandshakeError> {
        let mut value = String::new();
        let mut characters = self.0.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    // 9.1: the value after unescaping must conform to the token ABNF.
                    if !is_token(&value) {
                        break;
                    }
                    self.0 = &self.0[at + 1..];
                    self.skip_space();
                    return Ok(value);
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                character => value.push(character),
            }
        }
        Err(HandshakeError::InvalidExtensions)
    }
}

/// Maximum extensions, and parameters of one. More would only fill memory.
const MOST: usize = 32;

const NAME: &str = "Sec-WebSocket-Extensions";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_values(values: &[&str]) -> Result<String, HandshakeError> {
        let mut headers = Headers::new();
        for value in values {
            headers.push(NAME, *value);
        }
        let list = parse(&headers)?;
        Ok(list
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" | "))
    }

    #[test]
    fn lists_parameters_and_quoted_values() {
        for (values, expected) in [
            (&[][..], ""),
            (&["permessage-deflate"], "permessage-deflate"),
            (&["a; b=1;c , d"], "a; b=1; c | d"),
            (&["a", "b;x"], "a | b; x"),
            (&[",, a ,,\t;"], "!"),
            (&[",, a ,,", ","], "a"),
            (&["a;b=\"c\""], "a; b=c"),
            (&["a;b=\"\\c\\d\" ; e"], "a; b=cd; e"),
            (&["a ; b = \"c\" , d"], "a; b=c | d"),
            (&["__proto__; constructor"], "__proto__; constructor"),
        ] {
            let printed = parse_values(values).unwrap_or_else(|_| "!".into());
            assert_eq!(printed, expected, "{values:?}");
        }
    }

    #[test]
    fn malformed_values_are_refused() {
        for bad in [
            "",
            ",",
            " , ",
            ";",
            "a;",
            "a;;b",
            "a b",
            "a=b",
            "a;b=",
            "a;=c",
            "a;b=c d",
            "a;b=\"",
            "a;b=\"c",
            "a;b=\"\"",
            "a;b=\"c d\"",
            "a;b=\"c,d\"",
            "a;b=\"c\\\"",
            "a;b=\"c\"d",
            "a\"b\"",
            "\"a\"",
            "é",
            "a;b=é",
            "a;b=\"é\"",
            "(a)",
        ] {
            assert_eq!(
                parse_values(&[bad]),
                Err(HandshakeError::InvalidExtensions),
                "{bad}"
            );
        }
    }

    #[test]
    fn long_lists_are_refused() {
        assert!(parse_values(&[&"a,".repeat(32)]).is_ok());
        assert!(parse_values(&[&"a,".repeat(33)]).is_err());
        assert!(parse_values(&[&format!("a{}", ";b".repeat(32))]).is_ok());
        assert!(parse_values(&[&format!("a{}", ";b".repeat(33))]).is_err());
    }

    #[test]
    fn a_long_unclosed_quoted_string_takes_linear_time() {
        // CVE-2020-7662: each backslash doubled the time of a regular expression.
        let value = format!("a; b=\"{}", "\\c".repeat(1 << 20));
        assert!(parse_values(&[&value]).is_err());
    }
}
