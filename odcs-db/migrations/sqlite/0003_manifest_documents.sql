-- What went into a compose, compressed: a sixth to write, and to keep for ever. A column is added, nothing is
-- rewritten: what was recorded before stays as it is in `manifest`, which is empty where there is a document.
ALTER TABLE manifests ADD COLUMN document BLOB;

-- A service of the version before, which has the database open meanwhile, knows nothing of documents: what it records
-- is what counts then.
CREATE TRIGGER manifests_without_document AFTER UPDATE OF manifest ON manifests
WHEN NEW.manifest <> '' AND NEW.document IS NOT NULL
BEGIN
    UPDATE manifests SET document = NULL WHERE compose_id = NEW.compose_id;
END;
