//! The files' layer: the user's own `dotwrap.toml`, and over it one that is found from the working directory upwards.
use std::path::{Path, PathBuf};

use dotwrap_wrapper::ConnectionTarget;
use etcetera::BaseStrategy;

use super::{DEFAULT_MIN_FREE_BYTES, Layer};
use crate::Problem;

const FILE_NAME: &str = "dotwrap.toml";

/// Reads the named file alone; else the user's own, and over it the nearest one from the working directory upwards.
/// That one may have come with somebody else's files: what it may say, and what it may not take away, is less.
pub(super) fn read(named: Option<PathBuf>) -> Result<Layer, Problem> {
    if let Some(path) = named {
        return parse(&path);
    }
    let of_user = of_user().filter(|path| path.is_file());
    let project = upwards()
        .find(|path| path.is_file())
        .filter(|path| !of_user.as_ref().is_some_and(|own| is_same(own, path)));
    let own = of_user.map_or_else(|| Ok(Layer::default()), |path| parse(&path))?;
    let Some(path) = project else {
        return Ok(own);
    };
    let layer = parse(&path).and_then(|layer| without_trust(layer, &path))?;
    Ok(tightening(layer, &own).combine(own))
}

/// A project's file can ask for a sandbox and for more free space where the user's own does not, and not the other way
/// round.
fn tightening(project: Layer, own: &Layer) -> Layer {
    Layer {
        require_sandbox: project.require_sandbox.max(own.require_sandbox),
        min_free_bytes: project
            .min_free_bytes
            .map(|bytes| bytes.max(own.min_free_bytes.unwrap_or(DEFAULT_MIN_FREE_BYTES))),
        ..project
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let found = one.canonicalize();
    found.is_ok_and(|found| {
        other
            .canonicalize()
            .is_ok_and(|other_found| found == other_found)
    })
}

/// Of every file that might have been read from here, the named one among them: itself, where its text may hold the
/// password of a database, and the files of passwords and keys that it names.
pub(super) fn secrets(named: Option<PathBuf>) -> Vec<PathBuf> {
    let all = named.into_iter().chain(upwards()).chain(of_user());
    all.flat_map(|path| match parse(&path) {
        Ok(layer) => layer.database_url.map_or_else(Vec::new, |url| {
            let holds_it = ConnectionTarget::may_hold_password(url.reveal());
            let mut files = ConnectionTarget::secret_files_in(url.reveal());
            files.extend(holds_it.then_some(path));
            files
        }),
        // What cannot be read now, or understood, may hold anything.
        Err(_) => vec![path],
    })
    .collect()
}

/// Where one may be in the working directory and above it, the nearest first.
fn upwards() -> impl Iterator<Item = PathBuf> {
    let working_directory = std::env::current_dir().unwrap_or_default();
    let folders: Vec<PathBuf> = working_directory.ancestors().map(Path::to_owned).collect();
    folders.into_iter().map(|folder| folder.join(FILE_NAME))
}

/// Where the user's own may be.
fn of_user() -> Option<PathBuf> {
    let folder = etcetera::choose_base_strategy().ok()?.config_dir();
    Some(folder.join("dotwrap").join(FILE_NAME))
}

fn parse(path: &Path) -> Result<Layer, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problem::usage(format!(
            "the configuration file {} cannot be read: {error}",
            path.display()
        ))
    })?;
    toml::from_str(&text).map_err(|error| not_usable(path, &text, &error))
}

/// The parser's own report quotes the faulty line, which may hold a database password: only its place and the reason
/// are passed on. The reason names an unknown key and the known ones.
fn not_usable(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let line = error.span().map_or(1, |span| {
        text.bytes()
            .take(span.start)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    });
    Problem::usage(format!("{}:{line}: {}", path.display(), error.message().trim()))
        .hint("a configuration file holds `key = \"value\"` lines; flags and environment variables win over it")
}

/// Which ledger is used, what is started, who is trusted and where files are written is not taken from a file that may
/// have come with a stranger's repository. The ledger is among them: it gets the user's password, and names the
/// programs that runs start.
fn without_trust(layer: Layer, path: &Path) -> Result<Layer, Problem> {
    let trusting = [
        ("database_url", layer.database_url.is_some(), "DATABASE_URL"),
        ("home", layer.home.is_some(), "DOTWRAP_HOME"),
        ("pg_bin", layer.pg_bin.is_some(), "DOTWRAP_PG_BIN"),
        (
            "runs_folder",
            layer.runs_folder.is_some(),
            "DOTWRAP_RUNS_FOLDER",
        ),
        (
            "agent_hosts",
            layer.agent_hosts.is_some(),
            "DOTWRAP_AGENT_HOSTS",
        ),
        ("agent_ca", layer.agent_ca.is_some(), "DOTWRAP_AGENT_CA"),
    ];
    let Some((key, _, variable)) = trusting.into_iter().find(|(_, is_set, _)| *is_set) else {
        return Ok(layer);
    };
    Err(Problem::usage(format!(
        "{} names the key {key}, which a project's file may not set",
        path.display()
    ))
    .hint(format!(
        "put it into the user's own configuration file, or set {variable}; a file that can be trusted as a whole is named by --config or DOTWRAP_CONFIG"
    )))
}
