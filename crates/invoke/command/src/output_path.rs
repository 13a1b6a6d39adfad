//! An output at a path that the contract names: `output = { path = "/backups/{candidate}-{date}.dump" }`.
//!
//! The path is made once, before anything is written to the ledger, and is the run's from then on.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use dotwrap_invoke::{OutputPathRequest, Template, UnsupportedContract, Values};
use dotwrap_supervisor::{CallFolder, invalid};
use dotwrap_types::Contract;
use jiff::tz::TimeZone;

/// Placeholders of a path. Those of arguments are others: they are known only in the call.
const PLACES: [&str; 6] = [
    "date",
    "time",
    "candidate",
    "dot_code",
    "input_name",
    "process_run_id",
];

/// The length limit of a path in bytes: its address is three times as long at most, and the ledger takes 2000
/// characters.
const MAX_PATH: usize = 600;

/// A path that the contract names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputPath {
    path: Template,
    time_zone: TimeZone,
}

impl OutputPath {
    /// Reads the path. Its date and time are those of the contract's time zone, UTC without one.
    ///
    /// # Errors
    /// `invocation_invalid`.
    pub(crate) fn read(text: &str, time_zone: Option<&str>) -> Result<Self, UnsupportedContract> {
        let wrong = |why: &str| invalid(format!("output.path: `{text}` {why}"));
        if text.contains('\0') {
            return Err(wrong("holds a NUL character"));
        }
        let path =
            Template::parse(text).map_err(|error| invalid(format!("output.path: {error}")))?;
        if let Some(name) = path.names().find(|name| !PLACES.contains(name)) {
            return Err(invalid(format!(
                "output.path: nothing stands for `{{{name}}}` in a path; there are {}",
                PLACES.map(|place| format!("`{{{place}}}`")).join(", ")
            )));
        }
        if !Path::new(text).is_absolute() {
            return Err(wrong("is not an absolute path"));
        }
        let parts = Path::new(text).components();
        if parts.into_iter().any(|part| part == Component::ParentDir) {
            return Err(wrong("goes through `..`"));
        }
        if text.ends_with('/') || text.ends_with("/.") {
            return Err(wrong("names no file in its folder"));
        }
        let time_zone = match time_zone {
            None => TimeZone::UTC,
            Some(name) => {
                TimeZone::get(name).map_err(|error| invalid(format!("time_zone: {error}")))?
            }
        };
        Ok(Self { path, time_zone })
    }

    /// The path of one run. In a dry run it is one in the call's folder, with the same name. The folder of a real
    /// run's path is the one that links lead to, so that the record is right when a link leads elsewhere later.
    ///
    /// # Errors
    /// `output_exists`, `output_folder_missing`, `output_path_invalid`.
    pub(crate) fn resolve(
        &self,
        contract: &Contract,
        request: &OutputPathRequest<'_>,
    ) -> Result<PathBuf, UnsupportedContract> {
        let filled = self.path.fill(&self.values(contract, request)?);
        let path = PathBuf::from(filled.map_err(|error| invalid(error.to_string()))?);
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(unusable(&path, "names no file in a folder"));
        };
        if !request.mode.may_mutate() {
            return Ok(CallFolder::at(request.folder.to_owned())
                .placed()
                .join(name));
        }
        let folder = folder.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                let message = format!(
                    "the folder of the output, {}, is not there",
                    folder.display()
                );
                UnsupportedContract::new("output_folder_missing", message).hint(
                    "make the folder, or mount what belongs there; a run makes only what is in it",
                )
            }
            _ => unusable(&path, &format!("cannot be used: {error}")),
        })?;
        let path = folder.join(name);
        if !folder.is_dir() {
            return Err(unusable(&path, "is in something that is no folder"));
        }
        if path.to_str().is_none_or(|text| text.len() > MAX_PATH) {
            return Err(unusable(
                &path,
                &format!("is not UTF-8 or longer than {MAX_PATH} bytes"),
            ));
        }
        check_vacant(&path)?;
        Ok(path)
    }

    fn values(
        &self,
        contract: &Contract,
        request: &OutputPathRequest<'_>,
    ) -> Result<Values, UnsupportedContract> {
        let at = request.at.to_zoned(self.time_zone.clone());
        let mut values = Values::from([
            ("date".into(), at.strftime("%Y-%m-%d").to_string()),
            // Without colons, which tar and rsync take for a host's.
            ("time".into(), at.strftime("%H%M%S").to_string()),
            ("candidate".into(), part(request.candidate.as_str())),
            ("dot_code".into(), part(contract.dot_code.as_str())),
            ("process_run_id".into(), request.process_run_id.to_string()),
        ]);
        if self.path.names().any(|name| name == "input_name") {
            let name = request.input_ref.and_then(input_name);
            let name = name.ok_or_else(|| {
                let message =
                    "output.path has `{input_name}`, and the run has no input with a name";
                UnsupportedContract::new("output_path_invalid", message)
                    .hint("say what the tools are to work on: --input REF")
            })?;
            values.insert("input_name".into(), part(name));
        }
        Ok(values)
    }
}

/// Refuses a path at which anything is: a file, a folder, or a link that leads nowhere.
pub(crate) fn check_vacant(path: &Path) -> Result<(), UnsupportedContract> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unusable(path, &format!("cannot be looked at: {error}"))),
        Ok(_) => {
            let message = format!(
                "{} is there already, and nothing is overwritten",
                path.display()
            );
            Err(UnsupportedContract::new("output_exists", message).hint(
                "an earlier run, or one that failed, left it: move or remove it; or put `{time}` or `{process_run_id}` \
                 into the contract's output.path",
            ))
        }
    }
}

fn unusable(path: &Path, why: &str) -> UnsupportedContract {
    UnsupportedContract::new(
        "output_path_invalid",
        format!("the output's path {} {why}", path.display()),
    )
}

/// The last part of an input: of a path or an address, without a query.
fn input_name(input: &str) -> Option<&str> {
    let path = match input.split_once("://") {
        Some((_, address)) => address.split(['?', '#']).next().unwrap_or(address),
        None => input,
    };
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    (!name.trim().is_empty()).then_some(name)
}

/// A value as a part of a file's name: it leads into no other folder and is none of the names that every folder has.
fn part(value: &str) -> String {
    let is_bad = |letter: char| letter == '/' || letter.is_control();
    let name = value.replace(is_bad, "_");
    match name.as_str() {
        "." | ".." => "_".repeat(name.len()),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_paths_are_refused() {
        for text in [
            "x", "{date}", "/a/../b", "/a/", "/a/.", "/{input}", "/a/{", "/a\0",
        ] {
            assert!(OutputPath::read(text, None).is_err(), "{text}");
        }
        assert!(OutputPath::read("/a/{date}-{time}", Some("Europe/Berlin")).is_ok());
        assert!(OutputPath::read("/a/b", Some("Europe/Nowhere")).is_err());
    }

    #[test]
    fn a_value_stays_in_its_own_part_of_the_path() {
        assert_eq!(part("../../etc/passwd"), ".._.._etc_passwd");
        assert_eq!((part(".."), part("a\nb")), ("__".into(), "a_b".into()));
    }

    #[test]
    fn input_name_is_the_last_part_of_a_path_or_an_address() {
        for (input, name) in [
            ("/srv/shop.db", Some("shop.db")),
            ("/srv/shop/", Some("shop")),
            (
                "postgresql://ana@host:5432/shop?sslmode=require",
                Some("shop"),
            ),
            ("shop", Some("shop")),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(input_name(input), name, "{input}");
        }
    }
}
