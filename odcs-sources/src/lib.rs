//! Where the packages of a compose come from
