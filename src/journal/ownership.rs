//! Who carries an operation out: one process at a time, known by machine, boot, pid and heartbeat.
//! Whoever is not the owner any more cannot write another line, so a process that was thought dead
//! and wakes up stops before its next send.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::journal::process::{Life, Process};
use crate::model::id::OperationId;
use crate::model::time::Timestamp;
use crate::operation::record::Holder;

/// Between two heartbeats.
pub const BEAT_MS: i64 = 10_000;
/// A heartbeat this old is nobody's: six were missed, and a Record has its own time-out long before.
const STALE_MS: i64 = 60_000;

/// A row of `owner`.
struct Owned {
    process: Process,
    beat_at: Timestamp,
    held: bool,
}

/// Takes an operation for `me`, unless a living process holds it.
///
/// # Errors
/// The database's, in words.
pub fn claim(
    connection: &mut Connection,
    me: &Process,
    operation: &OperationId,
    now: Timestamp,
) -> Result<Holder, String> {
    let said = |error: rusqlite::Error| error.to_string();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(said)?;
    let holder = holder(&transaction, me, operation, now).map_err(said)?;
    if !matches!(holder, Holder::Other { .. }) {
        put(&transaction, me, operation, now).map_err(said)?;
        transaction.commit().map_err(said)?;
    }
    Ok(holder)
}

/// Who holds it, and what is certain about that.
pub fn holder(
    connection: &Connection,
    me: &Process,
    operation: &OperationId,
    now: Timestamp,
) -> rusqlite::Result<Holder> {
    let Some(owned) = row(connection, operation)? else { return Ok(Holder::Nobody) };
    Ok(judge(me, &owned, now))
}

fn judge(me: &Process, owned: &Owned, now: Timestamp) -> Holder {
    let who = owned.process.name();
    if !owned.held {
        return Holder::Dead { who, why: "it let go of it".to_owned() };
    }
    if owned.process == *me {
        return Holder::Us;
    }
    let silent_ms = now.ms_since(owned.beat_at);
    match me.life_of(&owned.process) {
        Life::Alive => Holder::Other { who },
        Life::Dead(why) => Holder::Dead { who, why: why.to_owned() },
        Life::Unseen if silent_ms > STALE_MS => {
            let why = format!("no heartbeat for {}; a process there that wakes up can write nothing more", {
                crate::model::time::spoken(silent_ms)
            });
            Holder::Dead { who, why }
        }
        Life::Unseen => Holder::Other { who },
    }
}

/// The row belongs to `me` from now on.
pub fn put(connection: &Connection, me: &Process, operation: &OperationId, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO owner (operation, host, boot, pid, started, beat_ms, held)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
        )?
        .execute(params![operation.as_str(), me.host, me.boot, me.pid, me.started, now.ms()])
        .map(|_| ())
}

/// Whether `me` may write a line of it; `Err` says whose it is.
pub fn may_write(
    connection: &Connection,
    me: &Process,
    operation: &OperationId,
) -> rusqlite::Result<Result<(), String>> {
    Ok(match row(connection, operation)? {
        Some(owned) if owned.process != *me => {
            Err(format!("{operation} was taken over by {}: nothing more is done here", owned.process.name()))
        }
        _ => Ok(()),
    })
}

/// Still here, for all that `me` holds.
pub fn beat(connection: &Connection, me: &Process, now: Timestamp) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE owner SET beat_ms = ?1
             WHERE held = 1 AND host = ?2 AND boot = ?3 AND pid = ?4 AND started = ?5",
        )?
        .execute(params![now.ms(), me.host, me.boot, me.pid, me.started])
}

/// `me` carries it out no longer: anybody may take it up.
pub fn let_go(connection: &Connection, me: &Process, operation: &OperationId) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE owner SET held = 0
             WHERE operation = ?1 AND host = ?2 AND boot = ?3 AND pid = ?4 AND started = ?5",
        )?
        .execute(params![operation.as_str(), me.host, me.boot, me.pid, me.started])
}

fn row(connection: &Connection, operation: &OperationId) -> rusqlite::Result<Option<Owned>> {
    let mut select =
        connection.prepare_cached("SELECT host, boot, pid, started, beat_ms, held FROM owner WHERE operation = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Owned {
            process: Process { host: row.get(0)?, boot: row.get(1)?, pid: row.get(2)?, started: row.get(3)? },
            beat_at: Timestamp::from_ms(row.get(4)?),
            held: row.get(5)?,
        })
    };
    select.query_row(params![operation.as_str()], read).optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(process: Process, beat_s: i64) -> Owned {
        Owned { process, beat_at: Timestamp::from_s(beat_s), held: true }
    }

    #[test]
    fn only_a_dead_owner_is_taken_over_from() {
        let me = Process::this();
        let now = Timestamp::from_s(1_000);
        assert_eq!(judge(&me, &owned(me.clone(), 0), now), Holder::Us);
        let elsewhere = Process { host: "other".to_owned(), ..me.clone() };
        assert!(matches!(judge(&me, &owned(elsewhere.clone(), 990), now), Holder::Other { .. }));
        let Holder::Dead { why, .. } = judge(&me, &owned(elsewhere, 100), now) else { panic!("silent for 15 min") };
        assert!(why.contains("no heartbeat for 15 m"), "{why}");
        if !me.boot.is_empty() {
            let gone = Process { pid: u32::MAX, ..me.clone() };
            assert!(matches!(judge(&me, &owned(gone, 1_000), now), Holder::Dead { .. }), "whatever its heartbeat");
            // Pid 1 lives wherever there is a /proc.
            let init = Process { pid: 1, started: "0".to_owned(), ..me.clone() };
            assert!(matches!(judge(&me, &owned(init, 1_000), now), Holder::Dead { .. } | Holder::Other { .. }));
        }
        let left = Owned { held: false, ..owned(me.clone(), 0) };
        assert!(matches!(judge(&me, &left, now), Holder::Dead { .. }));
    }
}
