//! The fields of a head in their order, with case-insensitive lookup ([RFC 9110,
//! 5](https://www.rfc-editor.org/rfc/rfc9110#section-5)).

use std::fmt;

use crate::http::grammar;

/// An ordered list of header fields. Names preserve their case and match case-insensitively.
///
/// A value is the line after the colon without surrounding white space. Bytes above 127 (`obs-text`) become the
/// character of the same number (Latin-1), so no byte is lost and values need not be UTF-8.
///
/// All fields share one string, so a head takes few allocations.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Names and values, one after another without separators.
    text: String,
    /// End of each name and of each value.
    ends: Vec<(usize, usize)>,
}

impl Headers {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty list with capacity for a number of fields and of bytes.
    pub(super) fn with_capacity(fields: usize, text: usize) -> Self {
        Self {
            text: String::with_capacity(text),
            ends: Vec::with_capacity(fields),
        }
    }

    /// Appends a field without checks. They happen when a head is encoded.
    pub fn push(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        self.text.push_str(name.as_ref());
        let name_end = self.text.len();
        self.text.push_str(value.as_ref());
        self.ends.push((name_end, self.text.len()));
    }

    /// Returns the value of the first field with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// Returns the values of all fields with this name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Returns the number of fields with this name.
    pub fn count(&self, name: &str) -> usize {
        self.get_all(name).count()
    }

    /// Returns the members of a list field (`#token`) over all its lines, without empty ones, see [RFC 9110,
    /// 5.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1). Only for lists without quoted strings; the caller
    /// checks whether a member is a token.
    pub fn tokens(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get_all(name).flat_map(grammar::members)
    }

    /// Whether the list field `name` has the member `token`, compared case-insensitively.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.tokens(name)
            .any(|member| member.eq_ignore_ascii_case(token))
    }

    /// Returns all fields as (name, value), in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, end)| {
            let field = (&self.text[start..name_end], &self.text[name_end..end]);
            start = end;
            field
        })
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends `more` to the last value, from a folded line of a response.
    pub(super) fn extend_last(&mut self, more: &str) {
        if let Some((name_end, end)) = self.ends.last_mut() {
            // RFC 9112, 5.2: a user agent replaces the fold with a space.
            if name_end != end && !more.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(more);
            *end = self.text.len();
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_without_case_and_lists_run_over_several_lines() {
        let mut headers = Headers::new();
        headers.push("Connection", "keep-alive,, Upgrade");
        headers.push("HOST", "a");
        headers.push("connection", "x");
        assert_eq!(headers.get("host"), Some("a"));
        assert_eq!(headers.get("origin"), None);
        assert_eq!(headers.count("CONNECTION"), 2);
        assert_eq!(
            headers.tokens("Connection").collect::<Vec<_>>(),
            ["keep-alive", "Upgrade", "x"]
        );
        assert!(headers.has_token("connection", "upgrade"));
        assert!(!headers.has_token("connection", "up"));
    }
}
