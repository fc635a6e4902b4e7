//! Kinds of option values, each with its parser, its printer and its placeholder in the help.
//!
//! A row of an option table names its field through one of the functions below. The field has a plain type (`usize`,
//! `Duration`); only the table distinguishes a size from a count.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use enchufe::Proxy;

use crate::cli::options::units;

/// Proxy chosen on the command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ProxyChoice {
    /// The proxy that the environment names for the URL.
    #[default]
    Environment,
    /// No proxy, whatever the environment says.
    Nothing,
    /// This proxy.
    Proxy(Proxy),
}

/// A field that an option sets.
pub trait Value {
    /// Placeholder in the help, such as `SIZE`; `None` if the option takes no value.
    fn metavar(&self) -> Option<&'static str>;
    /// Separator of the values in the environment variable; `None` if it holds a single value.
    fn separator(&self) -> Option<char> {
        None
    }
    /// Parses and stores the given texts, at least one. All but lists use only the last.
    fn set(&mut self, given: &[String]) -> Result<(), String>;
    /// Returns the value in the form that [`set`](Self::set) accepts.
    fn show(&self) -> String;
}

/// A field with its placeholder, parser and printer.
struct Scalar<'a, T> {
    field: &'a mut T,
    metavar: &'static str,
    parse: fn(&str) -> Result<T, String>,
    show: fn(&T) -> String,
}

impl<T> Value for Scalar<'_, T> {
    fn metavar(&self) -> Option<&'static str> {
        Some(self.metavar)
    }
    fn set(&mut self, given: &[String]) -> Result<(), String> {
        if let Some(last) = given.last() {
            *self.field = (self.parse)(last)?;
        }
        Ok(())
    }
    fn show(&self) -> String {
        (self.show)(self.field)
    }
}

/// A size in bytes: `64KiB`.
pub fn size(field: &mut usize) -> Box<dyn Value + '_> {
    scalar(field, "SIZE", units::size, |bytes| units::show_size(*bytes))
}

/// A size in bytes that sets two fields.
pub fn sizes<'a>([first, second]: [&'a mut usize; 2]) -> Box<dyn Value + 'a> {
    Box::new(Sizes(first, second))
}

struct Sizes<'a>(&'a mut usize, &'a mut usize);

impl Value for Sizes<'_> {
    fn metavar(&self) -> Option<&'static str> {
        Some("SIZE")
    }
    fn set(&mut self, given: &[String]) -> Result<(), String> {
        size(self.0).set(given)?;
        *self.1 = *self.0;
        Ok(())
    }
    fn show(&self) -> String {
        units::show_size(*self.0)
    }
}

/// A duration above zero: `30s`.
pub fn time(field: &mut Duration) -> Box<dyn Value + '_> {
    let parse = |text: &str| match units::time(text)? {
        Duration::ZERO => Err(format!("'{text}' is zero: write a time above 0")),
        time => Ok(time),
    };
    scalar(field, "TIME", parse, |time| units::show_time(*time))
}

/// A duration that may be zero.
pub fn time_or_zero(field: &mut Duration) -> Box<dyn Value + '_> {
    scalar(field, "TIME", units::time, |time| units::show_time(*time))
}

/// A duration; zero disables what it is for.
pub fn time_or_never(field: &mut Option<Duration>) -> Box<dyn Value + '_> {
    let parse = |text: &str| Ok(Some(units::time(text)?).filter(|time| !time.is_zero()));
    scalar(field, "TIME", parse, |time| {
        time.map_or("0s".to_owned(), units::show_time)
    })
}

/// A number.
pub fn count<N: TryFrom<u64> + ToString>(field: &mut N) -> Box<dyn Value + '_> {
    scalar(field, "N", units::count, N::to_string)
}

/// A number of at least one.
pub fn positive<N: TryFrom<u64> + ToString>(field: &mut N) -> Box<dyn Value + '_> {
    let parse = |text: &str| match units::count::<u64>(text)? {
        0 => Err("0 is not allowed: write at least 1".to_owned()),
        _ => units::count(text),
    };
    scalar(field, "N", parse, N::to_string)
}

