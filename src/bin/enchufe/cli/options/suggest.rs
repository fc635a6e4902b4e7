//! Suggestions for misspelled commands and options.

/// Returns `: did you mean '...'?` if one of the names is similar to the word.
pub fn did_you_mean<'a>(
    written: &str,
    names: impl IntoIterator<Item = &'a str>,
    prefix: &str,
) -> String {
    let nearest = names
        .into_iter()
        .map(|name| (distance(written, name), name))
        .min();
    match nearest {
        Some((distance, name)) if distance * 2 <= name.len() => {
            format!(": did you mean '{prefix}{name}'?")
        }
        _ => String::new(),
    }
}

/// Returns the Levenshtein distance of two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(MAX_WORD).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Maximum length of a word to compare; every name is shorter.
const MAX_WORD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_guessed() {
        assert_eq!(
            did_you_mean("bnid", ["root", "bind"], "--"),
            ": did you mean '--bind'?"
        );
        assert_eq!(did_you_mean("xyzzy", ["root", "bind"], "--"), "");
        assert_eq!(did_you_mean("", ["root", "bind"], "--"), "");
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("bind", "bind"), 0);
        assert_eq!(distance("bnid", "bind"), 2);
        assert_eq!(distance("rat", "rate"), 1);
        assert_eq!(distance("", "rate"), 4);
    }
}
