-- The record of every compose ever asked for; it is the job, too. The first part is what the public
-- record shows, under the names that it has always had. Times are seconds since 1970, UTC.
--
-- AUTOINCREMENT: an id is never given twice, not even after the newest row was deleted by hand.
CREATE TABLE composes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    source_type INTEGER NOT NULL,
    source TEXT NOT NULL,
    packages TEXT,
    builds TEXT,
    sigkeys TEXT,
    koji_event INTEGER,
    modular_koji_tags TEXT,
    module_defaults_url TEXT,
    scratch_modules TEXT,
    scratch_build_tasks TEXT,
    modules TEXT,
    base_module_br_name TEXT,
    base_module_br_stream TEXT,
    base_module_br_stream_version_lte INTEGER,
    base_module_br_stream_version_gte INTEGER,
    flags INTEGER NOT NULL,
    results INTEGER NOT NULL,
    arches TEXT NOT NULL,
    multilib_arches TEXT NOT NULL,
    multilib_method INTEGER NOT NULL,
    lookaside_repos TEXT NOT NULL,
    label TEXT,
    compose_type TEXT,
    target_dir TEXT NOT NULL,
    parent_pungi_compose_ids TEXT,
    respin_of TEXT,
    state INTEGER NOT NULL,
    state_reason TEXT,
    time_submitted INTEGER NOT NULL,
    time_started INTEGER,
    time_done INTEGER,
    time_removed INTEGER,
    time_to_expire INTEGER NOT NULL,
    removed_by TEXT,
    reused_id INTEGER REFERENCES composes (id) DEFERRABLE INITIALLY DEFERRED,
    koji_task_id INTEGER,
    pungi_compose_id TEXT,
    -- Seconds that the compose is kept after it has ended.
    lifetime INTEGER NOT NULL,
    -- JSON: what was asked for, as types, and what resolving pinned.
    request TEXT,
    pins TEXT,
    -- The work: who has it, until when, under which fencing number.
    lease_number INTEGER NOT NULL DEFAULT 0,
    lease_expires INTEGER,
    worker TEXT,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The queue: small however many records there are, and in the order in which they are claimed.
CREATE INDEX composes_unfinished ON composes (id) WHERE state IN (0, 1);

-- Lists and expiry.
CREATE INDEX composes_state ON composes (state, time_to_expire);
CREATE INDEX composes_source_type_state ON composes (source_type, state);
CREATE INDEX composes_owner ON composes (owner);
CREATE INDEX composes_time_to_expire ON composes (time_to_expire);
CREATE INDEX composes_reused_id ON composes (reused_id) WHERE reused_id IS NOT NULL;
CREATE INDEX composes_koji_task_id ON composes (koji_task_id) WHERE koji_task_id IS NOT NULL;
CREATE INDEX composes_pungi_compose_id ON composes (pungi_compose_id) WHERE pungi_compose_id IS NOT NULL;
