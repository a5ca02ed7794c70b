//! A migration that is added or changed builds this crate again.

fn main() {
    println!("cargo:rerun-if-changed=../migrations/vault");
    println!("cargo:rerun-if-changed=../migrations/register");
}
