//! A target for programs that use libpq, such as `pg_restore`.

use crate::{ConnectionTarget, TargetError, parameters::Parameters};

/// The variable that holds a password.
const PASSWORD: &str = "PGPASSWORD";

impl ConnectionTarget {
    /// The environment variables by which libpq's programs connect as this client does for an argument of
    /// [`ConnectionTarget::parse`], the password among them: unlike a command line, other accounts cannot read them.
    ///
    /// # Errors
    /// As [`ConnectionTarget::parse`].
    pub fn libpq_environment(text: &str) -> Result<Vec<(&'static str, String)>, TargetError> {
        let target = Self::parse(text)?;
        let environment = |name: &str| std::env::var(name).ok();
        let parameters = Parameters::parse(text.trim())?.with_defaults_from(environment);
        let mut variables = parameters.as_environment();
        variables.retain(|(name, _)| *name != PASSWORD);
        // It may come from a password file.
        let password = target.config().get_password().map(String::from_utf8_lossy);
        variables.extend(password.map(|password| (PASSWORD, password.into_owned())));
        Ok(variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libpqs_programs_get_the_parameters_by_their_environment() {
        let text = "postgresql://me:hunter2@h:7/d?sslmode=require&keepalives=1&passfile=/nowhere";
        let variables = ConnectionTarget::libpq_environment(text).unwrap();
        for (name, value) in [
            ("PGHOST", "h"),
            ("PGPORT", "7"),
            ("PGDATABASE", "d"),
            ("PGUSER", "me"),
            ("PGPASSWORD", "hunter2"),
            ("PGSSLMODE", "require"),
        ] {
            assert!(variables.contains(&(name, value.to_owned())), "{name}");
        }
    }
}
