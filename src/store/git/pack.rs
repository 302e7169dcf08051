//! Packs, read by ourselves where most of them is wanted: libgit2 inflates an object once to tell its
//! size and once more to give it, and takes a lock for each step.
//!
//! Whatever is not plain here (a large object, a damaged pack, one written since) is `None`, and then
//! libgit2 reads it: this reader can make verification faster, never more lenient, because nothing rests
//! on an object's id.

#![expect(clippy::disallowed_methods, reason = "this is part of the git door")]

mod blocks;
mod delta;
mod index;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};
use git2::{ObjectType, Oid};

use blocks::Blocks;
use index::Index;

/// Largest object read here.
const MAX_OBJECT: usize = 4 << 20;
/// Longest chain of deltas followed; git makes them of 50, or 250 when told to work hard.
const MAX_CHAIN: usize = 300;
/// Indexes held in memory altogether: two million objects.
const MAX_INDEXES: u64 = 64 << 20;
/// Packs held open; a repository with more wants collecting, and files are few.
const MAX_PACKS: usize = 64;
/// Bytes of deltas on the way to one object.
const MAX_DELTAS: usize = 8 << 20;
/// Bytes of delta bases kept, twice.
const KEEP_BASES: usize = 4 << 20;

/// The packs of a repository, for all readers.
pub(super) struct Packs {
    packs: Vec<Pack>,
    id_length: usize,
}

struct Pack {
    file: File,
    size: u64,
    index: Index,
}

/// The pack says what no pack can: nobody should be asked to read the object.
#[derive(Debug)]
pub(super) struct Damaged(pub(super) &'static str);

impl Packs {
    /// Those in a directory of packs, as many as memory is meant for.
    pub(super) fn in_directory(directory: &Path, id_length: usize) -> Self {
        let files = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|file| file.path());
        let indexes = files.filter(|path| path.extension().is_some_and(|end| end == "idx"));
        let mut room = MAX_INDEXES;
        let open = |path: PathBuf| {
            let (index, size) = regular_file(&path)?;
            let left = room.checked_sub(size)?;
            let mut bytes = Vec::new();
            index.take(size).read_to_end(&mut bytes).ok()?;
            let index = Index::parse(bytes, id_length)?;
            let (file, size) = regular_file(&path.with_extension("pack"))?;
            room = left;
            Some(Pack { file, size, index })
        };
        Self { packs: indexes.filter_map(open).take(MAX_PACKS).collect(), id_length }
    }

    fn find(&self, oid: Oid) -> Result<Option<Place>, Damaged> {
        let packs = self.packs.iter().enumerate();
        let found =
            packs.filter_map(|(pack, held)| Some((Place { pack, offset: held.index.find(oid)? }, held.size))).next();
        match found {
            // libgit2 has been seen to crash on it.
            Some((place, size)) if place.offset >= size => Err(Damaged("its pack's index points beyond the pack")),
            found => Ok(found.map(|(place, _)| place)),
        }
    }
}

/// A file and its size; what is no plain file (a device, a pipe) is nothing to read.
fn regular_file(path: &Path) -> Option<(File, u64)> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some((File::open(path).ok()?, metadata.len()))
}

/// Where an object begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    pack: usize,
    offset: u64,
}

/// One thread's reader.
pub(super) struct PackReader {
    packs: Arc<Packs>,
    blocks: Blocks,
    inflate: Decompress,
    bases: Bases,
}

/// What stands before an object's compressed bytes.
struct Header {
    kind: Kind,
    size: usize,
    /// Where the compressed bytes begin.
    data: u64,
}

enum Kind {
    Whole(ObjectType),
    /// A delta against the object at this offset of the same pack.
    Delta(u64),
}

type Object = (ObjectType, Arc<Vec<u8>>);

impl PackReader {
    pub(super) fn new(packs: Arc<Packs>) -> Self {
        Self { packs, blocks: Blocks::default(), inflate: Decompress::new(true), bases: Bases::default() }
    }

    pub(super) fn packs(&self) -> &Arc<Packs> {
        &self.packs
    }

    /// The first bytes of an object that lies whole in its pack.
    pub(super) fn read_beginning(&mut self, oid: Oid, most: usize) -> Option<(ObjectType, Vec<u8>)> {
        let place = self.packs.find(oid).ok()??;
        let header = self.header(place)?;
        let Kind::Whole(kind) = header.kind else { return None };
        Some((kind, self.inflate(place.pack, &header, most)?))
    }

    /// An object's kind and bytes; `None` when libgit2 had better be asked.
    pub(super) fn read(&mut self, oid: Oid) -> Result<Option<(ObjectType, Vec<u8>)>, Damaged> {
        let Some(place) = self.packs.find(oid)? else { return Ok(None) };
        let mut deltas = Vec::new();
        let Some(base) = self.base_of(place, &mut deltas)? else { return Ok(None) };
        Ok(self.told_by(base, deltas))
    }

