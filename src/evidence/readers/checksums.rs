//! SHA-256 sums, in every form the usual tools print them.
//!
//! Sources: the manuals of GNU coreutils `sha256sum`, `openssl dgst`, PowerShell `Get-FileHash`
//! and Windows `certutil -hashfile`.

mod get_file_hash;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::bounds::{self, MAX_LIST};
use super::{Input, ReadError, Reader};
use crate::evidence::facts::{Fact, Facts};

pub(super) const READER: Reader = Reader {
    format: "checksums",
    about: "SHA-256 sums as sha256sum, openssl, Get-FileHash or certutil print them, or one bare sum",
    facts: &["count", "sums"],
    looks_like,
    read,
};

fn looks_like(input: &Input<'_>) -> bool {
    let name = input.name.to_ascii_lowercase();
    let named = name.ends_with(".sha256") || name.ends_with(".sha256sum") || name.starts_with("sha256sums");
    let begins_well = |text: Cow<'_, str>| match facts(&text, input.name) {
        Ok(_) => true,
        // What goes wrong only after its first line was meant as sums; any JSON begins well.
        Err(error) => {
            !text.trim_start().starts_with(['{', '[']) && error.line > lines(&text).next().map(|(first, _)| first)
        }
    };
    named || text_of(input).is_ok_and(begins_well)
}

fn read(input: &Input<'_>) -> Result<Facts, ReadError> {
    facts(&text_of(input)?, input.name)
}

fn text_of<'a>(input: &Input<'a>) -> Result<Cow<'a, str>, ReadError> {
    bounds::decode_local(input.bytes, MAX_LIST, "a list of sums")
}

fn facts(text: &str, file: &str) -> Result<Facts, ReadError> {
    let mut sums = Facts::new();
    for (line, row) in rows(text, file)? {
        let (name, hash) = checked(&row).map_err(|message| ReadError::at(line, message))?;
        if sums.get(&name).is_some_and(|other| *other != hash) {
            return Err(ReadError::at(line, format!("gives {name:?} a second, different sum")));
        }
        sums.insert(name, hash);
        if sums.len() > MAX_SUMS {
            return Err(ReadError::at(
                line,
                format!("one record carries no more than {MAX_SUMS} sums: split the file"),
            ));
        }
    }
    if sums.is_empty() {
        return Err(ReadError::whole("holds no sum"));
    }
    Ok(Facts::from([("count".to_owned(), Fact::from(sums.len())), ("sums".to_owned(), Fact::Group(sums))]))
}

/// The first line tells what kind of document it is.
fn rows(text: &str, file: &str) -> Rows {
    let Some((_, first)) = lines(text).next() else { return Ok(Vec::new()) };
    if text.contains('\0') {
        return ended_by_zeros(text);
    }
    if let Some(rows) = get_file_hash::rows(text, first.trim()) {
        return rows;
    }
    match first.trim() {
        line if certutil_head(line).is_some() => certutil(text),
        line if is_hash(line) => bare(text, file),
        _ => each(lines(text), sum_line).map_err(|error| of_text(text, error)),
    }
}

/// Algorithm, hash and path, as written.
type Row = [String; 3];
type Rows = Result<Vec<(usize, Row)>, ReadError>;

/// The base name and the sum of a row that is a SHA-256 sum.
fn checked([algorithm, hash, path]: &Row) -> Result<(String, Fact), String> {
    if !matches!(algorithm.to_ascii_uppercase().as_str(), "SHA256" | "SHA2-256") {
        return Err(format!("is a sum by {algorithm:?}: bring the SHA-256 sum"));
    }
    if hash.len() != HEX_DIGITS || !is_hash(hash) {
        let other = OTHERS.iter().find(|(digits, _)| *digits == hash.len());
        let found = other.map(|(digits, name)| format!(", {digits} as here has {name}")).unwrap_or_default();
        return Err(format!("a SHA-256 sum has {HEX_DIGITS} hex digits{found}"));
    }
    let name: String = path.rsplit(['/', '\\']).next().unwrap_or_default().nfc().collect();
    match name.as_str() {
        "" | "." | ".." | "-" => Err(format!("{path:?} names no file")),
        // PowerShell cuts a table at the window's width.
        _ if name.ends_with('…') || name.ends_with("...") => Err(format!("{path:?} is cut off: use Format-List")),
        _ => Ok((name, Fact::Text(hash.to_ascii_lowercase()))),
    }
}

