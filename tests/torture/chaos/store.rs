//! What a disk does to the store of NATS while nobody looks: the folder is gone, a file is cut short, a bit flips.

use crate::plan::Chance;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// Killed and started again, nothing else.
    None,
    Wiped,
    Truncated,
    BitFlipped,
}

pub const DAMAGES: [Damage; 4] = [Damage::Wiped, Damage::BitFlipped, Damage::Truncated, Damage::None];

impl Damage {
    /// Does it to the store of a server that is down; answers to which file.
    pub fn inflict(self, store: &Path, chance: &mut Chance) -> String {
        let folder = store.join("jetstream");
        let mut files = Vec::new();
        walk(&folder, &mut files);
        files.retain(|file| fs::metadata(file).is_ok_and(|found| found.len() > 1));
        files.sort();
        if self == Self::None || files.is_empty() {
            return "nothing".into();
        }
        let file = chance.one_of(&files).clone();
        match self {
            Self::None => {}
            Self::Wiped => fs::remove_dir_all(&folder).unwrap(),
            Self::Truncated => {
                let length = fs::metadata(&file).unwrap().len();
                let file = fs::OpenOptions::new().write(true).open(&file).unwrap();
                file.set_len(chance.below(length)).unwrap();
            }
            Self::BitFlipped => {
                let mut bytes = fs::read(&file).unwrap();
                let at = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
                bytes[at] ^= 1 << chance.below(8);
                fs::write(&file, bytes).unwrap();
            }
        }
        file.strip_prefix(&folder).unwrap().display().to_string()
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}