    fn told_by(
        &mut self,
        (kind, mut object): Object,
        mut deltas: Vec<(Place, Vec<u8>)>,
    ) -> Option<(ObjectType, Vec<u8>)> {
        while let Some((place, delta)) = deltas.pop() {
            let next = Arc::new(delta::apply(&object, &delta, MAX_OBJECT)?);
            // The last is nobody's base yet.
            if !deltas.is_empty() {
                self.bases.keep(place, (kind, Arc::clone(&next)));
            }
            object = next;
        }
        Some((kind, Arc::unwrap_or_clone(object)))
    }

    /// Follows deltas, noting them, to an object at hand or one that is whole.
    fn base_of(&mut self, mut place: Place, deltas: &mut Vec<(Place, Vec<u8>)>) -> Result<Option<Object>, Damaged> {
        let mut held = 0;
        while deltas.len() < MAX_CHAIN && held < MAX_DELTAS {
            if let Some(object) = self.bases.get(place) {
                return Ok(Some(object));
            }
            let Some(header) = self.header(place) else { return Ok(None) };
            let Some(bytes) = self.inflate(place.pack, &header, usize::MAX) else { return Ok(None) };
            held += bytes.len();
            match header.kind {
                Kind::Whole(kind) => {
                    let object = (kind, Arc::new(bytes));
                    if !deltas.is_empty() {
                        self.bases.keep(place, object.clone());
                    }
                    return Ok(Some(object));
                }
                Kind::Delta(base) => {
                    deltas.push((place, bytes));
                    place.offset = base;
                }
            }
        }
        // Others would follow it for ever.
        let goes_round = deltas.iter().any(|(seen, _)| *seen == place);
        if goes_round { Err(Damaged("its deltas lead back to itself")) } else { Ok(None) }
    }

    /// Kind and size in one number: four bits of size in the first byte, seven in each further one.
    fn header(&mut self, place: Place) -> Option<Header> {
        let Pack { file, index, .. } = self.packs.packs.get(place.pack)?;
        let mut at = place.offset;
        let mut byte = || {
            let byte = self.blocks.from(place.pack, file, at)?.first().copied()?;
            at += 1;
            Some(byte)
        };
        let first = byte()?;
        let (mut size, mut shift, mut more) = (usize::from(first & 0x0f), 4, first & 0x80 != 0);
        while more {
            let group = byte()?;
            size |= usize::from(group & 0x7f) << shift;
            (shift, more) = (shift + 7, group & 0x80 != 0);
            // As far as MAX_OBJECT goes.
            if shift > 25 {
                return None;
            }
        }
        let kind = match (first >> 4) & 7 {
            1 => Kind::Whole(ObjectType::Commit),
            2 => Kind::Whole(ObjectType::Tree),
            3 => Kind::Whole(ObjectType::Blob),
            6 => {
                // How far before: seven bits a byte, the highest first, one added for each further byte.
                let mut group = byte()?;
                let mut back = u64::from(group & 0x7f);
                while group & 0x80 != 0 {
                    group = byte()?;
                    back = (back + 1).checked_mul(128)? | u64::from(group & 0x7f);
                }
                Kind::Delta(place.offset.checked_sub(back).filter(|_| back > 0)?)
            }
            7 => {
                let id: Option<Vec<u8>> = (0..self.packs.id_length).map(|_| byte()).collect();
                Kind::Delta(index.find(Oid::from_bytes(&id?).ok()?)?)
            }
            _ => return None,
        };
        (size <= MAX_OBJECT).then_some(Header { kind, size, data: at })
    }

    /// An object's bytes, or as many of them as are wanted.
    fn inflate(&mut self, pack: usize, header: &Header, most: usize) -> Option<Vec<u8>> {
        let file = &self.packs.packs.get(pack)?.file;
        // One byte more than it says, so that a stream with more is seen.
        let wanted = most.min(header.size + 1);
        let mut bytes = Vec::with_capacity(wanted);
        self.inflate.reset(true);
        loop {
            let input = self.blocks.from(pack, file, header.data + self.inflate.total_in())?;
            match self.inflate.decompress_vec(input, &mut bytes, FlushDecompress::None).ok()? {
                Status::StreamEnd => return (bytes.len() == header.size).then_some(bytes),
                _ if bytes.len() >= wanted => return (wanted <= header.size).then_some(bytes),
                Status::Ok => {}
                Status::BufError => return None,
            }
        }
    }
}

/// Objects others are told against: the newer half, and the half before it.
#[derive(Default)]
struct Bases {
    newer: HashMap<Place, Object>,
    older: HashMap<Place, Object>,
    size: usize,
}

impl Bases {
    fn get(&mut self, place: Place) -> Option<Object> {
        if let Some(object) = self.newer.get(&place) {
            return Some(object.clone());
        }
        let object = self.older.remove(&place)?;
        self.keep(place, object.clone());
        Some(object)
    }

    fn keep(&mut self, place: Place, object: Object) {
        self.size += object.1.len();
        self.newer.insert(place, object);
        if self.size > KEEP_BASES {
            self.older = std::mem::take(&mut self.newer);
            self.size = 0;
        }
    }
}
