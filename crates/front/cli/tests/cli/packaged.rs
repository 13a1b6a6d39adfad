//! What is in packaging/ fits this program.

use std::process::Command;

#[test]
fn units_and_container_fit_the_program() {
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../packaging/check");
    let checked = Command::new(check)
        .arg(env!("CARGO_BIN_EXE_dotwrap"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    let why = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}{why}");
    eprintln!("{said}");
}
