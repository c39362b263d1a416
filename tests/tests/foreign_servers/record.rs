//! What happened, held against what `docs/servers.md` says happens.

use std::fmt::Write as _;

use cac_tests::portal::Versions;

use crate::visit::{Card, Met};

const RECORD: &str = include_str!("../../../docs/servers.md");

const HEAD: &str = "| certificate | TLS | curl sees | cacd says | signatures |\n\
                    |---|---|---|---|---|\n";

/// Where the titles of its sections are.
const SOURCES: [&str; 2] = [include_str!("nginx.rs"), include_str!("apache.rs")];

/// Both, one at a time.
pub(crate) const EACH: [Versions; 2] = [Versions::Tls12, Versions::Tls13];

/// What happened at one kind of server.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    card: Card,
    versions: Vec<&'static str>,
    met: Met,
}

impl Table {
    pub(crate) fn add(&mut self, card: Card, version: Versions, met: Met) {
        let version = match version {
            Versions::Tls12 => "1.2",
            Versions::Tls13 => "1.3",
            Versions::Both => "any",
        };
        match self
            .0
            .iter_mut()
            .find(|row| row.card == card && row.met == met)
        {
            Some(row) => row.versions.push(version),
            None => self.0.push(Row {
                card,
                versions: vec![version],
                met,
            }),
        }
    }

    /// Fails unless the section of this title has this table, and no other.
    pub(crate) fn check(mut self, title: &str) {
        self.0.sort_by_key(|row| row.card as u8);
        let mut table = HEAD.to_owned();
        for Row {
            card,
            versions,
            met,
        } in &self.0
        {
            let versions = versions.join(", ");
            let (card, Met { curl, cacd, signed }) = (card.title(), met);
            writeln!(
                table,
                "| {card} | {versions} | {curl} | {cacd} | {signed} |"
            )
            .unwrap();
        }
        let recorded = RECORD
            .split("\n## ")
            .find_map(|section| section.strip_prefix(title)?.strip_prefix('\n'))
            .and_then(|section| section.find('|').map(|at| &section[at..]))
            .unwrap_or_default();
        assert_eq!(
            recorded.trim_end(),
            table.trim_end(),
            "docs/servers.md, {title}; what happened:\n{table}"
        );
    }
}

#[test]
fn every_section_is_held_against_what_happens() {
    let titles: Vec<&str> = RECORD
        .split("\n## ")
        .skip(1)
        .filter_map(|section| section.lines().next())
        .collect();

    assert!(!titles.is_empty());
    for title in titles {
        let quoted = format!(".check(\"{title}\")");
        assert!(
            SOURCES.iter().any(|source| source.contains(&quoted)),
            "no test is about {title}"
        );
    }
}
