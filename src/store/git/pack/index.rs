//! A pack's index, version 2 (gitformat-pack, "pack-*.idx files"): where an object begins in its pack.
//! Pure; anything unexpected is no index.

use git2::Oid;

const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// 256 counts: objects whose id begins with this byte or a smaller one.
const FANOUT: usize = 256 * 4;
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
    pub(super) fn find(&self, oid: Oid) -> Option<u64> {
        let id = oid.as_bytes();
        let first = usize::from(*id.first()?);
        let (mut low, mut high) =
            (first.checked_sub(1).map_or(Some(0), |before| self.count_to(before))?, self.count_to(first)?);
        while low < high {
            let middle = low.midpoint(high);
            match self.id(middle)?.cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
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

#[cfg(test)]
mod tests {
    use super::*;

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
