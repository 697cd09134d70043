//! Compose trees on disk: hardlinks, layout, atomic publish, removal
