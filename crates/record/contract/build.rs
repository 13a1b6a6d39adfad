//! A new `.sql` file is part of the contract from the next build on: the macro that embeds the folder only notices
//! changes to files that it knows.

fn main() {
    println!("cargo:rerun-if-changed=sql");
}
