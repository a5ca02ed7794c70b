//! Closed sets of values, each with the name that it has in the log, in policies and in records.

/// Lists a closed set: an enum, all of its values, and the name of each both ways. A value that is added is in all of these, and cannot be in one of them alone.
macro_rules! named {
    ($(#[$of_all:meta])* $enum:ident $name:ident $from_name:ident { $($(#[$of_one:meta])* $value:ident $stored:literal,)* }) => {
        $(#[$of_all])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $enum {
            $($(#[$of_one])* #[serde(rename = $stored)] $value,)*
        }

        impl $enum {
            /// All there are.
            pub const ALL: [Self; [$($stored,)*].len()] = [$(Self::$value,)*];

            /// As it is stored.
            pub fn $name(self) -> &'static str {
                match self { $(Self::$value => $stored,)* }
            }

            /// The one that is stored so.
            pub fn $from_name(stored: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|known| known.$name() == stored)
            }
        }
    };
}
