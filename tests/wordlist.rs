//! Plain words: comments, documentation and texts use the terms of `CONTRIBUTING.md`, and none of those below.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that comments and pages do without, and what to write instead.
const BANNED: [(&str, &str); 9] = [
    ("octet", "byte"),
    ("octets", "bytes"),
    ("folder", "directory"),
    ("folders", "directories"),
    ("whoever", "the client, user or caller"),
    ("anew", "again"),
    ("cabezal", "cabecera"),
    ("hereafter", "later"),
    ("switchboard", "dispatcher"),
];

#[test]
fn comments_and_pages_use_plain_words() {
    let mut found = Vec::new();
    for path in files(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).expect("a text file");
        for (number, line) in prose(&name, &text) {
            for (word, instead) in BANNED {
                if words(line).any(|it| it.eq_ignore_ascii_case(word)) {
                    found.push(format!("{name}:{number}: \"{word}\", write {instead}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_banned_word_is_found_in_a_comment_and_not_in_code() {
    let source = "/// Six octets.\nlet octets = 6; // folder\n";
    let lines: Vec<_> = prose("a.rs", source).collect();
    assert_eq!(lines, [(1, "/ Six octets."), (2, " folder")]);
}

/// Lines of prose with their numbers: comments of a program, everything outside code blocks of a page.
fn prose<'a>(name: &str, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_page = name.ends_with(".md");
    let mut in_code = false;
    (1..).zip(text.lines()).filter_map(move |(number, line)| {
        if is_page {
            in_code ^= line.trim_start().starts_with("```");
            return (!in_code).then_some((number, line));
        }
        let at = line.find("//").filter(|at| !line[..*at].ends_with(':'))?;
        Some((number, &line[at + 2..]))
    })
}

/// Words of a line, without those in backquotes or double quotes: names and quotations stay as they are.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let outside = line.split(['`', '"']).step_by(2);
    outside.flat_map(|it| it.split(|character: char| !character.is_alphanumeric()))
}

/// Sources and pages, without what other tools put there.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("a directory entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let foreign = ["target", "node_modules", "corpus", "venv"].contains(&&*name);
            if !foreign && !name.starts_with('.') {
                found.extend(files(&path));
            }
        } else if [".rs", ".md"].iter().any(|end| name.ends_with(end)) && name != "wordlist.rs" {
            found.push(path);
        }
    }
    found
}