fn is_hash(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Lines that say something, numbered from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let says = |line: &str| !line.trim().is_empty() && !line.starts_with('#') && !is_prompt(line);
    (1..).zip(text.lines()).filter(move |(_, line)| says(line))
}

/// What somebody typed, copied along with what it printed: `PS C:\out> Get-FileHash …`, `C:\out>certutil …`, `$ sha256sum …`.
fn is_prompt(line: &str) -> bool {
    let typed = line.strip_prefix("PS ").unwrap_or(line);
    let is_place = |place: &str| {
        place.get(1..3) == Some(":\\") || (typed.len() < line.len() && place.starts_with(['/', '\\', '~']))
    };
    line.starts_with("$ ") || typed.split_once('>').is_some_and(|(place, _)| is_place(place))
}

fn unknown(line: usize) -> ReadError {
    ReadError::at(
        line,
        "is no SHA-256 sum in a form this reader knows: sha256sum, openssl dgst, Get-FileHash (its table, list, CSV or \
         JSON, with Hash and Path) and certutil -hashfile",
    )
}

/// Perl's `shasum -U` and `-0` mark their names: the sums are of a text made equal, or of bits.
fn of_text(text: &str, error: ReadError) -> ReadError {
    let line = error.line.and_then(|number| text.lines().nth(number - 1)).unwrap_or_default();
    match line.split_once([' ']) {
        Some((hash, rest)) if is_hash(hash) && rest.starts_with(['U', '^']) => {
            ReadError { message: "is no sum of the file's bytes: make it without -U or -0".to_owned(), ..error }
        }
        _ => error,
    }
}

fn each<'t>(lines: impl Iterator<Item = (usize, &'t str)>, row: impl Fn(&str) -> Option<Row>) -> Rows {
    lines.map(|(number, line)| Ok((number, row(line).ok_or_else(|| unknown(number))?))).collect()
}

/// `sha256sum -z`: each line ends in a zero byte instead, and no name is escaped.
fn ended_by_zeros(text: &str) -> Rows {
    let mut number = 1;
    let mut rows = Vec::new();
    for record in text.split_inclusive('\0') {
        let line = record.strip_suffix('\0').ok_or_else(|| ReadError::at(number, "ends before its last name does"))?;
        rows.push((number, untagged(line).ok_or_else(|| unknown(number))?));
        number += record.matches('\n').count();
    }
    Ok(rows)
}

/// `HEX  NAME` or `HEX *NAME`.
fn untagged(line: &str) -> Option<Row> {
    let (hash, rest) = line.split_once(' ')?;
    is_hash(hash).then_some(["SHA256", hash, rest.strip_prefix([' ', '*'])?].map(str::to_owned))
}

/// `HEX  NAME`, `HEX *NAME`, `SHA256 (NAME) = HEX` or `SHA2-256(NAME)= HEX`.
fn sum_line(line: &str) -> Option<Row> {
    let (escaped, body) = line.strip_prefix('\\').map_or((false, line), |body| (true, body));
    let tagged = || {
        let (tag, rest) = body.split_once('(')?;
        let (algorithm, close) = tag.strip_suffix(' ').map_or((tag, ")= "), |tag| (tag, ") = "));
        let (name, hash) = rest.rsplit_once(close)?;
        let is_tag = !algorithm.is_empty() && algorithm.chars().all(|c| c.is_ascii_alphanumeric() || "-/_".contains(c));
        is_tag.then_some([algorithm, hash.trim_end(), name].map(str::to_owned))
    };
    let [algorithm, hash, name] = untagged(body).or_else(tagged)?;
    let name = if escaped { unescape(&name)? } else { name };
    Some([algorithm, hash, name])
}

