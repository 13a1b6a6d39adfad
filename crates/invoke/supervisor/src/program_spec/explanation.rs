//! What the keys of a program come to, in sentences for people: one for each rule, also where it is the default.

use std::time::Duration;

use super::ProgramSpec;
use crate::{Home, Limits, VariableSource};

impl ProgramSpec {
    /// The rules of this program in sentences. `is_real`: in a real run.
    pub fn explain(&self, is_real: bool) -> Vec<String> {
        let mut rules = vec![self.explain_program()];
        rules.extend(self.explain_environment(is_real));
        rules.extend(self.explain_variables());
        rules.extend(self.explain_sandbox(is_real));
        rules.extend(explain_limits(&self.limits));
        rules
    }

    fn explain_program(&self) -> String {
        if self.program.contains('/') {
            return format!("It calls the program {}.", self.program);
        }
        let first = match self.path.as_slice() {
            [] => String::new(),
            folders => format!(
                "{}, then in ",
                listed(folders.iter().map(|path| path.display()))
            ),
        };
        format!(
            "It calls the program `{}`, which is looked for in {first}the system's folders, never in the caller's PATH.",
            self.program
        )
    }

    fn explain_environment(&self, is_real: bool) -> Vec<String> {
        let mut rules = Vec::new();
        rules.push(match (self.environment.as_slice(), is_real) {
            ([], _) => "No variable of the runner's environment is required.".to_owned(),
            (names, true) => format!(
                "It gets {} of the runner's environment; the run is refused if one is missing.",
                listed(names)
            ),
            (names, false) => format!(
                "It gets {} of the runner's environment; a missing one is a warning.",
                listed(names)
            ),
        });
        if !self.environment_optional.is_empty() {
            rules.push(format!(
                "It gets {} of the runner's environment where they are there.",
                listed(&self.environment_optional)
            ));
        }
        rules.push("It gets no other variable of the runner's environment.".to_owned());
        rules.push(match self.home {
            Home::Own => "Its HOME is an empty folder of the call.".to_owned(),
            Home::Runner => "Its HOME is the runner's.".to_owned(),
        });
        rules.push(match &self.time_zone {
            Some(zone) => format!("Its time zone (TZ) is {zone}."),
            None => "Its time zone is the system's: TZ is not set.".to_owned(),
        });
        rules
    }

    fn explain_variables(&self) -> Vec<String> {
        let mut rules = Vec::new();
        if !self.variables.is_empty() {
            rules.push(format!(
                "The contract has values for the variables {}; readers of the registry do not see them.",
                listed(self.variables.keys())
            ));
        }
        for (name, source) in self.secret_variables.sources() {
            let place = match source {
                VariableSource::File(path) => format!("the file {}", path.display()),
                VariableSource::Environment(variable) => {
                    format!("the runner's variable {variable}")
                }
            };
            rules.push(format!(
                "{name} is a secret from {place}; the run is refused if it cannot be had, and fails if the tool says it."
            ));
        }
        rules
    }

    fn explain_sandbox(&self, is_real: bool) -> Vec<String> {
        if is_real {
            return self.explain_privileges();
        }
        let own = "its own folder and devices that keep nothing";
        let places = match self.writes.is_empty() {
            true => own.to_owned(),
            false => format!("{own}, and {}", listed(&self.writes)),
        };
        vec![
            format!("It can write only to {places}."),
            match self.require_sandbox {
                true => "The run is refused if the system has no complete sandbox.".to_owned(),
                false => "Without a complete sandbox it is called all the same, with a warning, unless the setting require_sandbox says otherwise.".to_owned(),
            },
            "It gains no rights by executing a program.".to_owned(),
            "Every process that it leaves is ended.".to_owned(),
        ]
    }

    fn explain_privileges(&self) -> Vec<String> {
        vec![
            "It may write wherever the runner's account may.".to_owned(),
            match self.allow_setuid {
                true => "It may gain rights by executing a program, as sudo does (allow_setuid)."
                    .to_owned(),
                false => "It gains no rights by executing a program: sudo fails.".to_owned(),
            },
            match self.leave_running.as_slice() {
                [] => "Every process that it leaves is ended.".to_owned(),
                names => format!(
                    "Processes named {} stay when it has ended by itself; every other one is ended.",
                    listed(names)
                ),
            },
        ]
    }
}

fn explain_limits(limits: &Limits) -> Vec<String> {
    let mut rules = vec![
        format!(
            "It is stopped when it has printed more than {}.",
            bytes(limits.stdout_bytes())
        ),
        format!(
            "The first {} of its standard error are kept.",
            bytes(limits.stderr_bytes())
        ),
        format!(
            "Its output, and each file that it writes, may have {}.",
            bytes(limits.output_bytes())
        ),
        format!(
            "To end it, it gets SIGTERM, and {} later SIGKILL.",
            seconds(limits.grace())
        ),
    ];
    let each = [
        (limits.memory_bytes.map(bytes), "of memory"),
        (
            limits.cpu_seconds.map(|time| format!("{time} s")),
            "of processor time",
        ),
        (
            limits.open_files.map(|files| files.to_string()),
            "open files",
        ),
    ];
    for (limit, of) in each {
        if let Some(limit) = limit {
            rules.push(format!("Each of its processes may have {limit} {of}."));
        }
    }
    rules.push(match limits.processes {
        Some(many) => format!("It may run {many} processes at once."),
        None => "The number of its processes is not limited.".to_owned(),
    });
    rules
}

/// Texts for a sentence, each in quotes where it stands for itself.
pub fn listed(texts: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| text.to_string()).collect();
    match texts.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

/// A size in the largest unit that has no remainder.
pub fn bytes(number: u64) -> String {
    let units = [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    let unit = units
        .iter()
        .find(|(size, _)| number >= *size && number.is_multiple_of(*size));
    match unit {
        Some((size, name)) => format!("{} {name}", number / size),
        None => format!("{number} bytes"),
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_lists_read_well() {
        assert_eq!(bytes(1 << 30), "1 GiB");
        assert_eq!(bytes(1000), "1000 bytes");
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(1536), "1536 bytes");
        assert_eq!(listed(["a"]), "a");
        assert_eq!(listed(["a", "b", "c"]), "a, b and c");
        assert_eq!(seconds(Duration::from_millis(2500)), "2.5 s");
    }
}
