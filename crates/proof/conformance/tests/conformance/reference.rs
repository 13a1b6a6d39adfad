//! `docs/reference/sql.md` and the committed catalogue are what an installation has, and everything public is
//! described.
//!
//! `DOTWRAP_WRITE_REFERENCE=1 cargo test -p dotwrap-conformance reference::` writes both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use dotwrap_contract::{access, apply, comments};
use serde_json::Value as Json;
use tokio_postgres::Client;

use crate::common::catalogue::catalogue;
use crate::common::{Backend, TestContext, execute, rows};
use crate::install::options;

/// Compares a committed file with what it should be, or writes it.
fn assert_committed(path: &str, wanted: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .join(path);
    if std::env::var_os("DOTWRAP_WRITE_REFERENCE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, wanted).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let (committed, wanted): (BTreeSet<&str>, BTreeSet<&str>) =
        (committed.lines().collect(), wanted.lines().collect());
    let surplus: Vec<_> = committed.difference(&wanted).collect();
    let missing: Vec<_> = wanted.difference(&committed).collect();
    assert!(
        surplus.is_empty() && missing.is_empty(),
        "{} is not up to date (DOTWRAP_WRITE_REFERENCE=1 writes it):\nsurplus {surplus:#?}\nmissing {missing:#?}",
        path.display()
    );
}

fn text<'a>(row: &'a Json, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

const FUNCTIONS: &str = "SELECT p.proname AS name, pg_get_function_result(p.oid) AS result, p.prosrc AS body,
    obj_description(p.oid, 'pg_proc') AS comment,
    (SELECT jsonb_agg(jsonb_build_object('name', a.name, 'type', format_type(a.type, NULL),
       'default', CASE WHEN a.place > p.pronargs - p.pronargdefaults
         THEN coalesce(pg_get_function_arg_default(p.oid, a.place::int), 'NULL') END) ORDER BY a.place)
     FROM ROWS FROM (unnest(p.proargnames[1:p.pronargs]), unnest(p.proargtypes::oid[])) WITH ORDINALITY AS a (name, type, place))
     AS arguments
    FROM pg_proc p WHERE p.pronamespace = 'dot'::regnamespace ORDER BY p.proname";

const RELATIONS: &str = "SELECT c.relname AS name, c.relkind::text AS kind, obj_description(c.oid, 'pg_class') AS comment,
    (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
       'comment', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM pg_class c WHERE c.relnamespace = 'dot'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY c.relname";

/// The refusal codes that a function's text names, and those of the functions that it calls.
fn refusals(
    name: &str,
    bodies: &BTreeMap<String, String>,
    codes: &[String],
    seen: &mut BTreeSet<String>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if !seen.insert(name.to_owned()) {
        return found;
    }
    let Some(body) = bodies.get(name) else {
        return found;
    };
    found.extend(
        codes
            .iter()
            .filter(|code| body.contains(&format!("'{code}'")))
            .cloned(),
    );
    let words = body.split(|next: char| next != '_' && !next.is_ascii_alphanumeric());
    for called in words.filter(|word| bodies.contains_key(*word)) {
        found.extend(refusals(called, bodies, codes, seen));
    }
    found
}

fn function_section(page: &mut String, row: &Json, codes: &BTreeSet<String>) {
    let name = text(row, "name");
    let _ = write!(page, "\n### `{name}`\n\n{}\n", text(row, "comment"));
    let roles = access().functions[name]
        .iter()
        .map(|role| format!("`dot_{role}`"));
    let _ = writeln!(page, "\nCallers: {}.", roles.collect::<Vec<_>>().join(", "));
    if let Some(arguments) = row["arguments"].as_array() {
        page.push_str("\n| argument | type | default |\n| --- | --- | --- |\n");
        for argument in arguments {
            let default = argument["default"].as_str();
            let default = default.map_or("required".to_owned(), |text| format!("`{}`", cell(text)));
            let _ = writeln!(
                page,
                "| `{}` | {} | {default} |",
                text(argument, "name"),
                text(argument, "type")
            );
        }
    }
    let _ = writeln!(page, "\nResult: `{}`.", text(row, "result"));
    if !codes.is_empty() {
        let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
        let _ = writeln!(page, "\nRefusals, at most: {}.", codes.join(", "));
    }
    let example = &comments().functions[name].example;
    if !example.is_empty() {
        let _ = write!(page, "\n```sql\n{example};\n```\n");
    }
}

fn relation_section(page: &mut String, row: &Json) {
    let _ = write!(
        page,
        "\n### `{}`\n\n{}\n\n| column | type | meaning |\n| --- | --- | --- |\n",
        text(row, "name"),
        text(row, "comment")
    );
    for column in row["columns"].as_array().unwrap() {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} |",
            text(column, "name"),
            text(column, "type"),
            cell(text(column, "comment"))
        );
    }
}

