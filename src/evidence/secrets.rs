//! Lines that must not enter a store that cannot forget: private keys, tokens, passwords.
//!
//! One pass finds the beginnings of secrets (the tables in `rules`); only there is looked closer, at a
//! window of bounded length, so the time is linear in the size whatever the text. What reads as a mask or
//! an example is none (`placeholder`). Compressed and encrypted bytes say nothing here.

mod assigned;
mod commands;
mod keys;
mod named;
mod placeholder;
mod redact;
mod rules;
mod seen;

use std::ops::Range;

use super::text;
use seen::Seen;

pub use redact::{Mark, Redacted, Unmasked, redact};

/// The fact that somebody let pass what was found here, and why.
pub const ALLOWED: &str = "secrets_allowed";
/// The fact that what was found here is masked in the bytes kept: how many, by which rules, on which lines.
pub const REDACTED: &str = "secrets_redacted";

/// One place that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// 1-based.
    pub line: usize,
    /// What it looks like, in words.
    pub kind: &'static str,
    /// How it begins, without the secret itself.
    pub preview: String,
}

/// The first places that look like secrets, in the order of the text. Text is read as readers read it; bytes
/// with zeros among them, such as UTF-16 inside a binary, also as if the zeros were not there.
pub fn find(bytes: &[u8]) -> Vec<Finding> {
    let text = text::decode(bytes);
    let found = scan(text.as_deref().map_or(bytes, str::as_bytes));
    // A few zeros may make a binary read as UTF-16.
    if !found.is_empty() || memchr::memchr(0, bytes).is_none() {
        return found;
    }
    let packed: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    scan(&packed)
}

/// A secret as a rule sees it: where it stands, and how it may be shown.
struct Match {
    place: Range<usize>,
    kind: &'static str,
    preview: String,
    /// It was told by its name alone; a token inside it says more.
    named: bool,
    /// What of it nobody may read: the value without its name. A rule looks no further than it must to tell
    /// a secret, so more may follow.
    secret: Range<usize>,
    end: End,
}

/// How far a secret goes on behind what its rule looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Here,
    /// Through the letters that tokens are made of.
    Token,
    /// To the next blank.
    Blank,
    /// To the next blank, or what parts values on one line.
    Value,
    /// To the closing quote, which no backslash precedes.
    Quote(u8),
    /// To the line that ends a private key.
    Key,
    /// Through the lines of a private key's body.
    Body,
    /// Through the lines that are indented below it.
    Block,
    /// To the line that ends one of PuTTY's.
    Putty,
}

/// What is found in a text as it is, and in what is seen of it.
fn scan(text: &[u8]) -> Vec<Finding> {
    let mut findings = scan_once(text);
    if let Some(seen) = Seen::of(text) {
        let more: Vec<Finding> = scan_once(&seen.text).into_iter().filter(|found| !findings.contains(found)).collect();
        findings.extend(more);
        findings.sort_by_key(|found| found.line);
        findings.truncate(MAX_FINDINGS);
    }
    findings
}

fn scan_once(text: &[u8]) -> Vec<Finding> {
    let mut matches: Vec<Match> = Vec::new();
    for candidate in rules::candidates(text) {
        let end = matches.last().map_or(0, |last| last.place.end);
        let Some(found) = candidate.look(text) else { continue };
        if found.place.start >= end {
            if matches.len() == MAX_FINDINGS {
                break;
            }
            matches.push(found);
        } else if let Some(last) = matches.last_mut().filter(|last| last.named && !found.named) {
            *last = found;
        }
    }
    let (mut line, mut at) = (1, 0);
    let located = matches.into_iter().map(|found| {
        let between = text.get(at..found.place.start).unwrap_or_default();
        line += memchr::memchr_iter(b'\n', between).count();
        at = found.place.start.max(at);
        Finding { line, kind: found.kind, preview: found.preview }
    });
    let mut findings: Vec<Finding> = located.collect();
    findings.dedup();
    findings
}

