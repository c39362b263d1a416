//! The database of the service as an earlier version of it would have left it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use rusqlite::Connection;
use tempfile::TempDir;

use super::System;
use crate::harness::programs;

const DATABASE: &str = "/var/lib/cacd/cacd.db";

/// The first n of them, in the order of their names, make version n.
const STEPS: &str = "daemon/src/store/sql";

const TABLES: &str =
    "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";

impl System {
    /// What the database says that it is. The service must not run.
    pub fn database_version(&self) -> anyhow::Result<u32> {
        let folder = tempfile::tempdir()?;
        let database = Connection::open(self.copy_of_database(&folder)?)?;
        Ok(database.pragma_query_value(None, "user_version", |row| row.get(0))?)
    }

    /// Puts a database of an earlier version in place of the one that is there,
    /// with all of its rows that such a version knows of. The service must not run.
    pub fn take_database_back_to(&self, version: u32) -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let current = self.copy_of_database(&folder)?;
        let path = folder.path().join("earlier.db");
        let earlier = Connection::open(&path)?;
        let steps = steps()?;
        let known = usize::try_from(version)?;
        ensure!(known < steps.len(), "{version} is no earlier version");
        for step in &steps[..known] {
            earlier.execute_batch(&fs::read_to_string(step)?)?;
        }
        earlier.pragma_update(None, "user_version", version)?;
        earlier.pragma_update(None, "journal_mode", "WAL")?;
        earlier.pragma_update(None, "foreign_keys", "OFF")?;
        let current = current.to_str().context("a path of ours is text")?;
        earlier.execute("ATTACH ? AS current", [current])?;
        for table in texts(&earlier, TABLES)? {
            // Without those that are worked out of others.
            let columns = format!("SELECT name FROM pragma_table_info('{table}')");
            let columns = texts(&earlier, &columns)?.join(", ");
            earlier.execute_batch(&format!(
                "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM current.{table}"
            ))?;
        }
        earlier.execute_batch("DETACH current")?;
        drop(earlier);
        // It stays the file of its owner.
        Ok(fs::write(self.path(DATABASE), fs::read(&path)?)?)
    }

    /// SQLite follows links, and so finds no file by the way through a process.
    fn copy_of_database(&self, folder: &TempDir) -> anyhow::Result<PathBuf> {
        for beside in ["-wal", "-shm"] {
            let left = self.path(&format!("{DATABASE}{beside}"));
            ensure!(!left.exists(), "{} is in use", left.display());
        }
        let copy = folder.path().join("cacd.db");
        fs::copy(self.path(DATABASE), &copy)?;
        Ok(copy)
    }
}

fn steps() -> anyhow::Result<Vec<PathBuf>> {
    let mut steps = Vec::new();
    for entry in fs::read_dir(programs::workspace()?.join(STEPS))? {
        let path = entry?.path();
        if path.is_file() {
            steps.push(path);
        }
    }
    steps.sort();
    Ok(steps)
}

fn texts(database: &Connection, query: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = database.prepare(query)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}
