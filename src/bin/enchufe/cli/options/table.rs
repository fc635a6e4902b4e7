//! Option tables, one per command.
//!
//! The command line, the environment, the help page and `--print-config` all use the same row. The command line overrides
//! the environment, which overrides the default.

use std::ffi::OsString;

use crate::cli::options::option_value::Value;

/// An option of a command with settings `C`.
pub struct Opt<C: 'static> {
    /// Name without its dashes.
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// Field it sets.
    pub field: fn(&mut C) -> Box<dyn Value + '_>,
}

/// A section of the help page.
pub struct Group<C: 'static> {
    /// Title of the section.
    pub title: &'static str,
    /// Options in the order of the page.
    pub options: &'static [Opt<C>],
}

/// Unparsed values from the command line.
#[derive(Default)]
pub struct Given(Vec<(&'static str, String)>);

impl Given {
    /// Adds a value of the option `name`.
    pub fn add(&mut self, name: &'static str, text: String) {
        self.0.push((name, text));
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(given, _)| *given == name)
            .map(|(_, text)| text.clone())
            .collect()
    }
}

/// Source of the value of an option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// Command-line flag.
    CommandLine,
    /// Environment variable.
    Environment,
    /// Default value.
    Default,
}

impl<C: Default> Opt<C> {
    /// Returns the name of its environment variable.
    pub fn variable(&self) -> String {
        format!(
            "ENCHUFE_{}",
            self.name.to_ascii_uppercase().replace('-', "_")
        )
    }

    /// Returns the placeholder of its value in the help; `None` for a switch.
    pub fn metavar(&self) -> Option<&'static str> {
        (self.field)(&mut C::default()).metavar()
    }

    /// Returns its default as text.
    pub fn default(&self) -> String {
        (self.field)(&mut C::default()).show()
    }

    /// Sets its field from the command line, or else from the environment. The error names the flag or variable.
    fn apply(
        &self,
        settings: &mut C,
        given: &Given,
        variables: Variables<'_>,
    ) -> Result<Source, String> {
        let mut field = (self.field)(settings);
        let texts = given.texts(self.name);
        if !texts.is_empty() {
            field
                .set(&texts)
                .map_err(|error| format!("--{}: {error}", self.name))?;
            return Ok(Source::CommandLine);
        }
        let variable = self.variable();
        // Compose files and systemd units leave a variable empty to mean "not set".
        let Some(text) = variables(&variable).filter(|text| !text.is_empty()) else {
            return Ok(Source::Default);
        };
        let text = text
            .into_string()
            .map_err(|_| format!("{variable} is not UTF-8"))?;
        let texts: Vec<String> = match field.separator() {
            Some(separator) => text
                .split(separator)
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
            None => vec![text],
        };
        if texts.is_empty() {
            return Ok(Source::Default);
        }
        field
            .set(&texts)
            .map_err(|error| format!("{variable}: {error}"))?;
        Ok(Source::Environment)
    }
}

/// Lookup of an environment variable; tests replace it.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Returns the settings of a command and the source of each value, in the order of the table.
pub fn settings<C: Default>(
    table: &[Group<C>],
    given: &Given,
    variables: Variables<'_>,
) -> Result<(C, Vec<Source>), String> {
    let mut settings = C::default();
    let sources = rows(table)
        .map(|option| option.apply(&mut settings, given, variables))
        .collect::<Result<_, _>>()?;
    Ok((settings, sources))
}

/// Returns all options of a table.
pub fn rows<C>(table: &[Group<C>]) -> impl Iterator<Item = &Opt<C>> {
    table.iter().flat_map(|group| group.options)
}

/// Returns the option `name`.
pub fn find<'a, C>(table: &'a [Group<C>], name: &str) -> Option<&'a Opt<C>> {
    rows(table).find(|option| option.name == name)
}

