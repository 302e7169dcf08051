//! The rules as data: how each kind of secret begins, and what follows.
//!
//! In the manner of gitleaks (<https://github.com/gitleaks/gitleaks>): a literal that is quick to find, a
//! pattern for what follows it, and a measure against letters in a row. Forms are those the issuers document.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use regex::bytes::Regex;

use super::placeholder::{distinct, is_placeholder, is_stand_in};
use super::{End, Match, commands, keys, named};

/// A token known by its beginning.
struct Token {
    kind: &'static str,
    begins: &'static [&'static str],
    /// What follows: of a token without a fixed length, the least.
    rest: &'static str,
    /// The beginning is common in other text as well, so it must stand at the start of a word.
    word: bool,
}

const fn token(kind: &'static str, begins: &'static [&'static str], rest: &'static str) -> Token {
    Token { kind, begins, rest, word: false }
}

const fn word(kind: &'static str, begins: &'static [&'static str], rest: &'static str) -> Token {
    Token { kind, begins, rest, word: true }
}

const TOKENS: &[Token] = &[
    // Forges and registries.
    token("GitHub token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"[0-9A-Za-z]{36}"),
    token("GitHub token", &["github_pat_"], r"\w{50}"),
    token(
        "GitLab token",
        &["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "gloas-", "glft-", "glimt-", "glagent-"],
        r"[\w.-]{20}",
    ),
    word("Bitbucket token", &["ATBB"], r"[0-9A-Za-z]{32}\b"),
    token("Atlassian token", &["ATATT3", "ATCTT3"], r"[\w=-]{60}"),
    token("npm token", &["npm_"], r"[0-9A-Za-z]{36}"),
    token("PyPI token", &["pypi-AgE"], r"[\w-]{50}"),
    token("RubyGems token", &["rubygems_"], r"[0-9a-f]{48}"),
    word("crates.io token", &["cio"], r"[0-9A-Za-z]{32}\b"),
    word("NuGet key", &["oy2"], r"[0-9a-z]{43}\b"),
    token("Docker Hub token", &["dckr_pat_", "dckr_oat_"], r"[\w-]{20}"),
    // Clouds.
    word("AWS access key", &["AKIA", "ASIA"], r"[A-Z2-7]{16}\b"),
    word("Google API key", &["AIza"], r"[\w-]{35}(?:[^\w-]|\z)"),
    token("Google client secret", &["GOCSPX-"], r"[\w-]{28}"),
    token("Google access token", &["ya29."], r"[\w-]{40}"),
    token("Azure storage key", &["AccountKey="], r"[0-9A-Za-z+/]{86}=="),
    token("Azure shared access key", &["SharedAccessKey="], r"[0-9A-Za-z+/]{43}="),
    token("Azure shared access signature", &["&sig=", "?sig=", "amp;sig="], r"[0-9A-Za-z+/%]{40}"),
    token("DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"[0-9a-f]{64}"),
    word("Databricks token", &["dapi"], r"[0-9a-f]{32}\b"),
    token("Heroku key", &["HRKU-AA"], r"[\w-]{50}"),
    // Services.
    token("Slack token", &["xoxb-", "xoxp-", "xoxa-", "xoxo-", "xoxs-", "xoxr-", "xoxe-"], r"[0-9A-Za-z-]{16}"),
    token("Slack token", &["xapp-"], r"\d-[0-9A-Za-z-]{20}"),
    token("Slack webhook", &["hooks.slack.com/services/"], r"T\w+/B\w+/[0-9A-Za-z]{16}"),
    token("Discord webhook", &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"], r"\d{15,}/[\w-]{40}"),
    token("Teams webhook", &[".webhook.office.com/webhookb2/"], r"[0-9a-f-]{36}@[0-9a-f-]{36}/\w+/[0-9a-f]{32}"),
    token("Stripe key", &["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"], r"[0-9A-Za-z]{16}"),
    token("SendGrid key", &["SG."], r"[\w-]{22}\.[\w-]{43}"),
    token("Hugging Face token", &["hf_"], r"[A-Za-z]{34}"),
    token("OpenAI key", &["sk-proj-", "sk-svcacct-", "sk-admin-"], r"[\w-]{40}"),
    token("OpenAI key", &["T3BlbkFJ"], r"[0-9A-Za-z]{20}"),
    token("Anthropic key", &["sk-ant-"], r"[\w-]{40}"),
    token("Grafana token", &["glsa_", "glc_"], r"[0-9A-Za-z_+/]{32}"),
    token("Vault token", &["hvs.", "hvb."], r"[\w-]{24}"),
    token("Terraform token", &[".atlasv1."], r"[\w=-]{60}"),
    token("Shopify token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"[0-9A-Fa-f]{32}"),
    token("Sentry token", &["sntrys_", "sntryu_"], r"[0-9A-Za-z+/=_]{40}"),
    token("Artifactory key", &["AKCp", "cmVmd"], r"[0-9A-Za-z]{59}"),
    token("SonarQube token", &["squ_", "sqp_", "sqa_"], r"[0-9a-f]{40}"),
    token("Linear key", &["lin_api_"], r"[0-9A-Za-z]{40}"),
    token("Notion token", &["ntn_"], r"[0-9A-Za-z]{40}"),
    token("Postman key", &["PMAK-"], r"[0-9a-f]{24}-[0-9a-f]{34}"),
    token("age identity", &["AGE-SECRET-KEY-1"], r"[0-9A-Z]{58}"),
    // RFC 7519: a header and claims, both JSON objects in base64url, and a signature.
    word("JSON Web Token", &["eyJ"], r"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}"),
    token("bearer token", &["Bearer ", "bearer "], r"[A-Za-z_.~+/-]{0,20}\d[\w.~+/-]{15}"),
];

/// What stands somewhere in the name of a secret.
const NAMES: &str = "passw passphrase _pass pwd secret token credential key 비밀번호 패스워드";

/// Which of the tables a literal found belongs to.
#[derive(Clone, Copy)]
enum Rule {
    Token(usize, &'static str),
    Named,
    Url,
    Command(usize),
    PrivateKey,
    KeyBody,
    Putty,
    Basic,
}

/// The place where a secret may begin.
pub(super) struct Candidate {
    rule: Rule,
    literal: std::ops::Range<usize>,
}

static RULES: LazyLock<Vec<(&str, Rule)>> = LazyLock::new(|| {
    let tokens = TOKENS.iter().enumerate();
    let tokens =
        tokens.flat_map(|(index, token)| token.begins.iter().map(move |begin| (*begin, Rule::Token(index, begin))));
    let names = NAMES.split(' ').map(|name| (name, Rule::Named));
    let others = [
        ("://", Rule::Url),
        (r":\/\/", Rule::Url),
        ("PRIVATE KEY", Rule::PrivateKey),
        ("PuTTY-User-Key-File-", Rule::Putty),
        ("basic ", Rule::Basic),
        // Docker's and npm's configuration keep the same two words.
        ("\"auth\": \"", Rule::Basic),
        ("\"auth\":\"", Rule::Basic),
        ("_auth=", Rule::Basic),
    ];
    let commands = commands::COMMANDS.iter().enumerate().map(|(index, (begin, _))| (*begin, Rule::Command(index)));
    let bodies = keys::BODIES.iter().map(|begin| (*begin, Rule::KeyBody));
    tokens.chain(names).chain(others).chain(commands).chain(bodies).collect()
});

static LITERALS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder().ascii_case_insensitive(true).build(RULES.iter().map(|(literal, _)| literal)).ok()
});

static RESTS: LazyLock<Vec<Option<Regex>>> =
    LazyLock::new(|| TOKENS.iter().map(|token| Regex::new(&format!(r"\A(?-u:{})", token.rest)).ok()).collect());

pub(super) fn candidates(text: &[u8]) -> impl Iterator<Item = Candidate> {
    let hits = LITERALS.iter().flat_map(move |literals| literals.find_overlapping_iter(text));
    hits.filter_map(|hit| {
        let (_, rule) = RULES.get(hit.pattern().as_usize())?;
        Some(Candidate { rule: *rule, literal: hit.range() })
    })
}

impl Candidate {
    /// The secret, if it is one.
    pub(super) fn look(&self, text: &[u8]) -> Option<Match> {
        match self.rule {
            Rule::Token(index, begin) => self.token(text, TOKENS.get(index)?, RESTS.get(index)?.as_ref()?, begin),
            Rule::Named => named::look(text, &self.literal),
            Rule::Url => self.url(text),
            Rule::Command(index) => commands::look(text, index, &self.literal),
            Rule::PrivateKey => keys::look(text, &self.literal),
            Rule::KeyBody => keys::body_alone(text, &self.literal).filter(|_| starts_word(text, self.literal.start)),
            Rule::Putty => keys::putty(text, &self.literal),
            Rule::Basic => self.basic(text),
        }
    }

    /// What follows the literal, so far and no further.
    fn after<'t>(&self, text: &'t [u8], most: usize) -> &'t [u8] {
        let after = text.get(self.literal.end..).unwrap_or_default();
        after.get(..most).unwrap_or(after)
    }

    fn found(&self, length: usize, kind: &'static str, preview: String) -> Match {
        let place = self.literal.start..self.literal.end + length;
        Match { secret: place.clone(), place, kind, preview, named: false, end: End::Token }
    }

    fn token(&self, text: &[u8], token: &Token, rest: &Regex, begin: &str) -> Option<Match> {
        let exact = text.get(self.literal.clone()) == Some(begin.as_bytes());
        if !exact || (token.word && !starts_word(text, self.literal.start)) {
            return None;
        }
        // Words are read from their start alone, so long ones cost no more than short ones.
        let after = self.after(text, if token.word { LONG } else { SHORT });
        let rest = rest.find(after)?.as_bytes();
        let random = distinct(rest) >= MIN_DISTINCT && !is_placeholder(rest);
        random.then(|| self.found(rest.len(), token.kind, format!("{begin}…")))
    }

    /// RFC 3986, 3.2.1: `scheme://user:password@host`.
    fn url(&self, text: &[u8]) -> Option<Match> {
        let scheme = std::str::from_utf8(scheme_before(text, self.literal.start)).ok()?;
        let authority =
            run(self.after(text, SHORT), |byte| !byte.is_ascii_whitespace() && !b"/?#\"'<>`\\".contains(byte));
        let at = authority.iter().rposition(|byte| *byte == b'@')?;
        let colon = authority.get(..at)?.iter().position(|byte| *byte == b':')?;
        let (password, host) = (authority.get(colon + 1..at)?, authority.get(at + 1)?);
        let is_port = password.len() < 6 && password.iter().all(u8::is_ascii_digit);
        let is_password = password.len() >= MIN_PASSWORD && !is_port && !is_stand_in(password);
        let whole =
            scheme.starts_with(|c: char| c.is_alphabetic()) && (host.is_ascii_alphanumeric() || b"[$%{".contains(host));
        (whole && is_password).then(|| {
            let found = self.found(authority.len(), "password in a URL", format!("{scheme}://…:…@"));
            let secret = self.literal.end + colon + 1..self.literal.end + at;
            Match { secret, end: End::Here, ..found }
        })
    }

    /// RFC 7617: `Basic` and base64 of `user:password`.
    fn basic(&self, text: &[u8]) -> Option<Match> {
        let encoded = run(self.after(text, SHORT), is_base64);
        let decoded = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let password = decoded.get(colon + 1..)?;
        let is_text = decoded.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let is_password = is_text && password.len() >= MIN_PASSWORD && !is_stand_in(password);
        let found = || self.found(encoded.len(), "password in a header", "Basic …".to_owned());
        is_password.then(|| Match { secret: self.literal.end..self.literal.end + encoded.len(), ..found() })
    }
}

/// Whether a word can begin here: at the start, behind anything a word does not hold, or behind an escape
/// such as the `\n` of a JSON text.
fn starts_word(text: &[u8], at: usize) -> bool {
    match text.get(..at).unwrap_or_default() {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., before] => !before.is_ascii_alphanumeric() && !b"_+/-".contains(before),
        [] => true,
    }
}

/// The name of a URL's scheme, which ends here.
fn scheme_before(text: &[u8], end: usize) -> &[u8] {
    let before = text.get(end.saturating_sub(20)..end).unwrap_or_default();
    let in_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+.-".contains(byte);
    let start = before.iter().rposition(|byte| !in_scheme(byte)).map_or(0, |at| at + 1);
    before.get(start..).unwrap_or_default()
}

/// The bytes of a kind that stand at the beginning.
fn run(text: &[u8], of: impl Fn(&u8) -> bool) -> &[u8] {
    let end = text.iter().position(|byte| !of(byte)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(byte)
}

/// As far as any rule looks: the least that tells a token, and a whole JSON Web Token.
const SHORT: usize = 256;
const LONG: usize = 8192;
/// Different characters in what is random; `xxxxxxxx` and `000…` have fewer.
const MIN_DISTINCT: usize = 7;
const MIN_PASSWORD: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_is_found_by_its_beginning() {
        assert!(LITERALS.is_some());
        assert!(RESTS.iter().all(Option::is_some));
        for token in TOKENS {
            assert!(!token.begins.is_empty() && token.begins.iter().all(|begin| begin.len() >= 3), "{}", token.kind);
        }
    }
}
