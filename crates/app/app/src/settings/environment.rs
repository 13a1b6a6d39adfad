//! The environment's layer: `DOTWRAP_…`, and `DATABASE_URL` as everybody else reads it.
use std::path::PathBuf;
use std::str::FromStr;

use strum::VariantNames;

use super::{DatabaseUrl, Layer};
use crate::Problem;

/// Reads the variables; one that is set but blank counts as not set.
pub(super) fn read() -> Result<Layer, Problem> {
    Ok(Layer {
        database_url: variable("DOTWRAP_DATABASE_URL")
            .or_else(|| variable("DATABASE_URL"))
            .map(DatabaseUrl::from),
        schema: variable("DOTWRAP_SCHEMA"),
        role_prefix: variable("DOTWRAP_ROLE_PREFIX"),
        actor: variable("DOTWRAP_ACTOR"),
        output: choice("DOTWRAP_OUTPUT")?,
        color: choice("DOTWRAP_COLOR")?,
        home: path("DOTWRAP_HOME"),
        pg_bin: path("DOTWRAP_PG_BIN"),
        runs_folder: path("DOTWRAP_RUNS_FOLDER"),
        agent_hosts: variable("DOTWRAP_AGENT_HOSTS").map(|hosts| list(&hosts)),
        agent_ca: path("DOTWRAP_AGENT_CA"),
        require_sandbox: yes_or_no("DOTWRAP_REQUIRE_SANDBOX")?,
        min_free_bytes: bytes("DOTWRAP_MIN_FREE_BYTES")?,
    })
}

/// The configuration file that the environment names.
pub(super) fn config_file() -> Option<PathBuf> {
    path("DOTWRAP_CONFIG")
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

/// A path need not be Unicode.
fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Words with commas or blanks between them.
fn list(text: &str) -> Vec<String> {
    text.split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What is neither is refused: taken for a no, it would switch off what somebody meant to switch on.
fn yes_or_no(name: &str) -> Result<Option<bool>, Problem> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(Some(true)),
        "false" | "no" | "off" | "0" => Ok(Some(false)),
        _ => Err(
            Problem::usage(format!("the environment variable {name} says '{value}'"))
                .hint("it can be true or false"),
        ),
    }
}

fn bytes(name: &str) -> Result<Option<u64>, Problem> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    value.trim().parse().map(Some).map_err(|_| {
        Problem::usage(format!("the environment variable {name} says '{value}'"))
            .hint("it is a number of bytes, such as 268435456")
    })
}

fn choice<Choice: FromStr + VariantNames>(name: &str) -> Result<Option<Choice>, Problem> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    value.parse().map(Some).map_err(|_| {
        Problem::usage(format!("the environment variable {name} says '{value}'"))
            .hint(format!("it can be {}", Choice::VARIANTS.join(", ")))
    })
}
