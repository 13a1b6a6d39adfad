//! Which of two dotwraps is the newer one.

use std::cmp::Ordering;

/// Whether a version is above another, by the order of semantic versioning. Of what is no such version nothing is
/// known, so it is above none.
pub(crate) fn is_above(one: &str, other: &str) -> bool {
    match (Version::parse(one), Version::parse(other)) {
        (Some(one), Some(other)) => one.compare(&other) == Ordering::Greater,
        _ => false,
    }
}

/// `MAJOR.MINOR.PATCH[-PRE.RELEASE][+build]`; the build says nothing about the order.
struct Version<'a> {
    numbers: [u64; 3],
    pre_release: Option<&'a str>,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.split('+').next()?;
        let (release, pre_release) = match text.split_once('-') {
            Some((release, pre_release)) => (release, Some(pre_release)),
            None => (text, None),
        };
        let mut parts = release.split('.').map(|part| part.parse().ok());
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self {
            numbers,
            pre_release,
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let pre_releases = || match (self.pre_release, other.pre_release) {
            (None, None) => Ordering::Equal,
            // A pre-release comes before its release.
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(other)) => identifiers(one).cmp(identifiers(other)),
        };
        self.numbers.cmp(&other.numbers).then_with(pre_releases)
    }
}

/// The identifiers of a pre-release in the order that they have: numbers by their value and before all words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    Number(u64),
    Word(&'a str),
}

fn identifiers(pre_release: &str) -> impl Iterator<Item = Identifier<'_>> {
    pre_release.split('.').map(|part| {
        part.parse()
            .map_or(Identifier::Word(part), Identifier::Number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semantic_versioning_has_them() {
        let rising = [
            "0.9.10",
            "0.10.0",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
        ];
        for (position, lower) in rising.iter().enumerate() {
            assert!(!is_above(lower, lower), "{lower}");
            for higher in &rising[position + 1..] {
                assert!(is_above(higher, lower), "{higher} > {lower}");
                assert!(!is_above(lower, higher), "{lower} < {higher}");
            }
        }
    }

    #[test]
    fn build_metadata_is_ignored_and_invalid_versions_sort_lowest() {
        assert!(!is_above("1.0.0+two", "1.0.0+one"));
        for text in ["", "1.0", "1.0.0.0", "of the future"] {
            assert!(!is_above(text, "0.1.0"), "{text}");
        }
        assert!(!is_above("1.0.0", "unknown"));
    }

    #[test]
    fn this_program_has_a_version_that_can_be_compared() {
        assert!(is_above("999.0.0", crate::VERSION));
        assert!(is_above(crate::VERSION, "0.0.0"));
    }
}
