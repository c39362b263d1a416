-- Frozen once released: a change is a new file with the next number.
-- Moments are whole seconds of UTC.

-- A person in a role, named by a keyed hash; the DoD ID number itself stands in no column.
CREATE TABLE persona (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    dod_id_tail TEXT CHECK (dod_id_tail GLOB '[0-9][0-9][0-9][0-9]')
) STRICT, WITHOUT ROWID;

-- A card ID can be copied, so that the same one with another persona is another card.
CREATE TABLE card (
    id TEXT NOT NULL,
    persona TEXT NOT NULL REFERENCES persona (id),
    expires TEXT,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (id, persona)
) STRICT, WITHOUT ROWID;

CREATE INDEX card_by_persona ON card (persona, last_seen);

-- slot is the key reference: 154 is 9A.
CREATE TABLE certificate (
    card TEXT NOT NULL,
    persona TEXT NOT NULL,
    slot INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    der BLOB NOT NULL,
    PRIMARY KEY (card, persona, slot),
    FOREIGN KEY (card, persona) REFERENCES card (id, persona)
) STRICT;

-- Where a persona stands at a portal, and the card and the contents of the
-- profile that were used to find out.
CREATE TABLE registration (
    persona TEXT NOT NULL,
    portal TEXT NOT NULL,
    card TEXT NOT NULL,
    certificate_sha256 TEXT NOT NULL,
    profile TEXT NOT NULL,
    status TEXT NOT NULL CHECK (json_valid(status)),
    state TEXT GENERATED ALWAYS AS (json_extract(status, '$.state')) VIRTUAL,
    at INTEGER NOT NULL,
    PRIMARY KEY (persona, portal),
    FOREIGN KEY (card, persona) REFERENCES card (id, persona)
) STRICT;

CREATE INDEX registration_by_card ON registration (card, persona);

-- AUTOINCREMENT, so that a cleared history never gives an id again.
CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    reader TEXT,
    card TEXT,
    portal TEXT,
    text TEXT NOT NULL
) STRICT;

CREATE INDEX history_by_time ON history (at);
