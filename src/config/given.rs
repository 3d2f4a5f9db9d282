//! What the user said: texts by setting, each with its source.

use std::collections::BTreeMap;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::{ConfigError, SETTINGS};

/// Variables that are no settings: they name the file, and what the client commands talk to.
const OTHER_VARIABLES: [&str; 3] = ["config", "server", "tenant"];

/// Where a value was given; later ones win.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// In the file of this name.
    File(String),
    /// As a `TRACEWELL_...` variable.
    Environment,
    /// As a flag.
    Flag,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::File(path) => f.write_str(path),
            Source::Environment => f.write_str("environment"),
            Source::Flag => f.write_str("command line"),
        }
    }
}

/// Values as written, by the setting's name.
#[derive(Clone, Debug, Default)]
pub struct Given(BTreeMap<&'static str, (String, Source)>);

impl Given {
    /// All that was given: flags, the environment and the file that `config` names in one of them.
    pub fn collect(args: &GivenArgs) -> Result<Given, ConfigError> {
        let mut given = Given::default();
        for (name, value) in args.0.iter().filter(|(name, _)| *name != "config") {
            given.set(name, value, Source::Flag)?;
        }
        given.read_environment(std::env::vars())?;
        let file = args.0.get("config").cloned().or_else(|| std::env::var("TRACEWELL_CONFIG").ok());
        if let Some(file) = file {
            given.read_file(Path::new(&file))?;
        }
        Ok(given)
    }

    /// Notes a value, unless a stronger source has given one.
    pub fn set(&mut self, name: &str, value: &str, source: Source) -> Result<(), ConfigError> {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            return Err(unknown(name, &source));
        };
        let weaker = self.0.get(setting.name).is_some_and(|(_, known)| *known > source);
        if !weaker {
            self.0.insert(setting.name, (value.to_owned(), source));
        }
        Ok(())
    }

    /// What was given for a setting, and where.
    pub fn get(&self, name: &str) -> Option<&(String, Source)> {
        self.0.get(name)
    }

    fn read_environment(&mut self, variables: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix("TRACEWELL_") else { continue };
            let name = name.to_lowercase();
            if !OTHER_VARIABLES.contains(&name.as_str()) {
                self.set(&name, &value, Source::Environment).map_err(|_| unknown(&variable, &Source::Environment))?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let shown = path.display().to_string();
        let error = |reason: String| ConfigError::File { path: shown.clone(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| error(e.to_string()))?;
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(());
        }
        let values: BTreeMap<String, Scalar> = serde_saphyr::from_str(&text).map_err(|e| error(e.to_string()))?;
        for (name, value) in values {
            self.set(&name, &value.text(), Source::File(shown.clone()))?;
        }
        Ok(())
    }
}

/// The nearest name is given as it is written in that place.
fn unknown(name: &str, source: &Source) -> ConfigError {
    let plain = name.to_lowercase().replace('-', "_");
    let plain = plain.strip_prefix("tracewell_").unwrap_or(&plain);
    let others = if *source == Source::Environment { &OTHER_VARIABLES[..] } else { &[] };
    let nearest = SETTINGS
        .iter()
        .map(|setting| setting.name)
        .chain(others.iter().copied())
        .map(|name| (strsim::damerau_levenshtein(plain, name), name))
        .filter(|(distance, name)| *distance <= name.len() / 2)
        .min();
    let suggestion = nearest.map(|(_, name)| match source {
        Source::File(_) => name.to_owned(),
        Source::Environment => format!("TRACEWELL_{}", name.to_uppercase()),
        Source::Flag => format!("--{}", name.replace('_', "-")),
    });
    let source_name = match source {
        Source::Environment => "the environment".to_owned(),
        other => other.to_string(),
    };
    ConfigError::Unknown { name: name.to_owned(), source_name, suggestion }
}

/// A value in the YAML file.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<String>),
    Null(()),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Scalar::Bool(value) => value.to_string(),
            Scalar::Int(value) => value.to_string(),
            Scalar::Float(value) => value.to_string(),
            Scalar::Text(value) => value.clone(),
            Scalar::List(values) => values.join(","),
            Scalar::Null(()) => "none".to_owned(),
        }
    }
}

/// One flag for each setting, and `--config`.
#[derive(Clone, Debug, Default)]
pub struct GivenArgs(BTreeMap<String, String>);

impl GivenArgs {
    /// No flag but `--config`, if a file is given.
    pub fn with_file(file: Option<&Path>) -> GivenArgs {
        GivenArgs(file.map(|file| ("config".to_owned(), file.display().to_string())).into_iter().collect())
    }
}

impl Args for GivenArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config").long("config").value_name("FILE").help("YAML file with settings");
        SETTINGS.iter().fold(command.arg(file), |command, setting| {
            let flag = setting.name.replace('_', "-");
            let help = format!("{} [default: {}]", setting.help, (setting.default)());
            let arg = Arg::new(setting.name).long(flag).help(help);
            command.arg(if setting.is_switch {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("true|false")
            } else {
                arg.action(ArgAction::Set).value_name(setting.value_name)
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for GivenArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let names = SETTINGS.iter().map(|setting| setting.name).chain(["config"]);
        let given = names.filter_map(|name| Some((name.to_owned(), matches.get_one::<String>(name)?.clone())));
        Ok(GivenArgs(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.extend(Self::from_arg_matches(matches)?.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_scalars_and_lists() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("t.yaml");
        std::fs::write(&path, "http: 127.0.0.1:9\nallow_unauthenticated: true\ncors_allowed_origins:\n  - https://a\n  - https://b\ntraces_bytes_max: ~\n").expect("written");
        let mut given = Given::default();
        given.read_file(&path).expect("read");
        let text = |name| given.get(name).map(|(text, _)| text.as_str());
        assert_eq!(text("http"), Some("127.0.0.1:9"));
        assert_eq!(text("allow_unauthenticated"), Some("true"));
        assert_eq!(text("cors_allowed_origins"), Some("https://a,https://b"));
        assert_eq!(text("traces_bytes_max"), Some("none"));
    }

    #[test]
    fn a_misspelt_variable_is_an_error() {
        let variables = [("TRACEWELL_DATADIR".to_owned(), "x".to_owned())].into_iter();
        let error = Given::default().read_environment(variables).expect_err("unknown").to_string();
        let expected = "unknown setting \"TRACEWELL_DATADIR\" in the environment; did you mean \"TRACEWELL_DATA_DIR\"?";
        assert_eq!(error, expected);
        for (wrong, right) in [("FLSH_BYTES", "FLUSH_BYTES"), ("TENAT", "TENANT"), ("SERVR", "SERVER")] {
            let variables = [(format!("TRACEWELL_{wrong}"), "x".to_owned())].into_iter();
            let error = Given::default().read_environment(variables).expect_err("unknown").to_string();
            assert!(error.ends_with(&format!("did you mean \"TRACEWELL_{right}\"?")), "{error}");
        }
    }
}
