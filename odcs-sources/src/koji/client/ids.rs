//! The numbers that a hub knows things by. A number and a name of digits are different things to it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// The id of a build.
    BuildId,
    /// The id of an event: a point in the history of tags. Signatures have none.
    EventId,
    /// The id of a package, that is, of all builds with one name.
    PackageId,
    /// The id of an RPM.
    RpmId,
    /// The id of a tag.
    TagId,
    /// The id of a task.
    TaskId,
}
