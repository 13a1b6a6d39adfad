//! The parsers under generated inputs: arbitrary ones, and ones that resemble what is meant.

use dotwrap_fuzz::{
    catalogue_file, connection_string, strict_json_document, template, tool_report,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// Pieces of connection strings, with the odd ones among them.
fn connection_pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "postgresql://",
        "postgres://",
        "me",
        ":hunter2secret",
        "@",
        "h",
        "[::1]",
        ":5432",
        ",",
        "/",
        "d%20b",
        "?",
        "&",
        "host=",
        "/tmp",
        "sslmode=",
        "require",
        "password=",
        "'hunter2secret'",
        " ",
        "\\",
        "port=",
        "7",
        "%",
        "%41",
        "user=",
        "'",
        "dbname=",
        "é",
        "connect_timeout=",
        "-1",
    ];
    vec(select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

/// Text that is nearly JSON.
fn json_pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"is_mock\"",
        "\"verdict\"",
        "\"pass\"",
        "true",
        "false",
        "null",
        "1e400",
        "-0",
        "0.1",
        "\"\\u0000\"",
        "\"{\\\"is_mock\\\":true}\"",
        " ",
        "\n",
        "\"is_mock\":true",
        "\"is_mock\":false",
        "\u{feff}",
        "18446744073709551616",
    ];
    vec(select(pieces.to_vec()), 0..16).prop_map(|pieces| pieces.concat())
}

/// JSON that is well-formed.
fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![
            Just("is_mock".to_owned()),
            Just("verdict".to_owned()),
            ".{0,6}"
        ];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Into::into),
            vec((name, inner), 0..4)
                .prop_map(|members| { serde_json::Value::Object(members.into_iter().collect()) }),
        ]
    })
}

/// Lines of catalogue files, mixed.
fn catalogue_pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "[[tool]]\n",
        "[[contract]]\n",
        "[[fixture]]\n",
        "[[candidate]]\n",
        "dot_code = 'A'\n",
        "tier = 'B'\n",
        "teir = 'B'\n",
        "file = '../x'\n",
        "file = 'x'\n",
        "[tool.extra_metadata]\n",
        "argv = ['x']\n",
        "dot_code,tier\n",
        "A,B\n",
        "\"",
        "{",
        "}",
        "[",
        "]",
        "{\"tool\":[{\"dot_code\":\"A\"}]}",
        ",",
        ":",
        "\u{0}",
    ];
    vec(select(pieces.to_vec()), 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn connection_strings(text in prop_oneof![connection_pieces(), ".{0,60}"]) {
        connection_string(&text);
    }

    #[test]
    fn tool_reports(text in prop_oneof![
        json_pieces().prop_map(String::into_bytes),
        json_value().prop_map(|json| json.to_string().into_bytes()),
        vec(any::<u8>(), 0..80),
    ]) {
        tool_report(&text);
    }

    #[test]
    fn templates(text in prop_oneof!["[a-z{}]{0,20}", ".{0,40}"]) {
        template(&text);
    }

    #[test]
    fn strict_json_documents(text in prop_oneof![
        json_pieces().prop_map(String::into_bytes),
        json_value().prop_map(|json| json.to_string().into_bytes()),
        vec(any::<u8>(), 0..80),
    ]) {
        strict_json_document(&text);
    }

    #[test]
    fn catalogue_files(text in prop_oneof![catalogue_pieces(), ".{0,80}"]) {
        catalogue_file(&text);
    }
}