/// Nobody reads more, and after the first the answer is known.
const MAX_FINDINGS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    /// Random letters and digits, in pieces, so that no scanner takes this file for a leak.
    const RANDOM: &str = "q7Zr2Lx9Vb4Tn8Wd3Kf6Hs1Jm5Pc0YgAeUoiRQXzB7vN2tM9kL4wS6dF3hG8jC1pE5yT0uIaOrqWxKj";
    const HEX: &str = "3f9a1c7e5b8d2046f1e3a9c57b0d8426";

    fn kinds(text: &str) -> Vec<&'static str> {
        find(text.as_bytes()).into_iter().map(|finding| finding.kind).collect()
    }

    /// `§n§` stands for so many random characters, `#` for 32 hexadecimal digits.
    fn filled(text: &str) -> String {
        let mut parts = text.split('§');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.parse::<usize>() {
                Ok(count) => out.push_str(&RANDOM[..count]),
                Err(_) => out.push_str(part),
            }
        }
        out.replace('#', HEX)
    }

    #[test]
    fn every_kind_beside_what_is_none() {
        for (kind, yes, no) in [
            ("GitHub token", "ghp_§36§", "ghp_§20§"),
            ("GitHub token", "x=\"github_pat_§22§_§59§\"", "github_pat_your_token_goes_here_and_is_long_enough_for_it"),
            ("GitLab token", "glpat-§20§", "glpat-xxxxxxxxxxxxxxxxxxxx"),
            (
                "npm token",
                "//registry.npmjs.org/:_authToken=npm_§36§",
                "npm_config_registry=https://registry.npmjs.org",
            ),
            ("PyPI token", "pypi-AgEIcHlwaS5vcmc§60§", "pypi-AgE"),
            ("AWS access key", "id AKIAQ7ZR2LX4VB3TN5WD", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS access key", "{\"a\":\"x\\nASIAQ7ZR2LX4VB3TN5WD\"}", "XAKIAQ7ZR2LX4VB3TN5WD"),
            ("Google API key", "?key=AIza§35§", "AIza§34§"),
            ("Azure storage key", "AccountName=a;AccountKey=§70§qZ7rL2xV9bT4nW8d==;", "the AccountKey=abc== of"),
            ("Slack token", "xoxb-204817359264-§24§", "xoxb-your-token-here-please"),
            (
                "Slack webhook",
                "https://hooks.slack.com/services/T0AB1/B0CD2/§24§",
                "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
            ),
            ("Stripe key", "sk_live_§24§", "sk_live_..."),
            ("Anthropic key", "sk-ant-api03-§70§", "sk-ant-api03-"),
            ("JSON Web Token", "eyJhbGciOiJIUzI1NiJ9.eyJ§30§.§43§", "eyJhbGciOiJIUzI1NiJ9.eyJ§30§."),
            ("bearer token", "curl -H 'Authorization: Bearer §32§'", "Authorization: Bearer <access-token>"),
            ("bearer token", "authorization: bearer §32§", "the bearer token-authentication-of-services"),
            ("password in a header", "Authorization: Basic a2ltOlMzY3JldFEh", "Basic authentication is off"),
            ("password in a header", "\"auth\": \"a2ltOlMzY3JldFEh\"", "\"auth\": \"basic\""),
            ("password in a URL", "postgresql://app:S3cr3t99@db:5432/x", "postgresql://user:password@localhost:5432/x"),
            ("password in a URL", "mssql+pyodbc://sa:Ab%40c1!@srv/x", "https://registry.npmjs.org:443/@types/node"),
            ("private key", "PuTTY-User-Key-File-3: ssh-ed25519", "PuTTY-User-Key-File-3"),
            ("secret by its name", "JWT_SECRET_KEY=§40§", "JWT_SECRET_KEY=<min-32-char-secret>"),
        ] {
            assert_eq!(kinds(&filled(yes)), [kind], "{yes}");
            assert_eq!(kinds(&filled(no)), [""; 0], "{no}");
        }
    }

    #[test]
    fn a_private_key_is_one_with_its_body() {
        for (begin, end) in [
            ("-----BEGIN RSA ", "-----"),
            ("-----BEGIN OPENSSH ", "-----"),
            ("-----BEGIN PGP ", " BLOCK-----"),
            ("---- BEGIN SSH2 ENCRYPTED ", " ----"),
        ] {
            let header = format!("{begin}PRIVATE KEY{end}");
            let key = format!("a\n{header}\nProc-Type: 4,ENCRYPTED\n\n{}\n", &RANDOM[..64]);
            assert_eq!(
                find(key.as_bytes()),
                [Finding { line: 2, kind: "private key", preview: "BEGIN … PRIVATE KEY".to_owned() }]
            );
            assert_eq!(kinds(&format!("{{\"key\": \"{header}\\n{}\\n\"}}", &RANDOM[..64])), ["private key"]);
            assert_eq!(kinds(&format!("grep -- '{header}' *\n{}", "x".repeat(64))), [""; 0]);
        }
        assert_eq!(kinds(&format!("-----BEGIN PUBLIC KEY-----\n{}\n", &RANDOM[..64])), [""; 0]);
    }

    #[test]
    fn names_speak_where_the_value_is_written_out() {
        for yes in "DB_PASSWORD=hunter-9x|export API_KEY='Zx81-99qP'|password: Qz81kk4x|\"clientSecret\": \"Zx81x99qP\"|\
            {\\\"token\\\": \\\"Zx81x99qP\\\"}|Server=db;User Id=sa;Password=zx81x99q;|$env:SMTP_PASS = \"zx81-x99q\"|<password>Zx81x99q</password>|\
            tool --password Zx81-x99q --fast|- **Password**: Zx81-x99q|비밀번호: zx81x99q!|aws_secret_access_key = wJa1rXUt9nFEMI/K7MD/bPx|api-key=>'zx81x99qp'"
            .split('|')
        {
            assert_eq!(kinds(yes), ["secret by its name"], "{yes}");
        }
        assert_eq!(kinds("| DB_PASSWORD | Zx81-x99q |"), ["secret by its name"]);
        assert_eq!(
            find(b"a\r\nX_TOKEN=Zx81x99q\r\n")[0],
            Finding { line: 2, kind: "secret by its name", preview: "X_TOKEN=…".to_owned() }
        );
        for no in "PASSWORD=|PASSWORD=changeme|DB_PASSWORD=${DB_PASSWORD}|DB_PASSWORD=$DB_PASSWORD_1|API_KEY=<your key>|API_KEY=your-api-key-123|TOKEN=***|\
            TOKEN=xxxxxxxxxxxx|token: string|let token = parser.next_token();|token = self.token_2x|password: required|\
            password = getpass.getpass()|Token: super::HANDLE_64|max_tokens=4096|TOKEN_EXPIRY=3600s9x8|password_min_length: 12abcdefg|\
            nextToken: Zx81x99qPa|PublicKeyToken=b77a5c561934e089|PWD=/home/kim9x|arn:aws:secretsmanager:eu:1:secret:prod9x-Ab12|\"AWS::IAM::AccessKey\": \"72c2d9dd90025459\"|\
            password: ENC[AES256_GCM,data:9x]|secret: vault:kv/app#Key9|PrivateKey: testRSA2048PrivateKey|password == \"Zx81x99q\"|PASSWORD_KEY = 0xc0506617ab|비밀번호: 변경함"
            .split('|')
        {
            assert_eq!(kinds(no), [""; 0], "{no}");
        }
    }

    #[test]
    fn a_word_is_a_secret_where_nothing_else_can_stand() {
        for yes in "JWT_SECRET_KEY=ordinary-words|SECRET_KEY=prod2024|DB_PASSWORD=hunter2|DB_PASSWORD=sunshine|export SMTP_PASS=\"a b c\"|DB_PASSWORD=a,b,c|\
            docker run -e API_TOKEN=abc img|DB_PASSWORD=20251004|API_KEY=a.b.c|APP_SECRET='correct horse'|POSTGRES_PASSWORD: postgres|DB_PASSWORD: \"sunny\"|password=hunter2|\
            db.password=sunshine|tool --password sunshine|tool --password=sunshine --fast|New-Thing -Password Summer25|\"db_password\": \"words-9\"|password: hunter2|\
            password: |-\n  sunshine\n|DB_PASSWORD=비밀입니다|SECRET=test-secret-for-ci-1|SECRET_KEY=/k3JZr2Lx9Vb4Tn8Wd3Kf6Hs1Jm5Pc0YgAe"
            .replace("|-", "\u{0}")
            .split('|')
        {
            assert_eq!(kinds(&yes.replace('\u{0}', "|-")), ["secret by its name"], "{yes}");
        }
        assert_eq!(kinds("postgres://u:pw@host/x"), ["password in a URL"]);
        assert_eq!(kinds("amqp://guest:guest@mq"), ["password in a URL"]);
        for no in "DB_PASSWORD=<words>|DB_PASSWORD=${A-b}|DB_PASSWORD=$(cat /run/x)|DB_PASSWORD=...|DB_PASSWORD=●●●●|API_TOKEN=true|MAX_TOKEN=4096|TOKEN=get_token()|\
            SECRET_KEY=settings.SECRET_KEY|use --password to set it|the option --password and\nmore|password=password,|password: |\nb|SECRET_FILE=/run/a|TOKEN=\"\"|\
            DB_PASSWORD=(비공개)|DB_PASSWORD=비공개|password: 8 letters|- [ ] JWT_SECRET_KEY: rotated|\"password\": \"Password\"|smoke_pass=1|token=$1|--token TOKEN"
            .replace("password: |", "")
            .split('|')
        {
            assert_eq!(kinds(no), [""; 0], "{no}");
        }
    }

    #[test]
    fn colours_and_spelt_letters_hide_nothing() {
        for (yes, kind) in [
            ("pass\u{1b}[0mword=\u{1b}[31mhunter2\u{1b}[0m", "secret by its name"),
            ("id AKIA\u{1b}[31mQ7ZR2LX4VB3TN5WD\u{1b}[0m", "AWS access key"),
            ("DB_PASS\u{1b}]8;;x\u{7}WORD=zx81", "secret by its name"),
            ("{\"db_pass\\u0077ord\": \"\\u0068unter2\\u0031\"}", "secret by its name"),
            ("{\"a\": \"\\u001b[1mAKIA\\u001b[0mQ7ZR2LX4VB3TN5WD\"}", "AWS access key"),
        ] {
            let found = find(format!("a\n{yes}\n").as_bytes());
            assert_eq!((found.len(), found[0].line, found[0].kind), (1, 2, kind), "{yes}");
            let masked = redact(format!("a\n{yes}\nb\n").as_bytes()).unwrap();
            let text = String::from_utf8(masked.bytes).unwrap();
            assert!(["hunter2", "unter2", "Q7ZR", "zx81"].iter().all(|part| !text.contains(part)), "{text:?}");
            assert!(text.starts_with("a\n") && text.ends_with("\nb\n"), "{text:?}");
        }
    }

    #[test]
    fn a_token_says_more_than_its_name() {
        let text = filled("a\nGITHUB_TOKEN=ghp_§36§ DB_PASSWORD=zx81-x99q\nTOKEN=sk_live_§24§");
        assert_eq!(kinds(&text), ["GitHub token", "secret by its name", "Stripe key"]);
        let lines: Vec<usize> = find(text.as_bytes()).into_iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [2, 2, 3]);
        assert!(find(text.as_bytes()).iter().all(|finding| !finding.preview.contains(&RANDOM[..8])));
    }

    #[test]
    fn other_encodings_and_binaries_hide_nothing() {
        let text = "빌드\nDB_PASSWORD=zx81-x99q\n";
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
            for before in [&b""[..], b"\x7fELF\xff\xfe\x00\x01\x02", b"MZ\xff"] {
                let found = find(&[before, &bytes].concat());
                assert_eq!(found.len(), 1, "{before:?}");
                assert_eq!((found[0].kind, found[0].preview.as_str()), ("secret by its name", "DB_PASSWORD=…"));
            }
        }
        assert_eq!(find(b"\xba\xf4\nDB_PASSWORD=zx81-x99q\xff")[0].line, 2);
        assert_eq!(find(b"\x00DB_PASSWORD=zx81-x99q\x00").len(), 1);
        assert_eq!(find(b"\x00ELF\x00\nDB_PASSWORD=zx81-x99qr\xff").len(), 1);
    }

    #[test]
    fn findings_and_time_are_bounded() {
        let many = "X_TOKEN=Zx81x99q\n".repeat(1000);
        assert_eq!(find(many.as_bytes()).len(), MAX_FINDINGS);
        for unit in [
            "token=",
            "://a:",
            "PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----",
            "eyJ",
            "AKIA",
            "password ",
            "ghp_",
            "Basic ",
            "mysql ",
            "curl -u a",
            "MII",
            "-----END PRIVATE KEY-----",
            "password: |\n ",
            "\u{1b}[",
            "\u{1b}]",
            "\\u001b",
            "\0",
        ] {
            assert_eq!(find(unit.repeat(200_000 / unit.len()).as_bytes()), [], "{unit}");
        }
    }
}