fn unescape(name: &str) -> Option<String> {
    // No file name holds a NUL, so one can stand for the escaped backslash.
    let plain = name.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r");
    (!plain.contains('\\') && !name.contains('\0')).then(|| plain.replace('\0', "\\"))
}

/// Algorithm and path of certutil's first line, in English or Korean.
fn certutil_head(line: &str) -> Option<(&str, &str)> {
    let head = line.strip_suffix(':')?;
    let (algorithm, path) = match head.strip_suffix(" 해시") {
        Some(korean) => korean.split_once("의 ")?,
        // Older Windows writes "hash of file".
        None => head
            .split_once(" hash of ")
            .map(|(algorithm, path)| (algorithm, path.strip_prefix("file ").unwrap_or(path)))?,
    };
    algorithm.chars().all(|c| c.is_ascii_alphanumeric()).then_some((algorithm, path))
}

fn certutil(text: &str) -> Rows {
    let lines: Vec<(usize, &str)> = lines(text).map(|(number, line)| (number, line.trim_end())).collect();
    let read = |three: &[(usize, &str)]| {
        let (number, head) = three.first().copied().unwrap_or_default();
        let [_, (_, hash), (last, end)] = three else {
            return Err(ReadError::at(number, "ends before certutil says that it completed"));
        };
        let (algorithm, path) = certutil_head(head).ok_or_else(|| unknown(number))?;
        let completed = COMPLETED.iter().any(|words| end.ends_with(words));
        if !end.starts_with("CertUtil: ") || !completed {
            return Err(ReadError::at(*last, "certutil did not complete successfully"));
        }
        // Older Windows writes blanks between the bytes.
        Ok((number, [algorithm.to_owned(), hash.replace(' ', ""), path.to_owned()]))
    };
    lines.chunks(3).map(read).collect()
}

/// One sum and nothing else: it is of the file it lies beside.
fn bare(text: &str, name: &str) -> Rows {
    let (stem, suffix) = name.split_at_checked(name.len().saturating_sub(SUFFIX.len())).unwrap_or((name, ""));
    let name = if suffix.eq_ignore_ascii_case(SUFFIX) { stem } else { name };
    match lines(text).nth(1) {
        Some((second, _)) => Err(unknown(second)),
        None => each(lines(text), |hash| Some(["SHA256", hash.trim(), name].map(str::to_owned))),
    }
}

