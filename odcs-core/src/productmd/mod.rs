//! The metadata of a compose, in the formats that release tooling reads (productmd 1.2):
//! [`ComposeInfo`], [`Rpms`], [`Modules`] and [`Images`] below `compose/metadata/`, [`TreeInfo`], [`DiscInfo`]
//! and [`MediaRepo`] in each tree.
//!
//! What is written is a pure function of the values: keys in a fixed order, no clocks.

mod composeinfo;
mod ident;
mod images;
pub mod ini;
mod json;
mod modules;
mod rpms;
mod tree;

pub use composeinfo::{ArchPaths, ComposeInfo, Release, Variant, VariantPaths};
pub use ident::{ComposeIdent, ComposeInfoSection, ComposeKind};
pub use images::{Image, Images};
pub use modules::{Module, ModuleMetadata, Modules};
pub use rpms::{Builds, Category, Rpm, RpmEntry, Rpms, source_nevra};
pub use tree::{Disc, DiscInfo, MediaRepo, TreeInfo};

/// The variant that every compose of this service consists of.
pub const VARIANT: &str = "Temporary";

#[cfg(test)]
mod tests;
