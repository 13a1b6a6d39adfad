//! The sample catalogue is built in: a file added to it has to rebuild the program.

fn main() {
    println!("cargo::rerun-if-changed=../../../catalogue");
}
