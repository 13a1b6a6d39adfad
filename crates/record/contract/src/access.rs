//! `access.toml`: who may do what.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::source;

/// The declared roles and grants, names without the role prefix.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Every role of an installation.
    pub roles: BTreeMap<String, RoleAccess>,
    /// Who reads the views.
    pub views: Views,
    /// Who reads the raw tables.
    pub tables: Select,
    /// Function name to the roles that may call it.
    pub functions: BTreeMap<String, Vec<String>>,
    /// Functions that run with the checker's rights.
    pub checker_owned: CheckerOwned,
}

/// One role.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleAccess {
    /// Whether it can log in; the installing user becomes a member of those that can.
    pub login: bool,
    /// Roles whose rights it has too.
    #[serde(default)]
    pub inherits: Vec<String>,
    /// What it is for; kept as the role's comment where that is allowed.
    pub comment: String,
}

/// Roles that may SELECT views.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Views {
    /// Who reads every view that is not named below.
    pub select: Vec<String>,
    /// View name to the roles that may read it, instead of those above.
    #[serde(default)]
    pub narrower: BTreeMap<String, Vec<String>>,
}

impl Views {
    /// Who may read a view.
    pub fn readers_of(&self, view: &str) -> &[String] {
        self.narrower.get(view).unwrap_or(&self.select)
    }
}

/// Roles that may SELECT.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Select {
    /// Their names.
    pub select: Vec<String>,
}

/// Functions owned by the checker.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckerOwned {
    /// Their names.
    pub functions: Vec<String>,
}

/// The declaration that this program carries.
///
/// # Panics
/// Never in a build that passed its tests: the file is part of the program.
pub fn access() -> &'static Access {
    static ACCESS: LazyLock<Access> = LazyLock::new(|| {
        toml::from_str(source::access_text()).expect("access.toml is part of the program")
    });
    &ACCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_declared_roles_and_existing_functions_are_granted() {
        let access = access();
        let named = access
            .functions
            .values()
            .flatten()
            .chain(&access.views.select)
            .chain(access.views.narrower.values().flatten())
            .chain(&access.tables.select);
        for role in named.chain(access.roles.values().flat_map(|role| &role.inherits)) {
            assert!(access.roles.contains_key(role), "{role}");
        }
        for function in access
            .functions
            .keys()
            .chain(&access.checker_owned.functions)
        {
            let declared = format!("FUNCTION {function}(");
            assert!(
                source::files("")
                    .iter()
                    .any(|file| file.text.contains(&declared)),
                "{function}"
            );
        }
        for view in access.views.narrower.keys() {
            let declared = format!("VIEW {view} AS");
            let mut files = source::files("").into_iter();
            assert!(files.any(|file| file.text.contains(&declared)), "{view}");
        }
    }
}
