//! What stands where a secret would stand and is none: masks, references, examples.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// One pass, since every value of a long log is asked.
static SAYS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(SAYS_SO.split(' ')).ok());

/// Whether a value is a mask, a reference to a secret kept elsewhere, or an example.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    is_stand_in(value) || is_words(String::from_utf8_lossy(value).to_ascii_lowercase().trim())
}

/// The same where nothing but a secret can stand, as behind `DB_PASSWORD=`: there `hunter2` and `prod2024`
/// are values, and only words that name what should stand there are none.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let text = text.trim();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let names = |word: &str| {
        let is_number = word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit());
        is_number || NAMES_IT.split(' ').any(|known| known == word)
    };
    let has_letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_mask(text)
        || is_reference(text)
        || SAYS.as_ref().is_some_and(|says| says.is_match(text))
        || (has_letters && text.is_ascii() && words.all(names))
}

/// `****`, `xxxx`, `…`, one letter repeated, or a part so masked. (`●●●` holds no words at all.)
fn is_mask(text: &str) -> bool {
    distinct(text.as_bytes()) < text.len().clamp(1, 3)
        || ["***", "xxxx", "...", "…", "•••", "●●", "___", "----"].iter().any(|mask| text.contains(mask))
}

/// A name of a secret, in the manner of shells, templates, vaults and languages; or one that is encrypted.
fn is_reference(text: &str) -> bool {
    let wrapped =
        [("<", ">"), ("${", "}"), ("$(", ")"), ("{", "}"), ("[", "]"), ("%", "%"), ("@", "@"), ("#{", "}"), ("(", ")")];
    wrapped.iter().any(|(open, close)| text.starts_with(open) && text.ends_with(close))
        || text.starts_with(['$', '<', '&'])
        || ["${", "{{", "#{", "<%", "$("].iter().any(|open| text.contains(open))
        || REFERS.split(' ').any(|begin| text.starts_with(begin))
        // printf and format: `%s`, `{0}`.
        || (text.contains('%') && text.split('%').skip(1).all(|rest| rest.starts_with(['s', 'd', 'v', 'r'])))
        || text.contains("{}")
        || (text.contains('{') && text.contains('}'))
}

/// Made of nothing but words that examples are made of, and short numbers.
fn is_words(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.all(is_words_together)
}

/// Whether a word is a letter, one of [`WORDS`], or several of them and short numbers written together,
/// a longer one among them: `mypassword123`, and not `a7dbme3`.
fn is_words_together(word: &str) -> bool {
    let (mut rest, mut count, mut longest) = (word, 0, 0);
    while !rest.is_empty() && word.len() > 1 {
        // The longest word that fits is taken, so that `passw0rd` is not `pass`.
        let known = WORDS.split(' ').filter(|known| rest.starts_with(known)).map(str::len).max();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let length = known.unwrap_or(if digits <= 4 { digits } else { 0 });
        count += usize::from(known.is_some());
        longest = longest.max(known.unwrap_or_default());
        match rest.get(length..) {
            Some(after) if length > 0 => rest = after,
            _ => return false,
        }
    }
    count <= 1 || longest >= 4
}

/// How many different bytes there are.
pub(super) fn distinct(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Such a word anywhere in it says that the value is none.
const SAYS_SO: &str = "example changeme change-me change_me changethis change-this change_this replaceme replace- replace_ your- \
    your_ yourpass yoursecret yourtoken placeholder redacted masked hidden dummy notasecret not-a-secret \
    not_a_secret insert- insert_ todo fixme foobar abcdefgh 123456789 0000000 비공개 생략 없음 가림 변경";

/// Where the value itself is kept elsewhere, or cannot be read without another key.
const REFERS: &str = "secrets. secret: env. env: process.env os.environ os.getenv vault: op:// enc[ enc( !vault arn:aws projects/ \
    file: /run/secrets $ansible_vault age-encryption ssm: azurekeyvault @microsoft.keyvault";

/// What says which secret should stand here, or that there is none.
const NAMES_IT: &str = "access an any api app at auth bearer bytes change char characters chars client code credential credentials \
    database db default disabled empty enabled encrypted fake false for from generated here hex id in invalid is it jwt key \
    length local long max me min mock must my name new nil no none not null of off old on only option optional or pass \
    passphrase passwd password passwort please private provided public pwd random real required same secret secrets \
    secure session set some something string strong text the this to token true undefined unset unused use user \
    username usr valid value very with wrong yes you your";

/// What examples are made of.
const WORDS: &str = "abc abc123 access admin alice an any api app application at auth backend bad bar battery baz bearer bob change \
    char characters chars ci client code correct credential credentials database db default demo dev development \
    disabled empty enabled encrypted fake false foo for from generated guest here horse id in invalid is \
    it jwt key letmein local localhost long max me min mock mongo must my mysql name new nil no none nope not null \
    of off old on only opensesame optional or pass passphrase passw0rd passwd password passwort please postgres \
    postgresql private prod production provided public pw pwd qwerty random real redis required root sa safe same \
    sample secret secrets secure service session set simple some something stage staging staple string strong \
    super swordfish temp test testing text the this tmp to token true undefined unset unused use user username usr \
    valid value very with wrong xyz yes you your";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_a_secret_stands_in_for_one() {
        for none in "||***|xx|aab|<secret>|${A}|$A|{{ x }}|changeme|your-key-9|password|user|min-32-char-secret|the-access-token|dummy1".split('|') {
            assert!(is_stand_in(none.as_bytes()), "{none}");
        }
        for value in "hunter2|prod2024|ordinary-words|postgres|admin|pw|test-secret-for-ci-1|password123|letmein|1234567|a b c|correct horse".split('|') {
            assert!(!is_stand_in(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn masks_references_and_examples_are_none() {
        let none = "||***|xxxxxxxx|aaaa|●●●●|ab...yz|<secret>|${DB_PASS}|$DB_PASS|$(cat f)|%DB_PASS%|{{ secret }}|#{x}|{password}|%s|user-%s|{}|secrets.X|\
            process.env.KEY|vault:a/b|op://a/b|ENC[x9]|changeme|CHANGE-THIS-MIN-32-CHARS|your-api-key-9x|my_example_9x|password|passw0rd|mypassword123|\
            test-secret-for-ci-only|postgres|admin123|abc123|a-b-c";
        for value in none.split('|') {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in
            "Zx81q9kk|hunter3|a7dbme3|Ab%40c1!|passw1rd|postgres!k9|a1b2c3d4|20251004|correctpony|\u{fffd}9x".split('|')
        {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }
}
