//! Settings in layers: flag, then environment, then `dotwrap.toml`, then what is built in.

mod database_url;
mod environment;
mod file;
mod layer;

use std::path::PathBuf;

use serde::Deserialize;
use strum::{EnumString, VariantNames};

pub use database_url::DatabaseUrl;
pub use layer::Layer;

use crate::Problem;

/// How many bytes stay free on the disk of the runs' folder, where nothing else is said: 256 MiB.
pub const DEFAULT_MIN_FREE_BYTES: u64 = 256 << 20;

/// How a command prints its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, EnumString, VariantNames)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Format {
    /// Aligned text for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, EnumString, VariantNames)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where the ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseChoice {
    /// A database that somebody configured.
    Configured(DatabaseUrl),
    /// The private cluster that `dotwrap` brings along.
    Embedded,
}

/// The settings of one call, every layer applied.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the ledger is.
    pub database: DatabaseChoice,
    /// The schema of the installation.
    pub schema: String,
    /// What the names of the installation's roles begin with.
    pub role_prefix: String,
    /// Who acts, where a command is not told.
    pub actor: String,
    /// How data is printed.
    pub format: Format,
    /// When to colour.
    pub colour: Colour,
    /// Where the embedded cluster keeps its data, where not in the user's data directory.
    pub home: Option<PathBuf>,
    /// The folder with the PostgreSQL programs for the embedded cluster, where it shall not be searched for.
    pub pg_bin: Option<PathBuf>,
    /// The folder below which every executed run keeps its files, where not in the user's data directory.
    pub runs_folder: Option<PathBuf>,
    /// The hosts of agent services and MCP servers that may be called; none as shipped.
    pub agent_hosts: Vec<String>,
    /// A file of certificates to trust, beside the system's, when they are called.
    pub agent_ca: Option<PathBuf>,
    /// Whether dry runs are refused where the system has no complete sandbox.
    pub require_sandbox: bool,
    /// How many bytes stay free on the disk of the runs' folder: with less no run is begun.
    pub min_free_bytes: u64,
    /// The configuration file that somebody named.
    config_file: Option<PathBuf>,
}

impl Settings {
    /// Reads every layer and lays the flags over the environment, over the file, over what is built in.
    pub fn load(flags: Layer, config_flag: Option<PathBuf>) -> Result<Self, Problem> {
        let environment = environment::read()?;
        let named_file = config_flag.or_else(environment::config_file);
        let file = file::read(named_file.clone())?;
        Ok(Self {
            config_file: named_file,
            ..Self::built_in_under(flags.combine(environment).combine(file))
        })
    }

    /// The files whose reader gets into a database that a configuration file names, also where another one is in use.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        file::secrets(self.config_file.clone())
    }

    fn built_in_under(layer: Layer) -> Self {
        Self {
            database: layer
                .database_url
                .map_or(DatabaseChoice::Embedded, DatabaseChoice::Configured),
            schema: layer.schema.unwrap_or_else(|| "dot".to_owned()),
            role_prefix: layer.role_prefix.unwrap_or_else(|| "dot".to_owned()),
            actor: layer.actor.unwrap_or_else(operating_system_user),
            format: layer.output.unwrap_or_default(),
            colour: layer.color.unwrap_or_default(),
            home: layer.home,
            pg_bin: layer.pg_bin,
            runs_folder: layer.runs_folder,
            agent_hosts: layer.agent_hosts.unwrap_or_default(),
            agent_ca: layer.agent_ca,
            require_sandbox: layer.require_sandbox.unwrap_or_default(),
            min_free_bytes: layer.min_free_bytes.unwrap_or(DEFAULT_MIN_FREE_BYTES),
            config_file: None,
        }
    }
}

/// Where nobody says who acts, the operating system's user does.
fn operating_system_user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(schema: &str) -> Layer {
        Layer {
            schema: Some(schema.to_owned()),
            ..Layer::default()
        }
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
        let settings = Settings::built_in_under(
            layer("flag")
                .combine(layer("environment"))
                .combine(layer("file")),
        );
        assert_eq!(settings.schema, "flag");
        let settings = Settings::built_in_under(
            Layer::default()
                .combine(layer("environment"))
                .combine(layer("file")),
        );
        assert_eq!(settings.schema, "environment");
        let settings = Settings::built_in_under(
            Layer::default()
                .combine(Layer::default())
                .combine(layer("file")),
        );
        assert_eq!(settings.schema, "file");
    }

    #[test]
    fn no_debug_output_shows_the_password_of_the_database() {
        let flags = Layer {
            database_url: Some("postgresql://me:hunter2@h/d".to_owned().into()),
            ..Layer::default()
        };
        let of_flags = format!("{flags:?}");
        let settings = format!("{:?}", Settings::built_in_under(flags));
        for shown in [of_flags, settings] {
            assert!(shown.contains("DatabaseUrl"), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn without_any_layer_the_database_is_the_embedded_one() {
        let settings = Settings::built_in_under(Layer::default());
        assert_eq!(settings.database, DatabaseChoice::Embedded);
        assert_eq!(settings.schema, "dot");
        assert_eq!(settings.role_prefix, "dot");
    }
}
