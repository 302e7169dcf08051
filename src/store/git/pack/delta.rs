//! Deltas (gitformat-pack, "Deltified representation"): an object told as copies from another. Pure.

/// Longest stretch one copy instruction takes when it says none.
const WHOLE_COPY: usize = 0x1_0000;

/// The object a delta tells, of at most `most` bytes; `None` when the delta is not well made.
pub(super) fn apply(base: &[u8], delta: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut rest = delta;
    if size(&mut rest)? != base.len() {
        return None;
    }
    let length = size(&mut rest).filter(|length| *length <= most)?;
    let mut object = Vec::with_capacity(length);
    while let Some(instruction) = byte(&mut rest) {
        let piece = match instruction {
            0 => return None,
            1..=0x7f => take(&mut rest, instruction.into())?,
            _ => {
                let start = sparse(&mut rest, instruction, 4)?;
                let wanted = match sparse(&mut rest, instruction >> 4, 3)? {
                    0 => WHOLE_COPY,
                    wanted => wanted,
                };
                base.get(start..start.checked_add(wanted)?)?
            }
        };
        if piece.len() > length - object.len() {
            return None;
        }
        object.extend_from_slice(piece);
    }
    (object.len() == length).then_some(object)
}

/// A number in groups of seven bits, the lowest first.
fn size(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS - 7).step_by(7) {
        let group = byte(rest)?;
        number |= usize::from(group & 0x7f) << shift;
        if group & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A number of which only the bytes are written that `present` has bits for, the lowest first.
fn sparse(rest: &mut &[u8], present: u8, bytes: usize) -> Option<usize> {
    let mut number = 0;
    for at in (0..bytes).filter(|at| present & (1 << at) != 0) {
        number |= usize::from(byte(rest)?) << (8 * at);
    }
    Some(number)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1)?.first().copied()
}

fn take<'d>(rest: &mut &'d [u8], count: usize) -> Option<&'d [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_insertions_make_the_object() {
        let base = b"one two three";
        let delta = [&[13, 11][..], &[0x91, 8, 5], &[3], b" - ", &[0x90, 3]].concat();
        assert_eq!(apply(base, &delta, 100).unwrap(), b"three - one");
        assert!(apply(base, &delta, 10).is_none(), "larger than allowed");
        assert!(apply(b"another one", &delta, 100).is_none(), "another base");
        for cut in 0..delta.len() {
            assert!(apply(base, &delta[..cut], 100).is_none(), "cut off after {cut}");
        }
        let beyond = [&[13, 11][..], &[0x91, 9, 5], &[3], b" - ", &[0x90, 3]].concat();
        assert!(apply(base, &beyond, 100).is_none(), "beyond the base");
        assert!(apply(base, &[13, 1, 0], 100).is_none(), "an instruction kept for the future");
        assert!(apply(base, &[13, 1, 2, b'a', b'b'], 100).is_none(), "longer than it says");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_more_than_is_allowed(base in proptest::collection::vec(0_u8.., 0..200), delta in proptest::collection::vec(0_u8.., 0..60)) {
            let sized = [&[u8::try_from(base.len() & 0x7f).unwrap(), 100][..], &delta].concat();
            for delta in [delta, sized] {
                proptest::prop_assert!(apply(&base, &delta, 90).is_none_or(|object| object.len() <= 90));
            }
        }
    }

    #[test]
    fn a_copy_of_no_length_is_the_longest() {
        let base = vec![b'x'; WHOLE_COPY];
        let sizes = [0x80, 0x80, 0x04, 0x80, 0x80, 0x04];
        assert_eq!(apply(&base, &[&sizes[..], &[0x80]].concat(), WHOLE_COPY).unwrap(), base);
    }
}
