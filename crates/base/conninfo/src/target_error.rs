//! Why a connection target cannot be understood.

/// Why a connection target cannot be understood. It repeats nothing of what was given but the names of certificate
/// files: any of it could be a piece of a password in the wrong place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A parameter that libpq knows and this client cannot honour.
    #[error("the connection parameter \"{keyword}\" is not supported")]
    NotSupported {
        /// The parameter.
        keyword: &'static str,
    },
    /// An unknown parameter that resembles a known one.
    #[error("a connection parameter is not known; was \"{similar}\" meant?")]
    MistypedParameter {
        /// The parameter that it is like.
        similar: &'static str,
    },
    /// An unknown parameter, most likely a part of a value.
    #[error(
        "a connection parameter is not known, and not repeated here, since it may be a piece of a password: in a URL \"?\", \"&\" and \"/\" of a value are written %3F, %26 and %2F, and a value with spaces stands in single quotes where keyword=value pairs are given"
    )]
    UnknownParameter,
    /// A URL's database holds an `@`: most likely the `/` before it belongs to a password.
    #[error(
        "the database of a URL contains \"@\": in a password \"/\" is written %2F and \"?\" %3F, in a database's name \"@\" is written %40"
    )]
    AtSignInDatabase,
    /// A parameter's value is none of those it may have.
    #[error("the value of the connection parameter \"{keyword}\" is not usable")]
    InvalidValue {
        /// The parameter.
        keyword: &'static str,
    },
    /// Neither a URL nor keyword and value.
    #[error("expected a URL (postgresql://user@host:port/database) or keyword=value pairs")]
    NotKeywordAndValue,
    /// A parameter of a URL has no value.
    #[error("a parameter behind the question mark has no value")]
    QueryWithoutValue,
    /// A quoted value does not end.
    #[error("a quoted value does not end")]
    OpenQuote,
    /// A part decodes to something other than text.
    #[error("a part of the URL decodes to something that is not text")]
    NotText,
    /// Certificates, keys or their files are not usable.
    #[error("TLS cannot be set up: {reason}")]
    Tls {
        /// What is wrong.
        reason: String,
    },
}