/// A number that is computed by default or with `auto`.
pub fn count_or_auto(field: &mut Option<usize>) -> Box<dyn Value + '_> {
    let parse = |text: &str| match text {
        "auto" => Ok(None),
        _ => units::count(text).map(Some),
    };
    scalar(field, "N", parse, |n| {
        n.map_or("auto".to_owned(), |n| n.to_string())
    })
}

/// A directory.
pub fn directory(field: &mut Option<PathBuf>) -> Box<dyn Value + '_> {
    path(field, "DIR")
}

/// A file.
pub fn file(field: &mut Option<PathBuf>) -> Box<dyn Value + '_> {
    path(field, "FILE")
}

fn path<'a>(field: &'a mut Option<PathBuf>, metavar: &'static str) -> Box<dyn Value + 'a> {
    let show = |path: &Option<PathBuf>| {
        path.as_ref()
            .map_or("none".to_owned(), |path| path.display().to_string())
    };
    scalar(field, metavar, |text| Ok(Some(PathBuf::from(text))), show)
}

/// The URL of a Redis server, printed without its password.
pub fn redis(field: &mut Option<String>) -> Box<dyn Value + '_> {
    let parse = |text: &str| match text.split_once("://") {
        Some(("redis", rest)) if !rest.is_empty() => Ok(Some(text.to_owned())),
        _ => Err("not the URL of a Redis server: write redis://HOST:PORT/DATABASE".to_owned()),
    };
    let show = |url: &Option<String>| match url.as_deref().map(|url| url.rsplit_once('@')) {
        None => "none".to_owned(),
        Some(None) => url.clone().unwrap_or_default(),
        Some(Some((_, host))) => format!("redis://***@{host}"),
    };
    scalar(field, "URL", parse, show)
}

/// A log level.
pub fn level(field: &mut log::LevelFilter) -> Box<dyn Value + '_> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| format!("'{text}' is not one of off, error, warn, info, debug, trace"))
    };
    scalar(field, "LEVEL", parse, |level| {
        level.as_str().to_ascii_lowercase()
    })
}

/// Any text.
pub fn text<'a>(field: &'a mut String, metavar: &'static str) -> Box<dyn Value + 'a> {
    scalar(field, metavar, |text| Ok(text.to_owned()), String::clone)
}

/// A proxy. Its URL may contain a password, so neither errors nor the printed value repeat it.
pub fn proxy(field: &mut ProxyChoice) -> Box<dyn Value + '_> {
    let parse = |text: &str| match text {
        "auto" => Ok(ProxyChoice::Environment),
        "none" => Ok(ProxyChoice::Nothing),
        _ => Proxy::parse(text)
            .map(ProxyChoice::Proxy)
            .map_err(|error| error.to_string()),
    };
    scalar(field, "URL", parse, |proxy| match proxy {
        ProxyChoice::Environment => "auto".to_owned(),
        ProxyChoice::Nothing => "none".to_owned(),
        ProxyChoice::Proxy(url) => url.to_string(),
    })
}

/// A text that is never printed.
pub fn secret<'a>(field: &'a mut String, metavar: &'static str) -> Box<dyn Value + 'a> {
    let show = |text: &String| if text.is_empty() { "none" } else { "…" }.to_owned();
    scalar(field, metavar, |text| Ok(text.to_owned()), show)
}

/// An option without a value. In the environment: `1`, `true`, `yes`, `on` or their opposites.
pub fn switch(field: &mut bool) -> Box<dyn Value + '_> {
    Box::new(Switch(field))
}

struct Switch<'a>(&'a mut bool);

