
CREATE TABLE persona (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    dod_id_tail TEXT CHECK (dod_id_tail GLOB '[0-9][0-9][0-9][0-9]')
) STRICT, WITHOUT ROWID;

CREATE TABLE card (
    id TEXT NOT NULL,
    persona TEXT NOT NULL REFERENCES persona (id),
    expires TEXT,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (id, persona)
) STRICT, WITHOUT ROWID;

CREATE INDEX card_by_persona ON card (persona, last_seen);

CREATE TABLE certificate (
    card TEXT NOT NULL,
    persona TEXT NOT NULL,
    slot INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    der BLOB NOT NULL,
    PRIMARY KEY (card, persona, slot),
    FOREIGN KEY (card, persona) REFERENCES card (id, persona)
) STRICT;

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

CREATE TABLE card_object (
    card TEXT NOT NULL,
    persona TEXT NOT NULL,
    tag INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (card, persona, tag),
    FOREIGN KEY (card, persona) REFERENCES card (id, persona)
) STRICT;

CREATE TABLE consent (
    persona TEXT NOT NULL REFERENCES persona (id),
    portal TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (persona, portal, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE confirmation (
    persona TEXT NOT NULL REFERENCES persona (id),
    portal TEXT NOT NULL,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    PRIMARY KEY (persona, portal)
) STRICT, WITHOUT ROWID;

INSERT INTO persona VALUES ('persona-jane', 'DOE, JANE Q', '7890');
INSERT INTO card VALUES ('aaaa-1', 'persona-jane', '2027-03-01', 1795000000);
INSERT INTO certificate VALUES ('aaaa-1', 'persona-jane', 154, '00', x'3000');
INSERT INTO card_object VALUES ('aaaa-1', 'persona-jane', 126, x'010203');
INSERT INTO registration (persona, portal, card, certificate_sha256, profile, status, at) VALUES (
    'persona-jane', 'AKO', 'aaaa-1', 'abab', 'cd',
    '{"state":"registered","since":1795000000,"checked_at":1795000000,"account":"jane.q.doe","recheck_due":false}',
    1795000000
);
INSERT INTO consent VALUES ('persona-jane', 'AKO', 'efef', 1795000000);
INSERT INTO confirmation VALUES ('persona-jane', 'AKO', 1795000000, 'Registered', '<p>Registered');
INSERT INTO history VALUES (1, 1795000000, 'registration', 'SCR3310 [CCID] 00', 'aaaa-1', 'AKO', 'AKO: registered');
PRAGMA user_version = 4;
