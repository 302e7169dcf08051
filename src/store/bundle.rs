//! The first lines of a git bundle (gitformat-bundle): which refs it has, and what it goes on from.

use crate::id::ObjectId;

/// Longer than the header of any bundle with one ref.
pub const MOST: u64 = 64 << 10;

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Commits it goes on from.
    pub needs: Vec<ObjectId>,
    /// The refs it has, with their commits.
    pub refs: Vec<(String, ObjectId)>,
}

impl Header {
    /// Reads the beginning of a file; `None` where it is no bundle, or its header is longer than any of ours.
    pub fn parse(beginning: &[u8]) -> Option<Self> {
        let end = beginning.windows(2).position(|pair| pair == b"\n\n")?;
        let (header, pack) = (beginning.get(..end)?, beginning.get(end + 2..)?);
        let mut lines = std::str::from_utf8(header).ok()?.lines();
        let known = matches!(lines.next()?, "# v2 git bundle" | "# v3 git bundle");
        if !known || !pack.starts_with(b"PACK") {
            return None;
        }
        let mut read = Self { needs: Vec::new(), refs: Vec::new() };
        for line in lines.filter(|line| !line.starts_with('@')) {
            match line.strip_prefix('-') {
                Some(need) => read.needs.push(ObjectId::parse(need.split(' ').next()?).ok()?),
                None => {
                    let (id, name) = line.split_once(' ')?;
                    read.refs.push((name.to_owned(), ObjectId::parse(id).ok()?));
                }
            }
        }
        Some(read)
    }

    /// The commit of the only ref there is, if that is this one.
    pub fn only(&self, name: &str) -> Option<&ObjectId> {
        match self.refs.as_slice() {
            [(found, commit)] if found == name => Some(commit),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_says_what_it_has_and_needs() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let text = format!("# v3 git bundle\n@object-format=sha1\n-{one} open\n{two} refs/heads/evidence\n\nPACK…");
        let header = Header::parse(text.as_bytes()).unwrap();
        assert_eq!(header.needs, [ObjectId::parse(&one).unwrap()]);
        assert_eq!(header.only("refs/heads/evidence"), Some(&ObjectId::parse(&two).unwrap()));
        assert_eq!(header.only("refs/heads/main"), None);
    }

    #[test]
    fn whatever_else_is_no_bundle() {
        let id = "1".repeat(40);
        let zeros = vec![0; 100_000];
        for bad in [
            &b""[..],
            &zeros,
            b"\n\nPACK",
            b"# v4 git bundle\n\nPACK",
            b"# v2 git bundle\nx refs/heads/evidence\n\nPACK",
            format!("# v2 git bundle\n{id} refs/heads/evidence\n\nKCAP").as_bytes(),
            format!("# v2 git bundle\n{id} refs/heads/evidence\n").as_bytes(),
        ] {
            assert_eq!(Header::parse(bad), None, "{:?}", String::from_utf8_lossy(bad));
        }
    }
}
