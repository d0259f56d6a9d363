//! Writes messages to a file of the owner's alone, bodies from disk included.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::model::id::QueueName;
use crate::model::message::Message;
use crate::report::export::line;
use crate::shell::draft::Draft;
use crate::shell::hoard::Hoard;
use crate::shell::sift::whole;

/// How many were written. Blocks.
///
/// # Errors
/// What the disk says; also that the file is there already.
pub fn write(hoard: &Mutex<Hoard>, queue: &QueueName, path: &str, messages: &[Arc<Message>]) -> Result<u64, String> {
    let mut file = BufWriter::new(Draft::begin(Path::new(path)).map_err(|error| error.to_string())?);
    for some in messages.chunks(AT_ONCE) {
        for message in whole(hoard, queue, some)? {
            file.write_all(line(queue.as_str(), &message).as_bytes()).map_err(|error| error.to_string())?;
        }
    }
    let file = file.into_inner().map_err(|error| error.to_string())?;
    file.keep().map_err(|error| error.to_string())?;
    Ok(messages.len() as u64)
}

/// Bodies read back from disk at once.
const AT_ONCE: usize = 32;
