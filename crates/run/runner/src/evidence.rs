//! A call's evidence, in a form that the ledger accepts. A tool's output must not prevent the recording of its call.

use serde_json::{Map, Value as Json, json};

/// The size limit of one call's evidence, in bytes of JSON. The contract's limit is 64 KiB, and a conclusion may
/// contain two calls.
const MAX_BYTES: usize = 24 << 10;

/// The size limit of one value where the evidence is too large.
const MAX_VALUE_BYTES: usize = 1 << 10;

/// Makes evidence storable: bounded, and without the NUL character, which PostgreSQL cannot store.
pub(crate) fn sanitize(evidence: Map<String, Json>) -> Map<String, Json> {
    let Json::Object(clean) = without_nul(Json::Object(evidence)) else {
        return Map::new();
    };
    if size(&clean) <= MAX_BYTES {
        return clean;
    }
    let (mut kept, mut left_out) = (Map::new(), Vec::new());
    for (name, fact) in clean {
        let enough = size(&kept) + MAX_VALUE_BYTES <= MAX_BYTES;
        if enough && fact.to_string().len() <= MAX_VALUE_BYTES && name.len() <= MAX_VALUE_BYTES / 4
        {
            kept.insert(name, fact);
        } else if left_out.len() < 20 {
            left_out.push(name.chars().take(100).collect::<String>());
        }
    }
    kept.insert("omitted_keys".to_owned(), json!(left_out));
    kept
}

fn size(evidence: &Map<String, Json>) -> usize {
    serde_json::to_string(evidence).map_or(usize::MAX, |text| text.len())
}

fn without_nul(json: Json) -> Json {
    let clean = |text: String| text.replace('\0', "\u{fffd}");
    match json {
        Json::String(text) => Json::String(clean(text)),
        Json::Array(items) => items.into_iter().map(without_nul).collect(),
        Json::Object(members) => members
            .into_iter()
            .map(|(name, value)| (clean(name), without_nul(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: Json) -> Map<String, Json> {
        match json {
            Json::Object(members) => members,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn evidence_within_limits_is_unchanged() {
        let evidence = of(json!({"exit_status": 0, "stdout": {"bytes": 3}}));
        assert_eq!(sanitize(evidence.clone()), evidence);
    }

    #[test]
    fn nul_character_is_replaced_in_keys_and_values() {
        let evidence = of(json!({"a\0": ["b\0", {"c": "d\0"}]}));
        let stored = sanitize(evidence);
        assert_eq!(
            stored,
            of(json!({"a\u{fffd}": ["b\u{fffd}", {"c": "d\u{fffd}"}]}))
        );
    }

    #[test]
    fn oversized_values_are_omitted_and_listed() {
        let mut evidence = of(json!({"exit_status": 1, "notes": "x".repeat(MAX_BYTES)}));
        for number in 0..1000 {
            evidence.insert(format!("fact {number:04}"), json!("y".repeat(100)));
        }
        let stored = sanitize(evidence);
        assert!(size(&stored) < 2 * MAX_BYTES, "{}", size(&stored));
        assert_eq!(stored["exit_status"], 1);
        assert!(!stored.contains_key("notes"));
        assert!(!stored["omitted_keys"].as_array().unwrap().is_empty());
    }
}
