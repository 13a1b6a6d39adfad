//! Variables whose values are secrets. The contract says where a value is, so that no contract holds a password.

use std::{
    collections::BTreeMap,
    fmt,
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use dotwrap_invoke::UnsupportedContract;
use nix::fcntl::OFlag;
use serde::Deserialize;

/// How long a value may be, in bytes. The kernel takes no longer one than 128 KiB.
const MAX_BYTES: u64 = 64 << 10;

/// Who has no business in a file with a secret: everybody but its owner and its group.
const OTHERS: u32 = 0o007;

/// Where the value of a variable is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableSource {
    /// A file: its text, without one newline at the end.
    File(PathBuf),
    /// A variable of the runner's own environment.
    Environment(String),
}

/// The variables of a contract's `variables_from`. The values are read once: what is searched for in the answer of a
/// call is what the call was given.
#[derive(Clone, Debug)]
pub(crate) struct SecretVariables {
    sources: BTreeMap<String, VariableSource>,
    values: OnceLock<Result<Values, UnsupportedContract>>,
}

/// They have no way to be shown.
#[derive(Clone)]
struct Values(BTreeMap<String, String>);

impl fmt::Debug for Values {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Values(…)")
    }
}

impl SecretVariables {
    /// # Errors
    /// A source that no machine can have.
    pub(crate) fn read(sources: BTreeMap<String, VariableSource>) -> Result<Self, String> {
        for (name, source) in &sources {
            source
                .check()
                .map_err(|why| format!("variables_from.{name}: {why}"))?;
        }
        Ok(Self {
            sources,
            values: OnceLock::new(),
        })
    }

    /// Whether each value can be had now.
    ///
    /// # Errors
    /// `variable_missing`, `secret_file_unusable`; neither says a value.
    pub(crate) fn check(&self) -> Result<(), UnsupportedContract> {
        read_all(&self.sources).map(drop)
    }

    /// The variables with their values.
    ///
    /// # Errors
    /// As [`SecretVariables::check`].
    pub(crate) fn get(&self) -> Result<BTreeMap<String, String>, UnsupportedContract> {
        let values = self.values.get_or_init(|| read_all(&self.sources));
        values.clone().map(|values| values.0)
    }

    /// The values alone; none where they cannot be had, and no tool is started.
    pub(crate) fn values(&self) -> impl Iterator<Item = String> {
        self.get().unwrap_or_default().into_values()
    }

    /// Where they are, by the variable's name.
    pub(crate) fn sources(&self) -> &BTreeMap<String, VariableSource> {
        &self.sources
    }
}

impl VariableSource {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::File(path) if !path.is_absolute() => Err("the path of a file is absolute"),
            Self::File(path) if path.as_os_str().as_encoded_bytes().contains(&0) => {
                Err("a path holds no NUL character")
            }
            Self::Environment(name) if name.is_empty() || name.contains(['=', '\0']) => {
                Err("this cannot name a variable of the environment")
            }
            _ => Ok(()),
        }
    }

    fn value(&self, name: &str) -> Result<String, UnsupportedContract> {
        match self {
            Self::File(path) => secret_in(path).map_err(|why| {
                let message = format!("the file for {name} cannot be used: {}: {why}", path.display());
                UnsupportedContract::local("secret_file_unusable", message).hint(
                    "the file has the value alone, belongs to the runner's account or group, and is closed to others: chmod 0600",
                )
            }),
            Self::Environment(variable) => std::env::var(variable)
                .ok()
                .filter(|value| !value.is_empty())
                .ok_or_else(|| {
                    let message = format!("the runner's environment has no {variable}, the value for {name}");
                    UnsupportedContract::local("variable_missing", message)
                        .hint("set it where the runner runs")
                }),
        }
    }
}

fn read_all(sources: &BTreeMap<String, VariableSource>) -> Result<Values, UnsupportedContract> {
    let values = sources
        .iter()
        .map(|(name, source)| Ok((name.clone(), source.value(name)?)));
    values.collect::<Result<_, _>>().map(Values)
}

/// Looks at the file that was opened, and not once more at its path. A link is followed: it is where secrets are put
/// that are renewed.
fn secret_in(path: &Path) -> io::Result<String> {
    let refused = |why: &str| Err(io::Error::other(why.to_owned()));
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return refused("it is no file");
    }
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(io::Error::other(format!(
            "others may use it (mode {:04o})",
            mode & 0o7777
        )));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return refused("it is longer than 64 KiB");
    }
    let Ok(mut text) = String::from_utf8(bytes) else {
        return refused("it is no text (UTF-8)");
    };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    match text.is_empty() || text.contains('\0') {
        true => refused("it holds no value"),
        false => Ok(text),
    }
}
