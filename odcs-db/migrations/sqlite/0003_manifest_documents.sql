-- What went into a compose, compressed: a sixth to write, and to keep for ever. A column is added, nothing is
-- rewritten: what was recorded before stays as it is in `manifest`, which is empty where there is a document.
ALTER TABLE manifests ADD COLUMN document BLOB;
