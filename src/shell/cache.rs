//! What a session leaves for the next: the last picture of an account's scope, and what was unhealthy
//! in it, one JSON file each in the state directory, for its owner only. A file that cannot be read, is
//! of another version or is too old is as good as none; one that cannot be written is no trouble.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::kept::Kept;
use crate::model::picture::Identity;
use crate::model::scope::Scope;
use crate::model::time::Timestamp;

/// Whose picture: nothing of one account is ever drawn for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    account: String,
    region: String,
    endpoint: Option<String>,
}

impl Owner {
    /// `None` while the account is not known.
    pub fn new(identity: &Identity, endpoint: Option<&str>) -> Option<Self> {
        let account = identity.account.clone();
        let endpoint = endpoint.map(str::to_owned);
        (!account.is_empty()).then(|| Owner { account, region: identity.region.clone(), endpoint })
    }
}

#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

/// The names that were unhealthy.
#[derive(Serialize, Deserialize)]
struct Recent {
    at: Timestamp,
    names: BTreeSet<String>,
}

/// A file: what it says of itself is checked before the rest is believed.
#[derive(Serialize, Deserialize)]
struct Paper<T> {
    version: u32,
    owner: Owner,
    scope: Option<Scope>,
    content: T,
}

impl Cache {
    pub fn new(state_dir: &Path) -> Self {
        Cache { dir: state_dir.join("cache") }
    }

    pub fn picture(&self, owner: &Owner, scope: &Scope, now: Timestamp) -> Option<Kept> {
        let kept: Kept = self.read(owner, Some(scope))?;
        fresh(kept.at, now).then_some(kept)
    }

    pub fn keep_picture(&self, owner: &Owner, scope: &Scope, kept: &Kept) {
        self.write(owner, Some(scope), kept);
    }

    pub fn recent(&self, owner: &Owner, now: Timestamp) -> BTreeSet<String> {
        let recent: Option<Recent> = self.read(owner, None);
        recent.filter(|recent| fresh(recent.at, now)).map(|recent| recent.names).unwrap_or_default()
    }

    pub fn keep_recent(&self, owner: &Owner, at: Timestamp, names: BTreeSet<String>) {
        self.write(owner, None, &Recent { at, names });
    }

    fn read<T: DeserializeOwned>(&self, owner: &Owner, scope: Option<&Scope>) -> Option<T> {
        let mut text = String::new();
        File::open(self.path(owner, scope)).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        let paper: Paper<T> = serde_json::from_str(&text).ok()?;
        let ours = paper.version == VERSION && paper.owner == *owner && paper.scope.as_ref() == scope;
        ours.then_some(paper.content)
    }

    fn write<T: Serialize>(&self, owner: &Owner, scope: Option<&Scope>, content: &T) {
        let paper = Paper { version: VERSION, owner: owner.clone(), scope: scope.cloned(), content };
        if let Ok(text) = serde_json::to_vec(&paper) {
            // It is drawn anew from the account in seconds: losing it is no loss.
            let _ = self.replace(&self.path(owner, scope), &text);
        }
    }

    /// Written beside and moved over, so that a reader never sees half a file.
    fn replace(&self, path: &Path, text: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let beside = path.with_extension(format!("{}.tmp", std::process::id()));
        private(&beside)?.write_all(text)?;
        fs::rename(&beside, path)
    }

    fn path(&self, owner: &Owner, scope: Option<&Scope>) -> PathBuf {
        let key = serde_json::to_string(&(owner, scope)).unwrap_or_default();
        let hash = key
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        self.dir.join(format!("{hash:016x}.json"))
    }
}

/// A new file that only its owner reads: names of a company's queues are nobody else's business.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn fresh(at: Timestamp, now: Timestamp) -> bool {
    now.ms_since(at) < MAX_AGE_MS
}

/// Changes with the shape of what is kept.
const VERSION: u32 = 1;
/// A week: older pictures mislead more than they help.
const MAX_AGE_MS: i64 = 7 * 86_400_000;
/// A picture of 2,000 queues is about 1 MB.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::topology::Topology;

    #[test]
    fn a_picture_is_its_owners_its_scopes_and_not_too_old() {
        let dir = tempfile::tempdir().expect("a directory");
        let cache = Cache::new(dir.path());
        let identity = Identity { account: "1".into(), region: "r".into(), ..Identity::default() };
        let owner = Owner::new(&identity, None).expect("known");
        let other = Owner::new(&identity, Some("http://127.0.0.1:1")).expect("known");
        let (at, scope) = (Timestamp::from_s(1_000), Scope::Prefix("shop-".into()));
        let empty = || Vec::new();
        let kept =
            Kept { at, topology: Topology::default(), mappings: empty(), functions: Vec::new(), queues: Vec::new() };
        cache.keep_picture(&owner, &scope, &kept);
        assert_eq!(cache.picture(&owner, &scope, at.plus_s(60)), Some(kept));
        assert_eq!(cache.picture(&owner, &scope, at.plus_s(8 * 86_400)), None, "too old");
        assert_eq!(cache.picture(&owner, &Scope::Everything, at), None);
        assert_eq!(cache.picture(&other, &scope, at), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(cache.path(&owner, Some(&scope))).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(cache.path(&owner, Some(&scope)), b"{\"version\":1,").expect("written");
        assert_eq!(cache.picture(&owner, &scope, at), None, "half a file");
        cache.keep_recent(&owner, at, ["JobDLQ".to_owned()].into());
        assert_eq!(cache.recent(&owner, at).len(), 1);
        assert!(cache.recent(&other, at).is_empty());
    }
}
