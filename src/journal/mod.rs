//! The durable record of every operation (SQLite).
