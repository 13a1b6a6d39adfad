//! A tool's environment: nothing that was not asked for.

use std::collections::BTreeMap;

use dotwrap_invoke::{ToolCall, Values};

use crate::{CallFolder, SearchPath};

/// What every tool gets: where to look for programs, a home and a place for temporary files of its own, a locale, and
/// what the call is about (`DOT_…`).
pub(crate) fn of_call(
    call: &ToolCall,
    folder: &CallFolder,
    values: &Values,
    search_path: &SearchPath,
) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
    set("PATH", search_path.as_variable());
    set("HOME", folder.home().to_string_lossy().into_owned());
    set("TMPDIR", folder.temporary().to_string_lossy().into_owned());
    set("LANG", "C.UTF-8".to_owned());
    set("LC_ALL", "C.UTF-8".to_owned());
    set("DOT_CODE", call.dot_code.to_string());
    set("DOT_MODE", call.mode.to_string());
    set("DOT_PROCESS_RUN_ID", call.process_run_id.to_string());
    set("DOT_CORRELATION_ID", call.correlation_id.to_string());
    for (variable, place) in [
        ("DOT_INPUT", "input"),
        ("DOT_OUTPUT", "output"),
        ("DOT_OUTPUT_DIGEST", "output_digest"),
        ("DOT_NAMESPACE", "namespace"),
    ] {
        if let Some(value) = values.get(place) {
            set(variable, value.clone());
        }
    }
    environment
}

/// Adds what a contract names of the runner's own environment. Returns the names that are not in it, or are no text.
pub(crate) fn add_named(
    environment: &mut BTreeMap<String, String>,
    names: &[String],
) -> Vec<String> {
    let mut missing = Vec::new();
    for name in names {
        match std::env::var(name) {
            Ok(value) => {
                environment.insert(name.clone(), value);
            }
            Err(_) => missing.push(name.clone()),
        }
    }
    missing
}

/// The names that are not in the runner's environment, or are no text there.
pub(crate) fn missing(names: &[String]) -> Vec<&str> {
    let is_missing = |name: &&String| std::env::var(name).is_err();
    names
        .iter()
        .filter(is_missing)
        .map(String::as_str)
        .collect()
}
