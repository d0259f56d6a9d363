//! A file that is there whole or not at all: written beside its place, under a name that says so, and put
//! there at the end. Whoever is killed in the middle leaves a `.part`, never half an export that looks
//! like one. Readable by its owner alone; what is there already is never written over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct Draft {
    file: File,
    part: PathBuf,
    to: PathBuf,
}

impl Draft {
    /// Nothing is in its place before `keep`.
    ///
    /// # Errors
    /// What the disk says; also that something is there already.
    pub fn begin(to: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(taken());
        }
        let mut name = to.file_name().ok_or_else(|| io::Error::from(ErrorKind::IsADirectory))?.to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = to.with_file_name(name);
        let mut options = OpenOptions::new();
        // New: what somebody else laid there under that name is not followed.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Draft { file: options.open(&part)?, part, to: to.to_owned() })
    }

    /// Puts it in its place, once it is on the disk.
    ///
    /// # Errors
    /// What the disk says; also that something came there meanwhile.
    pub fn keep(self) -> io::Result<()> {
        self.file.sync_all()?;
        // A link is refused where something is; a renamed file would take its place.
        match fs::hard_link(&self.part, &self.to) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(taken()),
            Err(_) if fs::symlink_metadata(&self.to).is_ok() => Err(taken()),
            // Not every file system has links.
            Err(_) => take_place(&self.part, &self.to),
            Ok(()) => Ok(()),
        }
    }
}

/// A renamed file takes the place of whatever came there meanwhile: so the place is taken first, by a file of
/// ours that is made only where nothing is.
fn take_place(part: &Path, to: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(taken()),
        made => drop(made?),
    }
    fs::rename(part, to).inspect_err(|_| drop(fs::remove_file(to)))
}

fn taken() -> io::Error {
    io::Error::new(ErrorKind::AlreadyExists, "there is a file already, which is not written over")
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let home = tempfile::tempdir().expect("a directory");
        let to = home.path().join("letters.ndjson");
        let mut draft = Draft::begin(&to).expect("it is begun");
        draft.write_all(b"one\n").expect("written");
        let [part] = names(home.path()).try_into().expect("one file");
        assert!(part.starts_with("letters.ndjson.") && part.ends_with(".part"), "{part}");
        draft.write_all(b"two\n").expect("written");
        draft.keep().expect("kept");
        assert_eq!(names(home.path()), ["letters.ndjson"]);
        assert_eq!(fs::read_to_string(&to).expect("it is there"), "one\ntwo\n");
    }

    #[test]
    fn without_links_what_came_meanwhile_is_not_written_over_either() {
        let home = tempfile::tempdir().expect("a directory");
        let (part, to) = (home.path().join("x.part"), home.path().join("x"));
        fs::write(&part, "ours").expect("written");
        fs::write(&to, "somebody else's").expect("written");
        assert_eq!(take_place(&part, &to).expect_err("it is taken").kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&to).expect("it is there"), "somebody else's");
        fs::remove_file(&to).expect("it was there");
        take_place(&part, &to).expect("nothing is there");
        assert_eq!(
            (fs::read_to_string(&to).expect("it is there"), names(home.path())),
            ("ours".into(), vec!["x".into()])
        );
        assert!(take_place(&part, &to.with_file_name("y")).is_err(), "there is no part any more");
        assert_eq!(names(home.path()), ["x"], "and no empty file is left");
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let home = tempfile::tempdir().expect("a directory");
        let draft = Draft::begin(&home.path().join("letters.ndjson")).expect("it is begun");
        drop(draft);
        assert_eq!(names(home.path()), Vec::<String>::new());
    }

    #[test]
    fn what_is_there_is_not_written_over_however_late_it_came() {
        let home = tempfile::tempdir().expect("a directory");
        let to = home.path().join("letters.ndjson");
        let draft = Draft::begin(&to).expect("it is begun");
        fs::write(&to, "somebody else's").expect("written");
        assert_eq!(draft.keep().expect_err("it is taken").kind(), ErrorKind::AlreadyExists);
        let late = Draft::begin(&to).expect_err("it is taken");
        assert!(late.to_string().contains("not written over"), "{late}");
        assert_eq!(fs::read_to_string(&to).expect("it is there"), "somebody else's");
        assert_eq!(names(home.path()), ["letters.ndjson"]);
    }
}
