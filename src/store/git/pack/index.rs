//! A pack's index, version 2 (gitformat-pack, "pack-*.idx files"): where an object begins in its pack.
//! Pure; anything unexpected is no index.

use git2::Oid;

const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// 256 counts: objects whose id begins with this byte or a smaller one.
const FANOUT: usize = 256 * 4;
/// Guesses before searching by halves.
const GUESSES: u32 = 4;
/// Set in an offset that stands in the table of eight-byte offsets instead.
const LARGE: u32 = 1 << 31;

pub(super) struct Index {
    bytes: Vec<u8>,
    id_length: usize,
    objects: usize,
}

impl Index {
    pub(super) fn parse(bytes: Vec<u8>, id_length: usize) -> Option<Self> {
        if !bytes.starts_with(&MAGIC) {
            return None;
        }
        let index = Self { objects: 0, bytes, id_length };
        let objects = index.count_to(255)?;
        // Ids, checksums and offsets of all objects, then the checksums of pack and index.
        let least = MAGIC.len() + FANOUT + objects.checked_mul(id_length + 4 + 4)? + 2 * id_length;
        (index.bytes.len() >= least).then_some(Self { objects, ..index })
    }

    /// Where the object begins; `None` when the pack does not have it.
    ///
    /// Ids are spread evenly, so a few guesses by proportion land on it; in an index that is not so, the
    /// search goes on by halves.
    pub(super) fn find(&self, oid: Oid) -> Option<u64> {
        let id = oid.as_bytes();
        let first = usize::from(*id.first()?);
        let wanted = beginning(id)?;
        let (mut low, mut high) =
            (first.checked_sub(1).map_or(Some(0), |before| self.count_to(before))?, self.count_to(first)?);
        let (mut least, mut most) = ((first as u64) << 56, (first as u64) << 56 | u64::MAX >> 8);
        let mut guesses = GUESSES;
        while low < high {
            let middle = if guesses == 0 { low.midpoint(high) } else { low + part(high - low, wanted, least, most) };
            guesses = guesses.saturating_sub(1);
            let found = self.id(middle)?;
            match found.cmp(id) {
                std::cmp::Ordering::Less => (low, least) = (middle + 1, beginning(found)?),
                std::cmp::Ordering::Greater => (high, most) = (middle, beginning(found)?),
                std::cmp::Ordering::Equal => return self.offset(middle),
            }
        }
        None
    }

    fn count_to(&self, first: usize) -> Option<usize> {
        usize::try_from(self.number(MAGIC.len() + first * 4)?).ok()
    }

    fn id(&self, at: usize) -> Option<&[u8]> {
        let start = MAGIC.len() + FANOUT + at * self.id_length;
        self.bytes.get(start..start + self.id_length)
    }

    fn offset(&self, at: usize) -> Option<u64> {
        let offsets = MAGIC.len() + FANOUT + self.objects * (self.id_length + 4);
        let offset = self.number(offsets + at * 4)?;
        if offset & LARGE == 0 {
            return Some(offset.into());
        }
        let large = offsets + self.objects * 4 + usize::try_from(offset & !LARGE).ok()? * 8;
        self.bytes.get(large..large + 8)?.try_into().ok().map(u64::from_be_bytes)
    }

    fn number(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
    }
}

/// The first eight bytes of an id, as a number.
fn beginning(id: &[u8]) -> Option<u64> {
    id.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// How many of `count` ids, spread evenly from `least` to `most`, come before `wanted`; at most all but one.
fn part(count: usize, wanted: u64, least: u64, most: u64) -> usize {
    let share = |range: u64| u128::from(range) + 1;
    let before = count as u128 * share(wanted.saturating_sub(least)) / share(most.saturating_sub(least));
    usize::try_from(before).unwrap_or(usize::MAX).min(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Digest;

    /// An index of two objects, the second beyond two gigabytes.
    fn index() -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        (0..256_u32).for_each(|first| {
            bytes.extend(
                if first < 7 {
                    0_u32
                } else if first < 9 {
                    1
                } else {
                    2
                }
                .to_be_bytes(),
            )
        });
        [[7; 20], [9; 20]].iter().for_each(|id| bytes.extend(id));
        bytes.extend([0; 8]);
        bytes.extend([12_u32.to_be_bytes(), LARGE.to_be_bytes()].concat());
        bytes.extend((5_u64 << 32).to_be_bytes());
        bytes.extend([0; 40]);
        bytes
    }

    #[test]
    fn objects_are_found_by_their_ids() {
        let find = |byte: u8| Index::parse(index(), 20).unwrap().find(Oid::from_bytes(&[byte; 20]).unwrap());
        assert_eq!([7, 9, 8, 0, 255].map(find), [Some(12), Some(5 << 32), None, None, None]);
    }

    #[test]
    fn every_object_is_found_however_the_ids_are_spread() {
        let spread = |at: u32| Digest::of(&at.to_be_bytes()).as_bytes()[..20].to_vec();
        // All the same but at their end, or all of one byte but one.
        let close = |at: u32| [&[7; 16], at.to_be_bytes().as_slice()].concat();
        let apart =
            |at: u32| if at == 0 { vec![0; 20] } else { [&[0xff; 4], close(at).as_slice()].concat()[..20].to_vec() };
        for id in [&spread as &dyn Fn(u32) -> Vec<u8>, &close, &apart] {
            let mut ids: Vec<Vec<u8>> = (0..500).map(id).collect();
            ids.sort();
            ids.dedup();
            let mut bytes = MAGIC.to_vec();
            let to = |first: u8| ids.iter().filter(|id| id[0] <= first).count() as u32;
            bytes.extend((0..=255).flat_map(|first| to(first).to_be_bytes()));
            bytes.extend(ids.concat());
            bytes.extend(vec![0; ids.len() * 4]);
            bytes.extend((0..ids.len() as u32).flat_map(u32::to_be_bytes));
            bytes.extend([0; 40]);
            let index = Index::parse(bytes, 20).unwrap();
            for (at, id) in ids.iter().enumerate() {
                assert_eq!(index.find(Oid::from_bytes(id).unwrap()), Some(at as u64));
                let mut beside = id.clone();
                beside[19] ^= 0x80;
                assert!(ids.contains(&beside) || index.find(Oid::from_bytes(&beside).unwrap()).is_none());
            }
        }
    }

    #[test]
    fn bytes_that_are_no_index_are_refused_or_answer_nothing_false() {
        let whole = index();
        for cut in 0..whole.len() - 8 {
            assert!(Index::parse(whole[..cut].to_vec(), 20).is_none(), "cut off after {cut}");
        }
        assert!(Index::parse([b"PACK", &whole[4..]].concat(), 20).is_none());
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] = 0xff;
            let bent = Index::parse(bent, 20);
            let found = bent.and_then(|index| index.find(Oid::from_bytes(&[1; 20]).unwrap()));
            assert!(found.is_none(), "byte {at}: {found:?}");
        }
    }
}
