#![doc = include_str!("../../../../docs/plugins.md")]
