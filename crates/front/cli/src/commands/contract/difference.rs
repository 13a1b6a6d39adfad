//! What changes in a contract, field by field.
use dotwrap_wrapper::Contract;
use serde_json::{Map, Value as Json};

/// Fields that say nothing about the call.
const LEFT_OUT: [&str; 4] = ["dot_code", "mode", "created_at", "contract_sha256"];

/// The longest text of one value; a longer one is cut.
const LONGEST_VALUE: usize = 200;

/// The lines `field: old → new`. Values of variables may be secrets: for them only the names are told.
pub(super) fn lines(before: &Contract, after: &Contract) -> Vec<String> {
    let object = |contract: &Contract| match serde_json::to_value(contract) {
        Ok(Json::Object(fields)) => fields,
        _ => Map::new(),
    };
    let mut found = Vec::new();
    compare("", &object(before), &object(after), &mut found);
    found
}

fn compare(
    above: &str,
    before: &Map<String, Json>,
    after: &Map<String, Json>,
    found: &mut Vec<String>,
) {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        if above.is_empty() && LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        let path = match above.is_empty() {
            true => name.clone(),
            false => format!("{above}.{name}"),
        };
        match (before.get(name), after.get(name)) {
            (old, new) if old == new => {}
            (Some(Json::Object(old)), Some(Json::Object(new))) => {
                compare(&path, old, new, found);
            }
            (old, new) if path.starts_with("invocation.variables") => {
                found.push(match (old, new) {
                    (None, _) => format!("{path}: added"),
                    (_, None) => format!("{path}: removed"),
                    _ => format!("{path}: changed"),
                });
            }
            (old, new) => found.push(format!("{path}: {} → {}", shown(old), shown(new))),
        }
    }
}

fn shown(value: Option<&Json>) -> String {
    let text = match value {
        None | Some(Json::Null) => return "none".to_owned(),
        Some(value) => value.to_string(),
    };
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    let cut: String = text.chars().take(LONGEST_VALUE).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(json: Json) -> Map<String, Json> {
        match json {
            Json::Object(fields) => fields,
            other => panic!("{other} is no object"),
        }
    }

    fn difference(before: Json, after: Json) -> Vec<String> {
        let mut found = Vec::new();
        compare("", &of(before), &of(after), &mut found);
        found
    }

    #[test]
    fn each_changed_field_is_a_line() {
        let lines = difference(
            json!({"timeout_ms": 1000, "invocation": {"args": ["a"], "shell": false}, "mode": "DRY_RUN"}),
            json!({"timeout_ms": 2000, "invocation": {"args": ["a", "b"], "shell": false}, "mode": "REAL_RUN"}),
        );
        assert_eq!(
            lines,
            [
                r#"invocation.args: ["a"] → ["a","b"]"#,
                "timeout_ms: 1000 → 2000"
            ]
        );
    }

    #[test]
    fn values_of_variables_are_not_told() {
        let lines = difference(
            json!({"invocation": {"variables": {"TOKEN": "old", "GONE": "x"}}}),
            json!({"invocation": {"variables": {"TOKEN": "new", "HERE": "y"}}}),
        );
        assert_eq!(
            lines,
            [
                "invocation.variables.GONE: removed",
                "invocation.variables.HERE: added",
                "invocation.variables.TOKEN: changed"
            ]
        );
    }

    #[test]
    fn variables_that_are_added_as_a_whole_are_not_told_either() {
        let lines = difference(
            json!({"invocation": {}}),
            json!({"invocation": {"variables": {"TOKEN": "new"}}}),
        );
        assert_eq!(lines, ["invocation.variables: added"]);
    }
}
