//! The fields of a head, in the order they came, looked up without regard to case
//! ([RFC 9110, 5](https://www.rfc-editor.org/rfc/rfc9110#section-5)).

use std::fmt;

use crate::http::grammar;

/// An ordered list of header fields. Names keep the case they were sent with and match without regard to it.
///
/// A value is the line after the colon without the white space around it. Bytes above 127 (`obs-text`) become the
/// character of the same number (Latin-1), so nothing is lost and nothing has to be UTF-8.
///
/// All fields lie in one string, so a head costs a few allocations however many lines it has.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Name, value, name, value, with nothing between.
    text: String,
    /// Where each name and each value ends.
    ends: Vec<(usize, usize)>,
}

impl Headers {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// No fields, and room for so many and for so many bytes of names and values.
    pub(super) fn with_capacity(fields: usize, text: usize) -> Self {
        Self {
            text: String::with_capacity(text),
            ends: Vec::with_capacity(fields),
        }
    }

    /// Appends a field. Nothing is checked: a head that is sent is checked when it is encoded.
    pub fn push(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        self.text.push_str(name.as_ref());
        let name_end = self.text.len();
        self.text.push_str(value.as_ref());
        self.ends.push((name_end, self.text.len()));
    }

    /// The value of the first field with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// The values of all fields with this name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// How many fields have this name.
    pub fn count(&self, name: &str) -> usize {
        self.get_all(name).count()
    }

    /// The members of a list field (`#token`), over all its lines; empty members are skipped, see
    /// [RFC 9110, 5.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1).
    /// For lists without quoted strings; whether a member is a token is for the caller to check.
    pub fn tokens(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get_all(name).flat_map(grammar::members)
    }

    /// Is `token` a member of the list field `name`, without regard to case?
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.tokens(name)
            .any(|member| member.eq_ignore_ascii_case(token))
    }

    /// All fields as (name, value), in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, end)| {
            let field = (&self.text[start..name_end], &self.text[name_end..end]);
            start = end;
            field
        })
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Is there no field at all?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends `more` to the last value: a folded line of a response.
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
