//! SHA-256, as reports and the protocol write it.

use sha2::{Digest as _, Sha256};

/// `sha256:` and 64 lower-case hexadecimal digits.
pub fn digest_of(bytes: impl AsRef<[u8]>) -> String {
    let digest = Sha256::digest(bytes.as_ref());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Whether two texts are the same SHA-256 digest, with or without `sha256:` before it, in either case.
pub(crate) fn is_same_digest(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.strip_prefix("sha256:").unwrap_or(text).to_lowercase();
    bare(one) == bare(other)
}
