//! The file's layer: `dotwrap.toml`, searched upwards from the working directory, then in the user's configuration folder.

use std::path::{Path, PathBuf};

use dotwrap_wrapper::Target;
use etcetera::BaseStrategy;

use super::Layer;
use crate::failure::Failure;

const FILE_NAME: &str = "dotwrap.toml";

/// Where a configuration file came from decides what it may say.
enum Origin {
    /// Named by flag or environment, or in the user's configuration folder: the user's own word.
    User(PathBuf),
    /// Found in the working directory or above it: may have come with somebody else's files.
    Project(PathBuf),
}

/// Reads the named file, or the nearest one there is, or nothing.
pub(super) fn read(named: Option<PathBuf>) -> Result<Layer, Failure> {
    match named.map(Origin::User).or_else(search) {
        None => Ok(Layer::default()),
        Some(Origin::User(path)) => parse(&path),
        Some(Origin::Project(path)) => {
            parse(&path).and_then(|layer| without_programs(layer, &path))
        }
    }
}

/// Of every file that might have been read from here, the named one among them: itself, where its text may hold the password of a database,
/// and the files of passwords and keys that it names.
pub(super) fn secrets(named: Option<PathBuf>) -> Vec<PathBuf> {
    let all = named.into_iter().chain(upwards()).chain(of_user());
    all.flat_map(|path| match parse(&path) {
        Ok(layer) => layer.database_url.map_or_else(Vec::new, |url| {
            let holds_it = Target::may_hold_password(url.reveal());
            let mut files = Target::secret_files_of(url.reveal());
            files.extend(holds_it.then_some(path));
            files
        }),
        // What can not be read now, or understood, may hold anything.
        Err(_) => vec![path],
    })
    .collect()
}

fn search() -> Option<Origin> {
    let nearest = upwards().find(|path| path.is_file());
    let of_user = || of_user().filter(|path| path.is_file());
    nearest
        .map(Origin::Project)
        .or_else(|| of_user().map(Origin::User))
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

fn parse(path: &Path) -> Result<Layer, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!(
            "the configuration file {} can not be read: {error}",
            path.display()
        ))
    })?;
    toml::from_str(&text).map_err(|error| not_usable(path, &text, &error))
}

/// The parser's own report quotes the faulty line, which may hold a database password: only its place and the reason are
/// passed on. The reason names an unknown key and the known ones.
fn not_usable(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let line = error.span().map_or(1, |span| {
        text.bytes()
            .take(span.start)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    });
    Failure::usage(format!("{}:{line}: {}", path.display(), error.message().trim()))
        .hint("a configuration file holds `key = \"value\"` lines; flags and environment variables win over it")
}

/// What is started, and who is trusted, is not taken from a file that may have come with a stranger's repository.
fn without_programs(layer: Layer, path: &Path) -> Result<Layer, Failure> {
    let trusting = [
        ("pg_bin", layer.pg_bin.is_some(), "DOTWRAP_PG_BIN"),
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
    Err(Failure::usage(format!(
        "{} names the key {key}, which a project's file may not set",
        path.display()
    ))
    .hint(format!(
        "put it into the user's own configuration file, or set {variable}"
    )))
}
