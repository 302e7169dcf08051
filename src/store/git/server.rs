//! What a hook needs of the repository it runs in: objects that are pushed and not taken yet, settings, and
//! where hooks lie.

use std::path::PathBuf;

use git2::{ConfigLevel, ErrorCode};

use super::{GitStore, StoreError};

impl GitStore {
    /// The same repository with objects of other directories at hand: git keeps those of a push aside
    /// until its hooks have agreed (gitformat, "quarantine").
    pub fn with_objects(mut self, directories: Vec<PathBuf>) -> Result<Self, StoreError> {
        let odb = self.repo.odb()?;
        for directory in &directories {
            let unreadable = || StoreError::Unsupported(format!("{} is no path in UTF-8", directory.display()));
            odb.add_disk_alternate(directory.to_str().ok_or_else(unreadable)?)?;
        }
        drop(odb);
        self.objects = directories;
        Ok(self)
    }

    /// Every value of a setting; none where it is not set, and an error where nobody can tell.
    pub fn settings(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let config = self.repo.config()?.snapshot()?;
        let mut values = Vec::new();
        let mut entries = match config.multivar(name, None) {
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(values),
            entries => entries?,
        };
        while let Some(entry) = entries.next() {
            values.push(entry?.value()?.to_owned());
        }
        Ok(values)
    }

    /// Sets one value of this repository's setting: in the place of those that begin alike, or beside the others.
    pub fn set(&self, name: &str, beginning: &str, value: &str) -> Result<(), StoreError> {
        let mut config = self.repo.config()?.open_level(ConfigLevel::Local)?;
        let plain =
            |c: char| if c.is_ascii_alphanumeric() || "/_-".contains(c) { c.to_string() } else { format!("[{c}]") };
        let pattern: String = beginning.chars().map(plain).collect();
        Ok(config.set_multivar(name, &format!("^{pattern}"), value)?)
    }

    /// Where git looks for hooks: `core.hooksPath`, or the folder all work trees share.
    pub fn hooks_directory(&self) -> PathBuf {
        let named = self.repo.config().and_then(|config| config.get_path("core.hookspath"));
        let base = self.repo.workdir().unwrap_or_else(|| self.repo.path());
        match named.ok().filter(|path| !path.as_os_str().is_empty()) {
            Some(path) => base.join(path),
            None => self.repo.commondir().join("hooks"),
        }
    }

    /// The ref that a push to a name moves: behind a symbolic one stands another.
    pub fn meant(&self, name: &str) -> Result<String, StoreError> {
        const MOST: usize = 5;
        let mut name = name.to_owned();
        for _ in 0..MOST {
            let reference = match self.repo.find_reference(&name) {
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(name),
                reference => reference?,
            };
            match reference.symbolic_target()? {
                Some(target) => name = target.to_owned(),
                None => return Ok(name),
            }
        }
        Err(StoreError::Git(format!("{name} is a symbolic ref that leads too far")))
    }

    pub fn is_bare(&self) -> bool {
        self.repo.is_bare()
    }
}
