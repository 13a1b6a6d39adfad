//! Builders of calls: required members, optional members, and defaults.

/// Declares the description of a call as a struct with public fields, a `new` that takes what is
/// required, and a setter for each of the rest.
macro_rules! description {
    (
        $(#[$documentation:meta])*
        pub struct $name:ident {
            required {
                $( $(#[$required_documentation:meta])* $required:ident: $required_type:ty, )*
            }
            optional {
                $( $(#[$optional_documentation:meta])* $optional:ident: $optional_type:ty, )*
            }
            defaulted {
                $( $(#[$defaulted_documentation:meta])* $defaulted:ident: $defaulted_type:ty = $default:expr, )*
            }
        }
    ) => {
        $(#[$documentation])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$required_documentation])* pub $required: $required_type, )*
            $( $(#[$optional_documentation])* pub $optional: Option<$optional_type>, )*
            $( $(#[$defaulted_documentation])* pub $defaulted: $defaulted_type, )*
        }

        impl $name {
            /// Takes the required members; the others have the default that each field names.
            pub fn new($( $required: impl Into<$required_type> ),*) -> Self {
                Self {
                    $( $required: $required.into(), )*
                    $( $optional: None, )*
                    $( $defaulted: $default, )*
                }
            }

            $(
                $(#[$optional_documentation])*
                #[must_use]
                pub fn $optional(mut self, $optional: impl Into<$optional_type>) -> Self {
                    self.$optional = Some($optional.into());
                    self
                }
            )*

            $(
                $(#[$defaulted_documentation])*
                #[must_use]
                pub fn $defaulted(mut self, $defaulted: impl Into<$defaulted_type>) -> Self {
                    self.$defaulted = $defaulted.into();
                    self
                }
            )*
        }
    };
}
pub(crate) use description;
