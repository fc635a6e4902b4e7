//! A look at a JSON text before it is parsed.
//!
//! A parser recurses where a text nests, and a map keeps only the last of two equal keys. Both can be seen in one pass
//! that needs no memory: how deep it goes, and how many members the outermost object has.

/// What can be seen of a JSON text without parsing it. Of a text that is none it says nothing useful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The deepest nesting.
    pub depth: usize,
    /// Colons in the outermost object, one for each member.
    pub members: usize,
}

impl Shape {
    /// Looks at each byte once.
    pub fn of(text: &str) -> Shape {
        let mut shape = Shape {
            depth: 0,
            members: 0,
        };
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        for byte in text.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = in_string,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'{' | b'[' => {
                    depth += 1;
                    shape.depth = shape.depth.max(depth);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                b':' if depth == 1 => shape.members += 1,
                _ => {}
            }
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_objects_and_arrays_outside_strings() {
        let depth = |text| Shape::of(text).depth;
        assert_eq!(depth("1"), 0);
        assert_eq!(depth("{}"), 1);
        assert_eq!(depth(r#"{"a":[{}],"b":[]}"#), 3);
        assert_eq!(depth(r#"{"[[[":"\\\"[[["}"#), 1);
        assert_eq!(depth(&"[".repeat(100_000)), 100_000);
    }

    #[test]
    fn members_are_those_of_the_outermost_object() {
        let members = |text| Shape::of(text).members;
        assert_eq!(members("{}"), 0);
        assert_eq!(members(r#"{"a":1,"b":{"c":2,"d":3},"e":[{"f":4}]}"#), 3);
        assert_eq!(members(r#"{"a:b":"c:\"d:"}"#), 1);
        assert_eq!(members(r#"{"a":1,"a":2}"#), 2);
    }
}
