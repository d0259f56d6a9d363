//! Files without a name: for what memory has no room, and what must be gone when this process is,
//! however it ends.

use std::fs::{File, OpenOptions};
use std::io;

/// A file that has lost its name before anything is written to it.
///
/// # Errors
/// What the disk says.
pub fn nameless(of: &str) -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("redrive-{}-{of}", std::process::id()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options.open(&path)?;
    if cfg!(unix) {
        std::fs::remove_file(&path)?;
    }
    Ok(file)
}
