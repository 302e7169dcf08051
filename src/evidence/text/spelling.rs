//! How a text is spelt in bytes, so that what is changed in it changes no other byte.

use std::borrow::Cow;

use super::decode;

/// An encoding, and whether a byte order mark stands in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    encoding: Encoding,
    has_mark: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
}

impl Spelling {
    /// What a text is written in where there is no file yet.
    pub const PLAIN: Self = Self { encoding: Encoding::Utf8, has_mark: false };

    /// The text of a file and its spelling: the one that gives the very same bytes again. `None` where none
    /// does, so CP949 among others, which only looks like itself.
    pub fn of(bytes: &[u8]) -> Option<(Cow<'_, str>, Self)> {
        let text = decode(bytes)?;
        let encodings = [Encoding::Utf8, Encoding::Utf16Little, Encoding::Utf16Big].into_iter();
        let mut all = encodings.flat_map(|encoding| [false, true].map(|has_mark| Self { encoding, has_mark }));
        let spelling = all.find(|spelling| spelling.spell(&text) == bytes)?;
        Some((text, spelling))
    }

    pub fn spell(self, text: &str) -> Vec<u8> {
        let mark = if self.has_mark { "\u{feff}" } else { "" };
        let units = || mark.encode_utf16().chain(text.encode_utf16());
        match self.encoding {
            Encoding::Utf8 => [mark.as_bytes(), text.as_bytes()].concat(),
            Encoding::Utf16Little => units().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Big => units().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelt_again_is_the_same_bytes() {
        for bytes in [
            &b""[..],
            b"a\r\nb",
            "- [ ] 승인 ☐ 𝄞\n".as_bytes(),
            b"\xEF\xBB\xBFab",
            b"\xEF\xBB\xBF",
            b"\xFF\xFEa\0\x00\xac",
            b"\xFF\xFE",
            b"\xFE\xFF\0a\xac\0",
            b"a\0b\0",
            b"\0a\0b",
        ] {
            let (text, spelling) = Spelling::of(bytes).unwrap();
            assert_eq!(spelling.spell(&text), bytes, "{bytes:?}");
            assert!(!text.starts_with('\u{feff}'), "{bytes:?}");
        }
    }

    #[test]
    fn what_no_spelling_gives_is_none() {
        for bytes in [&b"\xBA\xF4\xB5\xE5"[..], b"\xC0", b"\xFF\xFEa", b"caf\xE9"] {
            assert_eq!(Spelling::of(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_changed_text_keeps_its_spelling() {
        let (text, spelling) = Spelling::of(b"\xFF\xFE[\0 \0]\0").unwrap();
        assert_eq!(spelling.spell(&text.replace(' ', "x")), b"\xFF\xFE[\0x\0]\0");
        assert_eq!(Spelling::PLAIN.spell("가"), "가".as_bytes());
    }
}
