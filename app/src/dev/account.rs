//! Who `PostgreSQL` runs as when we are root, since it refuses to run as root.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use uuid::Uuid;

use super::DevError;

const ROOT: u32 = 0;
const NOBODY: Account = Account { uid: 65534, gid: 65534 };

/// An unprivileged account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// `nobody` when we are root, otherwise none: servers then run as ourselves.
    pub fn for_servers() -> Option<Self> {
        (own_uid() == Some(ROOT)).then(|| {
            fs::read_to_string("/etc/passwd").ok().and_then(|text| nobody_of(&text)).unwrap_or(NOBODY)
        })
    }

    /// Lets the command run as this account.
    pub fn apply(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Hands a file or directory to this account.
    pub fn own(self, path: &Path) -> Result<(), DevError> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(DevError::io("change the owner of", path))
    }
}

fn nobody_of(passwd: &str) -> Option<Account> {
    let mut fields = passwd.lines().find(|line| line.starts_with("nobody:"))?.split(':').skip(2);
    let account = Account { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? };
    (account.uid != ROOT).then_some(account)
}

/// Our user id, where the system tells it.
pub fn own_uid() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|own| own.uid())
}

/// What to write before a command that only root may run.
pub fn sudo() -> &'static str {
    if own_uid() == Some(ROOT) { "" } else { "sudo " }
}

/// The directory beneath which binaries and cluster of `state_dir` lie: itself, unless we are root and the
/// unprivileged account cannot reach it (a checkout under `/root`); then one in the temporary directory whose
/// name follows from the path, so that the next start finds it again.
pub fn home_for(state_dir: &Path) -> Result<PathBuf, DevError> {
    if Account::for_servers().is_none() || reachable_by_others(state_dir) {
        return Ok(state_dir.to_owned());
    }
    let path = fs::canonicalize(state_dir).map_err(DevError::io("find", state_dir))?;
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, path.as_os_str().as_encoded_bytes()).simple().to_string();
    own_directory(&public_temp_dir().join(format!("polikrami-{}", &id[..12])))
}

/// A temporary directory that every account can reach.
pub fn public_temp_dir() -> PathBuf {
    let usual = std::env::temp_dir();
    if reachable_by_others(&usual) { usual } else { PathBuf::from("/var/tmp") }
}

/// Creates a directory of ours in a public place, or makes sure that the one there is ours and no link.
pub fn own_directory(path: &Path) -> Result<PathBuf, DevError> {
    match DirBuilder::new().mode(0o755).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path).map_err(DevError::io("look at", path))?;
            if !found.is_dir() || Some(found.uid()) != own_uid() {
                return Err(DevError::Foreign { path: path.to_owned() });
            }
        }
        Err(error) => return Err(DevError::io("create", path)(error)),
    }
    open_to_others(path)?;
    Ok(path.to_owned())
}

/// Mode 0755, whatever our umask is.
pub fn open_to_others(path: &Path) -> Result<(), DevError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(DevError::io("open", path))
}

/// Whether every existing directory on the way to `path`, itself included, lets others pass.
pub fn reachable_by_others(path: &Path) -> bool {
    let Some(existing) = path.ancestors().find_map(|ancestor| fs::canonicalize(ancestor).ok()) else {
        return false;
    };
    existing.ancestors().all(|ancestor| fs::metadata(ancestor).is_ok_and(|found| found.mode() & 0o001 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_read_from_the_password_file() {
        let text = "root:x:0:0:root:/root:/bin/sh\nnobody:x:99:98:nobody:/:/bin/false\n";
        assert_eq!(nobody_of(text), Some(Account { uid: 99, gid: 98 }));
        assert_eq!(nobody_of("root:x:0:0::/:/bin/sh\n"), None);
    }

    #[test]
    fn a_private_directory_is_not_reachable_by_others() {
        let private =
            tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap();
        assert!(!reachable_by_others(&private.path().join("not-yet-there")));
    }
}
