//! Reads the configuration: the embedded defaults, a file over them, the environment over both. No rule about what
//! the values mean; that is `validate.rs`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::Config;

/// Every key with its comment.
pub const DEFAULTS: &str = include_str!("../../relay.default.toml");

const PREFIX: &str = "ROOMED__";
/// Errors at these keys name the key and keep quiet about the value.
const SECRET: [&str; 4] = ["secret", "password", "master_key", "url"];

/// Why the configuration is no good. Names keys, never values of secret ones.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// It is no TOML.
    #[error("{path} is not valid TOML: {problem} (line {line})")]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What the parser says, without the text of the line.
        problem: String,
        /// Where.
        line: usize,
    },
    /// A key is unknown or missing, or its value is of the wrong kind.
    #[error("configuration key `{key}`: {problem}")]
    Key {
        /// The key's path.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// Values that make no sense together, all of them.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
}

impl Config {
    /// Defaults, then `file`, then those of `environment` that begin with `ROOMED__`; checked by
    /// [`validate`](Config::validate).
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut config = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Unreadable(path.into(), e))?;
                Self::assemble(&text, path, environment)?
            }
            None => Self::assemble("", Path::new(""), environment)?,
        };
        config.validate()?;
        config.lower_case_guids();
        config.keep_own_region();
        Ok(config)
    }

    /// As [`load`](Config::load), from the text of a file; not validated.
    pub fn assemble(
        text: &str,
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut tree: Table = DEFAULTS.parse().expect("the embedded defaults are valid TOML, which a test reads");
        let file: Table = text.parse().map_err(|error: toml::de::Error| ConfigError::NotToml {
            path: path.into(),
            problem: error.message().to_owned(),
            line: error.span().map_or(0, |span| 1 + text[..span.start].matches('\n').count()),
        })?;
        overlay(&mut tree, file);
        let mut settings: Vec<_> = environment.into_iter().filter(|(key, _)| key.starts_with(PREFIX)).collect();
        settings.sort();
        for (key, value) in settings {
            set(&mut tree, &key, &value)?;
        }
        serde_path_to_error::deserialize(Value::Table(tree)).map_err(|error| {
            let key = error.path().to_string();
            let quiet = SECRET.iter().any(|word| key.rsplit('.').next().is_some_and(|last| last.contains(word)));
            let problem =
                if quiet { "has the wrong kind of value".to_owned() } else { error.inner().message().to_owned() };
            ConfigError::Key { key, problem }
        })
    }
}

/// Tables are merged key by key; everything else is replaced.
fn overlay(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => overlay(old, new),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// `ROOMED__A__0__B=value`. A value is a string where a string stood, else whatever TOML makes of it, else a string.
fn set(tree: &mut Table, variable: &str, value: &str) -> Result<(), ConfigError> {
    let problem = |problem: &str| ConfigError::Key { key: variable.to_owned(), problem: problem.to_owned() };
    let path = variable[PREFIX.len()..].to_ascii_lowercase();
    let mut steps: Vec<&str> = path.split("__").collect();
    let last = steps.pop().filter(|it| !it.is_empty()).ok_or_else(|| problem("names no key"))?;
    let mut at = tree;
    let mut steps = steps.into_iter().peekable();
    while let Some(step) = steps.next() {
        let mut next = at.entry(step).or_insert_with(|| Value::Table(Table::new()));
        while let Value::Array(list) = next {
            let index = steps.next().and_then(|it| it.parse::<usize>().ok());
            let index = index.ok_or_else(|| problem("needs a number where the list is entered"))?;
            next = list.get_mut(index).ok_or_else(|| problem("names an entry the list does not have"))?;
        }
        at = next.as_table_mut().ok_or_else(|| problem("goes into a value that has no keys"))?;
    }
    let string = matches!(at.get(last), Some(Value::String(_))) || SECRET.iter().any(|word| last.contains(word));
    let parsed = if string { Value::String(value.to_owned()) } else { plain(value) };
    at.insert(last.to_owned(), parsed);
    Ok(())
}

fn plain(value: &str) -> Value {
    #[derive(Deserialize)]
    struct One {
        value: Value,
    }
    match toml::from_str::<One>(&format!("value = {value}")) {
        Ok(one) => one.value,
        Err(_) => Value::String(value.to_owned()),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
pub(super) mod tests;