async fn reference(client: &Client) -> String {
    let functions = rows(client, FUNCTIONS).await;
    let relations = rows(client, RELATIONS).await;
    let refused = rows(
        client,
        "SELECT code, sqlstate, kind, hint FROM dot.v_dot_refusal_code ORDER BY code",
    )
    .await;
    let codes: Vec<String> = refused
        .iter()
        .map(|row| text(row, "code").to_owned())
        .collect();
    let bodies: BTreeMap<String, String> = functions
        .iter()
        .map(|row| (text(row, "name").to_owned(), text(row, "body").to_owned()))
        .collect();
    let mut page = "# SQL reference\n\nThe public functions, views and tables of the contract, generated from an installation in the schema `dot` \
        with the role prefix `dot`.\nA refusal raises: `CONSTRAINT` is its code, `HINT` says what to do. Only the owner writes tables. \
        *Refusals, at most* are the codes that the function and those that it calls can raise; some cannot occur in this call. \
        [contract.md](../design/contract.md) has the rules.\n\n## Functions\n".to_owned();
    for row in &functions {
        let name = text(row, "name");
        if access().functions.contains_key(name) {
            let codes = refusals(name, &bodies, &codes, &mut BTreeSet::new());
            function_section(&mut page, row, &codes);
        }
    }
    for (kind, title) in [("v", "Views"), ("r", "Tables")] {
        let _ = write!(page, "\n## {title}\n");
        for row in relations.iter().filter(|row| text(row, "kind") == kind) {
            relation_section(&mut page, row);
        }
    }
    page.push_str("\n## Refusal codes\n\n| code | SQLSTATE | kind | what to do |\n| --- | --- | --- | --- |\n");
    for row in &refused {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            text(row, "code"),
            text(row, "sqlstate"),
            text(row, "kind"),
            cell(text(row, "hint"))
        );
    }
    page
}

#[tokio::test]
async fn reference_page_equals_an_installation() {
    let stage = TestContext::empty(Backend::Pg15).await;
    apply(&stage.installer().await, &options(&stage))
        .await
        .unwrap();
    let page = reference(&stage.superuser().await).await;
    assert_committed("docs/reference/sql.md", &page);
}

#[tokio::test]
async fn committed_catalogue_equals_an_installation() {
    let stage = TestContext::empty(Backend::Pg15).await;
    let options = options(&stage);
    apply(&stage.installer().await, &options).await.unwrap();
    let lines = catalogue(&stage.superuser().await, &options.role_prefix).await;
    // The bodies of functions and views are in sql/; comments are on the reference page.
    let lines: Vec<String> = lines
        .into_iter()
        .filter(|line| !line.starts_with("view ") && !line.starts_with("comment "))
        .map(|line| match line.split_once(" AS $function$") {
            Some((head, _)) => head.replace('\n', " "),
            None => line.replace('\n', " "),
        })
        .collect();
    assert_committed(
        "crates/proof/conformance/fixtures/catalogue.txt",
        &(lines.join("\n") + "\n"),
    );
}

#[tokio::test]
async fn every_relation_and_column_is_described() {
    let stage = TestContext::empty(Backend::Pg15).await;
    apply(&stage.installer().await, &options(&stage))
        .await
        .unwrap();
    let relations = rows(&stage.superuser().await, RELATIONS).await;
    let comments = comments();
    let (mut names, mut columns, mut qualified) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut missing = Vec::new();
    for row in &relations {
        let name = text(row, "name");
        names.insert(name.to_owned());
        if row["comment"].is_null() {
            missing.push(name.to_owned());
        }
        for column in row["columns"].as_array().unwrap() {
            columns.insert(text(column, "name").to_owned());
            qualified.insert(format!("{name}.{}", text(column, "name")));
            if column["comment"].is_null() {
                missing.push(format!("{name}.{}", text(column, "name")));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "comments.toml does not describe {missing:#?}"
    );
    let surplus: Vec<_> = comments
        .relations
        .keys()
        .filter(|name| !names.contains(*name))
        .chain(
            comments
                .columns
                .keys()
                .filter(|name| !columns.contains(*name)),
        )
        .chain(
            comments
                .relation_columns
                .keys()
                .filter(|name| !qualified.contains(*name)),
        )
        .collect();
    assert!(
        surplus.is_empty(),
        "comments.toml describes what is not there: {surplus:#?}"
    );
}

#[tokio::test]
async fn examples_of_the_reference_can_be_planned() {
    let stage = TestContext::empty(Backend::Pg15).await;
    let owner = stage.installer().await;
    apply(&owner, &options(&stage)).await.unwrap();
    for function in comments()
        .functions
        .values()
        .filter(|function| !function.example.is_empty())
    {
        execute(
            &stage.superuser().await,
            &format!("EXPLAIN {}", function.example),
        )
        .await;
    }
}
