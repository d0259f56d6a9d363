//! The vocabulary every layer shares: ids, time, queues, mappings, messages, metrics, topology,
//! findings, plans. Plain data: nothing here does I/O, reads a clock or decides anything.

pub mod alarm;
pub mod alarm_rule;
pub mod bench;
pub mod census;
pub mod change;
pub mod context;
pub mod duration;
pub mod finding;
pub mod function;
pub mod id;
pub mod log;
pub mod mapping;
pub mod md5;
pub mod message;
pub mod metric;
pub mod move_task;
pub mod nesting;
pub mod objective;
pub mod observed;
pub mod permission;
pub mod picture;
pub mod plan;
pub mod qualifier;
pub mod queue;
pub mod redaction;
pub mod rehearsal;
pub mod rescue;
pub mod service_error;
pub mod stack;
pub mod stream;
pub mod time;
pub mod topology;
pub mod trial;