/// Returns the output of `--print-config`: a line per option, with the source of values that are not the default.
pub fn print_config<C: Default>(
    table: &[Group<C>],
    settings: &mut C,
    sources: &[Source],
) -> String {
    let width = rows(table)
        .map(|option| option.name.len())
        .max()
        .unwrap_or(0);
    let mut sources = sources.iter();
    let mut page = String::new();
    for group in table {
        page += &format!("# {}\n", group.title);
        for option in group.options {
            let line = format!(
                "{:width$} = {}",
                option.name,
                (option.field)(settings).show()
            );
            page += &match sources.next() {
                Some(Source::CommandLine) => format!("{line:<50} # --{}\n", option.name),
                Some(Source::Environment) => format!("{line:<50} # {}\n", option.variable()),
                Some(Source::Default) | None => line + "\n",
            };
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::cli::options::option_value;

    #[derive(Debug, Default, PartialEq)]
    struct Settings {
        size: usize,
        names: Vec<String>,
        loud: bool,
    }

    static TABLE: &[Group<Settings>] = &[
        Group {
            title: "Sizes",
            options: &[Opt {
                name: "max-size",
                help: "how large",
                field: |s| option_value::size(&mut s.size),
            }],
        },
        Group {
            title: "Rest",
            options: &[
                Opt {
                    name: "name",
                    help: "who",
                    field: |s| option_value::list(&mut s.names, "NAME", |text| Ok(text.to_owned())),
                },
                Opt {
                    name: "loud",
                    help: "how",
                    field: |s| option_value::switch(&mut s.loud),
                },
            ],
        },
    ];

    fn read(
        flags: &[(&'static str, &str)],
        variables: &[(&str, &str)],
    ) -> Result<(Settings, Vec<Source>), String> {
        let given = Given(
            flags
                .iter()
                .map(|(name, text)| (*name, (*text).to_owned()))
                .collect(),
        );
        let variables: HashMap<&str, OsString> = variables
            .iter()
            .map(|(name, text)| (*name, text.into()))
            .collect();
        settings(TABLE, &given, &|name| variables.get(name).cloned())
    }

    #[test]
    fn the_command_line_wins_over_the_environment_and_that_over_the_default() {
        let (settings, sources) =
            read(&[("max-size", "1KiB")], &[("ENCHUFE_MAX_SIZE", "7")]).unwrap();
        assert_eq!((settings.size, sources[0]), (1024, Source::CommandLine));
        let (settings, sources) = read(&[], &[("ENCHUFE_MAX_SIZE", "7")]).unwrap();
        assert_eq!((settings.size, sources[0]), (7, Source::Environment));
        let (settings, sources) = read(&[], &[]).unwrap();
        assert_eq!(
            (settings, sources),
            (Settings::default(), vec![Source::Default; 3])
        );
    }

    #[test]
    fn the_last_of_several_values_counts_and_a_list_takes_all() {
        let (settings, _) = read(
            &[
                ("max-size", "1"),
                ("name", "ana"),
                ("name", "beto"),
                ("max-size", "2"),
            ],
            &[],
        )
        .unwrap();
        assert_eq!(settings.size, 2);
        assert_eq!(settings.names, ["ana", "beto"]);
    }

    #[test]
    fn a_list_in_the_environment_has_commas() {
        assert_eq!(
            read(&[], &[("ENCHUFE_NAME", "ana, beto,")])
                .unwrap()
                .0
                .names,
            ["ana", "beto"]
        );
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        assert_eq!(
            read(&[], &[("ENCHUFE_MAX_SIZE", "")]).unwrap().1[0],
            Source::Default
        );
    }

    #[test]
    fn a_switch_in_the_environment_can_say_no() {
        assert!(read(&[], &[("ENCHUFE_LOUD", "yes")]).unwrap().0.loud);
        assert!(!read(&[], &[("ENCHUFE_LOUD", "0")]).unwrap().0.loud);
        assert!(
            read(&[], &[("ENCHUFE_LOUD", "perhaps")])
                .unwrap_err()
                .contains("neither yes nor no")
        );
    }

    #[test]
    fn an_error_names_the_flag_or_the_variable() {
        assert!(
            read(&[("max-size", "x")], &[])
                .unwrap_err()
                .starts_with("--max-size: 'x' is not a size")
        );
        assert!(
            read(&[], &[("ENCHUFE_MAX_SIZE", "x")])
                .unwrap_err()
                .starts_with("ENCHUFE_MAX_SIZE: 'x'")
        );
    }

    #[test]
    fn print_config_names_the_source_of_what_is_not_the_default() {
        let (mut settings, sources) =
            read(&[("max-size", "1024")], &[("ENCHUFE_NAME", "ana")]).unwrap();
        let page = print_config(TABLE, &mut settings, &sources);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[0], "# Sizes");
        assert!(
            lines[1].starts_with("max-size = 1KiB ") && lines[1].ends_with(" # --max-size"),
            "{page}"
        );
        assert!(
            lines[4].starts_with("name     = ana ") && lines[4].ends_with(" # ENCHUFE_NAME"),
            "{page}"
        );
        assert_eq!(lines[5], "loud     = no");
    }
}
