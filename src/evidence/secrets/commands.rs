//! Passwords in the short options of programs, where no name says what they are.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::placeholder::is_stand_in;
use super::{End, Match};

/// A program as its line begins, and its option as far as the quote before the password.
pub(super) const COMMANDS: &[(&str, &str)] = &[
    ("mysql", r"[^\n|;&]*?[ \t]-p"),
    ("mariadb", r"[^\n|;&]*?[ \t]-p"),
    ("curl", r#"[^\n|]*?[ \t](?:-[A-Za-z]{0,8}[uU]|--(?:proxy-)?user)[ \t=]*["']?[^\s:"'@/]+:"#),
    ("sshpass", r"[ \t]+(?:-v[ \t]+)?-p[ \t]*"),
    ("docker login", r"[^\n|;&]*?[ \t]-p[ \t=]*"),
    ("podman login", r"[^\n|;&]*?[ \t]-p[ \t=]*"),
    ("registry login", r"[^\n|;&]*?[ \t]-p[ \t=]*"),
    ("az login", r"[^\n|;&]*?[ \t]-p[ \t=]*"),
    ("redis-cli", r"[^\n|;&]*?[ \t]-a[ \t]+"),
    ("sqlcmd", r"[^\n|;&]*?[ \t]-P[ \t]*"),
];

static OPTIONS: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    let regex = |option: &str| Regex::new(&format!(r#"\A(?-u:{option})(?-u:(["']?)([^\s"'\\]+))"#)).ok();
    COMMANDS.iter().map(|(_, option)| regex(option)).collect()
});

/// The password in a command's line.
pub(super) fn look(text: &[u8], index: usize, literal: &Range<usize>) -> Option<Match> {
    let (program, _) = COMMANDS.get(index)?;
    let is_word = text.get(..literal.start)?.last().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let after = text.get(literal.end..)?;
    let after = after.get(..MAX_LINE).unwrap_or(after);
    let found = OPTIONS.get(index)?.as_ref()?.captures(after).filter(|_| is_word)?;
    let value = found.get(2)?;
    let is_number = value.len() < MIN_NUMBER && value.as_bytes().iter().all(u8::is_ascii_digit);
    if is_number || value.as_bytes().starts_with(b"-") || is_stand_in(value.as_bytes()) {
        return None;
    }
    let secret = literal.end + value.start()..literal.end + value.end();
    let quote = secret.start.checked_sub(1).and_then(|at| text.get(at)).filter(|byte| b"\"'".contains(byte));
    Some(Match {
        place: literal.start..secret.end,
        kind: "password of a command",
        preview: format!("{program} …"),
        named: true,
        secret,
        end: quote.map_or(End::Blank, |quote| End::Quote(*quote)),
    })
}

/// As long as a command's line is looked at.
const MAX_LINE: usize = 400;
/// Shorter numbers are ports and ids.
const MIN_NUMBER: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::secrets::{find, redact};

    #[test]
    fn passwords_of_short_options_are_found_and_others_are_none() {
        assert!(OPTIONS.iter().all(Option::is_some));
        for yes in "mysql -u root -psunny7 shop|mysqldump -h db -u a -p'Sun ny' x|curl -s -u kim:sunny7 https://x|curl -sSu 'kim:sunny7' x|\
            curl --user kim:sunny7 'https://x?a&b'|sshpass -p sunny7 ssh a|docker login -u kim -p sunny7 r.example|redis-cli -h x -a sunny7 ping|\
            sqlcmd -S x -U sa -Psunny7|/usr/bin/mysql -psunny7"
            .split('|')
        {
            let found = find(yes.as_bytes());
            assert_eq!(found.iter().map(|found| found.kind).collect::<Vec<_>>(), ["password of a command"], "{yes}");
            assert!(!String::from_utf8(redact(yes.as_bytes()).unwrap().bytes).unwrap().contains("ny"), "{yes}");
        }
        for no in "mysql -u root -p shop|mysql -p<password> x|mysql -p$PASS|mysql --port=3306|curl -u \"$U:$P\" x|curl -u user:password x|curl -u kim: x|\
            docker run -u 1000:1000|docker login -p \"$TOKEN\"|curl -T a:b|mysql x; mkdir -pv a|sshpass -e ssh|a mysqlx"
            .split('|')
        {
            assert_eq!(find(no.as_bytes()), [], "{no}");
        }
    }
}
