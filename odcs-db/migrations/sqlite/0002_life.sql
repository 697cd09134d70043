-- What a compose's life needs beside its record. Columns are added, nothing is rewritten: records of the
-- version before stay as they are, and have no events.

-- The compose that this one is to be the same as.
ALTER TABLE composes ADD COLUMN renews INTEGER REFERENCES composes (id) DEFERRABLE INITIALLY DEFERRED;
-- Hex digits: composes that have it in common would be the same.
ALTER TABLE composes ADD COLUMN fingerprint TEXT;
-- Under which lease it was recorded, and as the how-manieth of those that have it in common: later ones wait
-- for earlier ones.
ALTER TABLE composes ADD COLUMN fingerprint_lease INTEGER;
ALTER TABLE composes ADD COLUMN fingerprint_order INTEGER;
-- Seconds that the lease was given for: one that ends later than twice that from now was given before the clock
-- was set back.
ALTER TABLE composes ADD COLUMN lease_length INTEGER;
-- The Pungi configuration that it was made with.
ALTER TABLE composes ADD COLUMN pungi_config_dump TEXT;

CREATE INDEX composes_fingerprint ON composes (fingerprint) WHERE fingerprint IS NOT NULL;
-- What speaks of a record is found without reading all of them when one is deleted by hand.
CREATE INDEX composes_renews ON composes (renews) WHERE renews IS NOT NULL;

-- JSON: what went into a compose, file by file. On its own, for it is long, and lists do not want it.
CREATE TABLE manifests (
    compose_id INTEGER PRIMARY KEY REFERENCES composes (id),
    manifest TEXT NOT NULL
) STRICT;

-- Changes of state on their way out, written in the transaction of the change. AUTOINCREMENT: numbers rise
-- in the order in which things happened, and none comes twice. No reference to the record: what is to be
-- told stays true, whatever is deleted by hand.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    compose_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    -- NULL for a compose that has just been submitted.
    from_state INTEGER,
    -- JSON: the record right after the change.
    record TEXT NOT NULL,
    -- When it was delivered; NULL until then.
    delivered INTEGER
) STRICT;

-- The outbox: small however long the history is, and in the order of delivery.
CREATE INDEX events_undelivered ON events (id) WHERE delivered IS NULL;