const SHA256: &str = "SHA256";
/// How certutil ends, in English and Korean.
const COMPLETED: [&str; 2] = ["completed successfully.", "성공적으로 완료되었습니다."];
const SUFFIX: &str = ".sha256";
const HEX_DIGITS: usize = 64;
/// What a sum of another length may be.
const OTHERS: [(usize, &str); 4] = [(32, "MD5"), (40, "SHA1"), (96, "SHA384"), (128, "SHA512")];
/// All facts of an entry must fit into one statement.
const MAX_SUMS: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of nothing.
    const A: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// Reads a text where `@` stands for the sum, `^` for the same in upper case.
    fn sums(text: &str) -> String {
        let text = text.replace('@', A).replace('^', &A.to_uppercase());
        match read(&Input::plain("setup.exe.SHA256", text.as_bytes())) {
            Ok(facts) => facts["sums"].to_string().replace(A, "@"),
            Err(error) => error.to_string(),
        }
    }

    fn refused(text: &str, why: &str) {
        assert!(sums(text).contains(why), "{text}: {}", sums(text));
    }

    #[test]
    fn one_sum_a_line_or_one_bare_sum() {
        let gnu = "@  a.zip;^ *a.zip\r\n;@  dist/a.zip;@ *C:\\dist\\a.zip;\\@  d\\\\a.zip;# made by hand\n\n@  a.zip\n@  a.zip";
        let tagged = "SHA256 (a.zip) = @;SHA256 (d/a.zip) = ^;SHA2-256(a.zip)= @;SHA256(a.zip)= @\n@  a.zip";
        for text in gnu.split(';').chain(tagged.split(';')) {
            assert_eq!(sums(text), "{a.zip=@}", "{text}");
        }
        assert_eq!(sums("@  a b (1).zip \n@  e\u{301}"), "{a b (1).zip =@ é=@}");
        assert_eq!(sums("SHA256 (a) = (b) = @\n\\@  a\\nb"), "{a\nb=@ a) = (b=@}");
        assert_eq!(sums("\u{feff}^ \r\n"), "{setup.exe=@}");
        assert_eq!(sums("@  a\nb\0@ *\\c d\0"), "{a\nb=@ c d=@}");
        refused("@  a\nb\0@  c", "line 2: ends before");
        refused("@  a\nb\0@ c\0", "line 2: is no SHA-256 sum");
        refused("@  b\n@ Ua", "line 2: is no sum of the file's bytes");
        let bare = |name| read(&Input::plain(name, A.as_bytes()));
        assert!(bare("é").is_ok() && bare(".sha256").is_err());
    }

    #[test]
    fn what_powershell_prints() {
        let table = "\r\nAlgorithm  Hash  Path\r\n---------  ----  ----\r\nSHA256  ^  C:\\out dir\\a b.zip   \r\n\r\n";
        assert_eq!([sums(table), sums(&table.repeat(2))], ["{a b.zip=@}"; 2]);
        refused(&table.replace("b.zip", "b..."), "cut off");
        refused("@  b…", "cut off");
        refused(&table.replace("C:\\out dir\\a b.zip", ""), "line 4: ");
        let list =
            "\nAlgorithm : SHA256\nHash      : ^\nPath      : C:\\out\\long\n            er\\a \n       b.zip\n\n";
        assert_eq!(sums(&format!("{list}{}", list.replace("b.zip", "c"))), "{a b.zip=@ a c=@}");
        refused(&list.replace("Hash", "Size"), "line 3: ");
        refused("Algorithm : SHA256\nHash : @", "missing");
        let csv = "#TYPE x\n\"Algorithm\",\"Hash\",\"Path\"\n\"SHA256\",\"^\",\"C:\\out\\a,b.zip\"\n";
        assert_eq!(sums(csv), "{a,b.zip=@}");
        assert_eq!(sums(&csv.replace('"', "").replace("a,b", "a")), "{a.zip=@}");
        refused(&csv.replace('"', ""), "line 3: ");
        refused(&csv.replace("a,b", "a\"b"), "line 3: ");
        let json = "{\"Algorithm\": \"SHA256\", \"Hash\": \"^\", \"Path\": \"C:\\\\out\\\\a.zip\"}";
        assert_eq!(sums(json), "{a.zip=@}");
        assert_eq!(sums(&format!("[\n{json},\n{}\n]\n", json.replace("a.zip", "b"))), "{a.zip=@ b=@}");
        for bad in [json.replace("Path", "File"), format!("{json} x"), "[".repeat(9999)] {
            refused(&bad, "no JSON of Get-FileHash");
        }
    }

    #[test]
    fn what_powershell_prints_of_selected_columns_and_with_prompts() {
        for text in [
            "PS C:\\out> Get-FileHash .\\a.zip\n\nAlgorithm Hash Path\n--------- ---- ----\nSHA256 ^ C:\\a.zip\n\n\nPS C:\\out>\n",
            "Hash Path\n---- ----\n^ C:\\out dir\\a.zip\n",
            "Path             Hash\n----             ----\nC:\\out dir\\a.zip ^\n",
            "Hash : ^\nPath : C:\\a.zip\n",
            "Algorithm;Hash;Path\nSHA256;^;C:\\a.zip\n",
            "\"Path\";\"Hash\"\n\"C:\\a.zip\";\"^\"\n",
            "Hash,Algorithm,Path,PSComputerName\n^,SHA256,C:\\a.zip,node1\n",
            "{\"Hash\": \"^\", \"Path\": \"C:\\\\a.zip\", \"Size\": 1}",
            "C:\\b>certutil -hashfile a.zip SHA256\nSHA256 hash of a.zip:\n@\nCertUtil: -hashfile command completed successfully.\n\nC:\\b>\n",
            "$ sha256sum a.zip\n@  a.zip\n",
        ] {
            assert_eq!(sums(text), "{a.zip=@}", "{text}");
        }
        refused("Hash Path Size\n^ a 1\n", "Get-FileHash (its table");
        refused("Algorithm;Hash;Path\nSHA256;^\n", "line 2: ");
        refused("Hash,Path,Hash\n^,a,^\n", "line 1: ");
        refused("Algorithm;Hash;Path\nSHA512;^;a\n", "SHA512");
    }

    #[test]
    fn what_certutil_prints() {
        let text = "SHA256 hash of C:\\out\\a.zip:\r\n@\r\nCertUtil: -hashfile command completed successfully.\r\n";
        let old = text.replace("of C:\\out\\", "of file ").replace('@', &A.replace('b', " b"));
        assert_eq!(sums(&format!("{old}{text}")), "{a.zip=@}");
        let korean = "SHA256의 C:\\배포\\의 a.zip 해시:\n@\nCertUtil: -hashfile 명령이 성공적으로 완료되었습니다.\n";
        assert_eq!(sums(korean), "{의 a.zip=@}");
        refused(&korean.replace("성공적으로 완료되었습니다.", "실패: 0x80070002"), "line 3: ");
        refused(&text.replace("completed successfully", "FAILED"), "line 3: ");
        refused("SHA256 hash of a:\n@\n", "ends before");
        refused(&text.replace("SHA256", "MD5"), "MD5");
    }

    #[test]
    fn other_algorithms_and_unknown_lines_are_refused() {
        for (texts, why) in [
            ("SHA512 (a) = @;SHA512(a)= @@", "SHA512"),
            ("@@  a;@@", "128 as here has SHA512"),
            ("MD5(a)= @;d41d8cd98f00b204e9800998ecf8427e  a", "MD5"),
            ("da39a3ee5e6b4b0d3255bfef95601890afd80709  a;da39a3ee5e6b4b0d3255bfef95601890afd80709", "SHA1"),
            ("BLAKE2b-256 (a) = @", "BLAKE2b-256"),
            ("@0  a;SHA256 (a) = @0;SHA256 (a) = x", "64 hex digits"),
            ("@  a\n\n@ b;@  a\n# c\n@\n;@  a\n\n\\@  a\\t;@\n\n@", "line 3: "),
            ("@\ta;SHA256 (a)= @;(a)= @;hello;\\@  a\\;\\@  a\\t", "line 1: is no SHA-256 sum"),
            ("@  d/;@  -;@  ..", "names no file"),
            (";# nothing\n;[];Algorithm Hash Path\n---- ---- ----\n", "holds no sum"),
        ] {
            texts.split(';').for_each(|text| refused(text, why));
        }
        refused(&format!("@  x/a\n{}  y/a", A.replace('e', "f")), "line 2: gives \"a\" a second");
        let file = |count: usize| (0..count).map(|n| format!("@  {n}\n")).collect::<String>();
        assert!(sums(&file(250)).starts_with("{0=@ 1=@"));
        refused(&file(251), "more than 250 sums");
    }

    #[test]
    fn looks_like_needs_the_name_or_a_known_first_line() {
        let looks = |name, bytes: &[u8]| looks_like(&Input::plain(name, bytes));
        let utf16: Vec<u8> = format!("\u{feff}{A} *가.zip\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(looks("a", &utf16) && looks("a", A.as_bytes()) && looks("a.SHA256", b"x"));
        assert!(looks("SHA256SUMS.txt", b"x") && looks("a.sha256sum", b"x"));
        assert!(looks("a", format!("Algorithm Hash Path\nSHA256 {A} C:\\a...").as_bytes()));
        assert!(!looks("a", A.split_at(40).0.as_bytes()) && !looks("a", b"{\n}"));
        assert!(!looks("a", b"# A\n\nsee") && !looks("a", b"---\na: b"));
    }
}
