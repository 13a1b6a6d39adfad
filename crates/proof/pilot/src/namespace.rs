//! Namespaces: `DRYRUN-NS:kg/explain` and what lies below it.

/// Whether a name is a namespace, or lies below it: after it comes `/` or `:`.
///
/// A name below must stay below: `..` and backslashes are refused, and `%` too, because decoding it later may yield
/// either.
pub fn is_within(namespace: &str, name: &str) -> bool {
    if namespace.is_empty() {
        return false;
    }
    let Some(below) = name.strip_prefix(namespace) else {
        return false;
    };
    let is_separated = namespace.ends_with(['/', ':']) || below.starts_with(['/', ':']);
    let climbs = below.contains("..") || below.contains(['\\', '%']);
    below.is_empty() || (is_separated && !climbs && !below.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_within_its_namespace_or_below_it() {
        for name in ["NS:kg", "NS:kg/a", "NS:kg:a", "NS:kg/a/b.c"] {
            assert!(is_within("NS:kg", name), "{name}");
        }
        assert!(is_within("NS:kg/", "NS:kg/a"));
    }

    #[test]
    fn a_name_beside_its_namespace_or_that_climbs_out_is_not() {
        for name in [
            "",
            "NS",
            "NS:k",
            "NS:kgx",
            "NS:KG/a",
            " NS:kg",
            "NS:kg/../x",
            "NS:kg/a/..",
            "NS:kg/%2e%2e/x",
            "NS:kg/a\\b",
            "NS:kg/a\nb",
        ] {
            assert!(!is_within("NS:kg", name), "{name}");
        }
        assert!(!is_within("", "anything"));
    }
}