impl Value for Switch<'_> {
    fn metavar(&self) -> Option<&'static str> {
        None
    }
    fn set(&mut self, given: &[String]) -> Result<(), String> {
        *self.0 = match given
            .last()
            .map(|text| text.to_ascii_lowercase())
            .as_deref()
        {
            None | Some("1" | "true" | "yes" | "on") => true,
            Some("0" | "false" | "no" | "off") => false,
            Some(text) => return Err(format!("'{text}' is neither yes nor no")),
        };
        Ok(())
    }
    fn show(&self) -> String {
        if *self.0 { "yes" } else { "no" }.to_owned()
    }
}

/// A switch that can only be turned on in a build with the given Cargo feature.
pub fn feature_switch<'a>(
    field: &'a mut bool,
    feature: &'static str,
    built_in: bool,
) -> Box<dyn Value + 'a> {
    Box::new(FeatureSwitch {
        switch: Switch(field),
        feature,
        built_in,
    })
}

struct FeatureSwitch<'a> {
    switch: Switch<'a>,
    feature: &'static str,
    built_in: bool,
}

impl Value for FeatureSwitch<'_> {
    fn metavar(&self) -> Option<&'static str> {
        None
    }
    fn set(&mut self, given: &[String]) -> Result<(), String> {
        self.switch.set(given)?;
        if *self.switch.0 && !self.built_in {
            return Err(format!(
                "not in this build; `cargo build --release --features {}` builds one with it",
                self.feature
            ));
        }
        Ok(())
    }
    fn show(&self) -> String {
        self.switch.show()
    }
}

/// An option that may be repeated; its environment variable separates values with commas. The given values replace the
/// default.
pub fn list<'a>(
    field: &'a mut Vec<String>,
    metavar: &'static str,
    parse: fn(&str) -> Result<String, String>,
) -> Box<dyn Value + 'a> {
    Box::new(List {
        field,
        metavar,
        separator: ',',
        parse,
        show: |values| values.join(","),
    })
}

/// A list of `Name: value` pairs. A value may contain commas, so the environment variable has one pair per line.
pub fn headers(field: &mut Vec<(String, String)>) -> Box<dyn Value + '_> {
    let parse = |text: &str| match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(format!("'{text}' is not a header: write \"Name: value\"")),
    };
    let show = |headers: &[(String, String)]| {
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect()
    };
    Box::new(List {
        field,
        metavar: "\"K: V\"",
        separator: '\n',
        parse,
        show,
    })
}

/// A list of IP addresses, without ports.
pub fn addresses(field: &mut Vec<IpAddr>) -> Box<dyn Value + '_> {
    let parse = |text: &str| {
        let ip = text.parse::<IpAddr>().map_err(|_| {
            format!("'{text}' is not an address: write it without a port, as in 10.0.0.1 or ::1")
        })?;
        Ok(ip.to_canonical())
    };
    let show = |addresses: &[IpAddr]| {
        let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
        addresses.join(",")
    };
    Box::new(List {
        field,
        metavar: "ADDR",
        separator: ',',
        parse,
        show,
    })
}

struct List<'a, T> {
    field: &'a mut Vec<T>,
    metavar: &'static str,
    separator: char,
    parse: fn(&str) -> Result<T, String>,
    show: fn(&[T]) -> String,
}

impl<T> Value for List<'_, T> {
    fn metavar(&self) -> Option<&'static str> {
        Some(self.metavar)
    }
    fn separator(&self) -> Option<char> {
        Some(self.separator)
    }
    fn set(&mut self, given: &[String]) -> Result<(), String> {
        *self.field = given
            .iter()
            .map(|text| (self.parse)(text))
            .collect::<Result<_, _>>()?;
        Ok(())
    }
    fn show(&self) -> String {
        if self.field.is_empty() {
            "none".to_owned()
        } else {
            (self.show)(self.field)
        }
    }
}

fn scalar<'a, T>(
    field: &'a mut T,
    metavar: &'static str,
    parse: fn(&str) -> Result<T, String>,
    show: fn(&T) -> String,
) -> Box<dyn Value + 'a> {
    Box::new(Scalar {
        field,
        metavar,
        parse,
        show,
    })
}
