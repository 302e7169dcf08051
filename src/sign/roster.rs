//! People, their roles and keys, as one policy file names them.
//!
//! The roster is the part of the policy that decides whose signature counts, so it is read on its
//! own: verification needs it and must not depend on gates and rules. People are counted, never keys.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::DeTable;

use super::public_key::{KeyError, PublicKey};
use crate::findings::{Findings, Table, counted};
use crate::id::{EntryNumber, Name, Origin, PersonId, fold, is_invisible};

/// Who may sign what, from one policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    pub origin: Origin,
    people: Vec<Person>,
    /// Who approves the policy that replaces this one.
    pub approve: Approve,
    /// The role that may revoke what others brought; without one, everybody only their own.
    pub revoke: Option<Name>,
    /// Keys that are not believed any more, and from when.
    pub compromised: Vec<Compromised>,
}

/// So many different people with this role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approve {
    pub role: Name,
    pub count: u32,
}

/// A key that fell into other hands: what it signed from an entry on is void, but for some entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compromised {
    pub key: PublicKey,
    pub since: EntryNumber,
    /// Entries somebody has looked into and vouches for.
    pub except: Vec<EntryNumber>,
    pub reason: String,
}

/// One person or bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    /// Printed name, as shown in notes and reports.
    pub name: String,
    /// What the person is called in logs and folders (`QA-KIM`).
    pub handles: Vec<String>,
    pub roles: Vec<Name>,
    pub keys: Vec<PublicKey>,
    /// A machine: it may bring evidence, it never approves.
    pub bot: bool,
}

impl Person {
    pub fn has_role(&self, role: &Name) -> bool {
        self.roles.contains(role)
    }

    pub fn has_any(&self, roles: &[Name]) -> bool {
        roles.iter().any(|role| self.has_role(role))
    }

    /// A word given in one of the roles: a bot gives none.
    pub fn speaks_as(&self, roles: &[Name]) -> bool {
        !self.bot && self.has_any(roles)
    }

    /// The short name used in file names and logs: the first handle, or the id before its `@`.
    pub fn handle(&self) -> &str {
        let user = self.id.as_str().split('@').next().unwrap_or_default();
        self.handles.first().map_or(user, String::as_str)
    }
}

impl Roster {
    /// Reads the roster out of a policy's text; everything that is no roster is left alone.
    pub fn parse(text: &str) -> Result<Self, Findings> {
        let mut findings = Findings::default();
        let document = parse_document(text, &mut findings);
        let roster = document.and_then(|document| {
            let span = 0..text.len();
            Self::read(&mut Table::new(&document, span, "the policy"), &mut findings)
        });
        roster.filter(|_| findings.is_empty()).ok_or(findings)
    }

    /// Reads `[ledger]`, `[policy]` and every `[[person]]` of a document already open.
    pub fn read(root: &mut Table<'_, '_>, findings: &mut Findings) -> Option<Self> {
        let origin = root.required_table("ledger", findings).and_then(|mut ledger| {
            let text = ledger.required("origin", findings)?;
            checked(Origin::parse(text), ledger.span_of("origin"), findings)
        });
        let policy = root.required_table("policy", findings).and_then(|table| read_succession(table, findings));
        let people: Vec<(Person, Range<usize>)> = root
            .tables("person", findings)
            .into_iter()
            .filter_map(|table| Some((table.span(), read_person(table, findings)?)))
            .map(|(span, person)| (person, span))
            .collect();
        check_unique(&people, findings);
        let compromised: Vec<Compromised> = root
            .tables("compromised", findings)
            .into_iter()
            .filter_map(|table| read_compromised(table, &people, findings))
            .collect();
        let people: Vec<Person> = people.into_iter().map(|(person, _)| person).collect();
        let (approve, revoke, span) = policy?;
        let able = people.iter().filter(|person| !person.keys.is_empty() && may_approve(person, &approve)).count();
        if able < approve.count as usize {
            let message = format!(
                "{} with a key {} the role `{}`, and {} must approve: this policy could never be changed",
                counted(able, "person", "people"),
                if able == 1 { "has" } else { "have" },
                approve.role,
                approve.count
            );
            findings.add(span, message);
        }
        Some(Self { origin: origin?, people, approve, revoke, compromised })
    }

    /// Whether a person has a say in the policy that replaces this one.
    pub fn may_approve(&self, person: &Person) -> bool {
        may_approve(person, &self.approve)
    }

    /// Whether a person may revoke what others brought.
    pub fn may_revoke(&self, person: &Person) -> bool {
        !person.bot && self.revoke.as_ref().is_some_and(|role| person.has_role(role))
    }

    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter()
    }

    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.people.iter().find(|person| person.id == *id)
    }

    pub fn person_of_key(&self, key: PublicKey) -> Option<&Person> {
        self.people.iter().find(|person| person.keys.contains(&key))
    }

    /// The person a log line or a command line means: by id or handle, letter case aside.
    pub fn person_called(&self, text: &str) -> Option<&Person> {
        let wanted = fold(text);
        let called = |person: &&Person| {
            fold(person.id.as_str()) == wanted || person.handles.iter().any(|handle| fold(handle) == wanted)
        };
        // The short name people see (an id before its @) serves too, while it is one person's.
        let short = || {
            let mut all = self.people.iter().filter(|person| fold(person.handle()) == wanted);
            all.next().filter(|_| all.next().is_none())
        };
        self.people.iter().find(called).or_else(short)
    }

    /// People (no bots) who hold any of the roles.
    pub fn holders<'r>(&'r self, roles: &'r [Name]) -> impl Iterator<Item = &'r Person> {
        self.people.iter().filter(|person| person.speaks_as(roles))
    }

    /// The text of an `allowed_signers` file that lets stock git check what these people signed:
    /// one line a key, one literal principal, namespace `git` (ssh-keygen(1), ALLOWED SIGNERS).
    pub fn allowed_signers(&self) -> String {
        let lines = self
            .people
            .iter()
            .flat_map(|person| person.keys.iter().map(|key| format!("{} namespaces=\"git\" {key}\n", person.id)));
        lines.collect()
    }
}

/// How many different people there are among ids of one roster; where rosters came between, [`super::People`] counts.
pub fn count_people<'p>(ids: impl IntoIterator<Item = &'p PersonId>) -> usize {
    ids.into_iter().collect::<BTreeSet<_>>().len()
}

/// Opens a TOML document, keeping every syntax error as a finding.
pub fn parse_document<'i>(text: &'i str, findings: &mut Findings) -> Option<DeTable<'i>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        findings.add(error.span().unwrap_or(0..0), error.message().replace('\n', ", "));
    }
    errors.is_empty().then(|| document.into_inner())
}

/// The value, or a finding where it stands.
pub fn checked<T, E: std::fmt::Display>(value: Result<T, E>, span: Range<usize>, findings: &mut Findings) -> Option<T> {
    value.map_err(|error| findings.add(span, error.to_string())).ok()
}

fn may_approve(person: &Person, approve: &Approve) -> bool {
    !person.bot && person.has_role(&approve.role)
}

fn read_succession(
    mut policy: Table<'_, '_>,
    findings: &mut Findings,
) -> Option<(Approve, Option<Name>, Range<usize>)> {
    let span = policy.span_of("approve");
    let approve = policy.required_table("approve", findings).and_then(|mut approve| {
        let role = read_role(&mut approve, findings);
        let count = approve.count("count", 1, findings);
        approve.finish(findings);
        Some(Approve { role: role?, count })
    });
    let revoke = policy.table("revoke", findings).and_then(|mut revoke| {
        let role = read_role(&mut revoke, findings);
        revoke.finish(findings);
        role
    });
    policy.finish(findings);
    Some((approve?, revoke, span))
}

fn read_role(table: &mut Table<'_, '_>, findings: &mut Findings) -> Option<Name> {
    let role = table.required("role", findings)?;
    checked(Name::parse(role), table.span_of("role"), findings)
}

fn read_compromised(
    mut table: Table<'_, '_>,
    people: &[(Person, Range<usize>)],
    findings: &mut Findings,
) -> Option<Compromised> {
    let key = table.required("key", findings);
    let key = key.and_then(|key| checked(read_key(key), table.span_of("key"), findings));
    let owner = key.and_then(|key| people.iter().find(|(person, _)| person.keys.contains(&key)));
    if let Some((owner, _)) = owner {
        findings.add(table.span_of("key"), format!("a compromised key cannot stay a key of {}", owner.id));
    }
    let since = table.number("since", findings);
    let except = table.numbers("except", findings).into_iter().map(EntryNumber).collect();
    let reason = table.required("reason", findings).map(str::to_owned);
    table.finish(findings);
    Some(Compromised { key: key?, since: EntryNumber(since?), except, reason: reason? })
}

fn read_person(mut table: Table<'_, '_>, findings: &mut Findings) -> Option<Person> {
    let id = table.required("id", findings);
    let id = id.and_then(|id| checked(PersonId::parse(id), table.span_of("id"), findings));
    let name = table.required("name", findings).map(str::to_owned);
    if let Some(bad) = name.as_deref().filter(|name| !is_plain(name)) {
        findings.add(table.span_of("name"), format!("{bad:?} cannot stand in a commit header"));
    }
    let mut handles = Vec::new();
    for (handle, span) in table.texts("handles", findings) {
        if !is_plain(handle) {
            findings.add(span, format!("{handle:?} is no handle: plain text without < > and line breaks"));
        }
        handles.push(handle.to_owned());
    }
    let roles = table.texts("roles", findings).into_iter();
    let roles = roles.filter_map(|(role, span)| checked(Name::parse(role), span, findings)).collect();
    let mut keys = Vec::new();
    for (line, span) in table.texts("keys", findings) {
        keys.extend(checked(read_key(line), span, findings));
    }
    let bot = table.flag("bot", findings);
    table.finish(findings);
    Some(Person { id: id?, name: name?, handles, roles, keys, bot })
}

fn read_key(line: &str) -> Result<PublicKey, KeyError> {
    let key = PublicKey::parse(line)?;
    key.check_enrolment().map(|()| key)
}

/// Text that may stand in a commit's author line: no angle brackets, nothing invisible, no blank ends.
fn is_plain(text: &str) -> bool {
    !text.contains(['<', '>'])
        && !text.chars().any(is_invisible)
        && text.trim() == text
        && text.len() <= 128
        && !text.starts_with(['.', ',', ':', ';', '"', '\''])
        && !text.ends_with(['.', ',', ':', ';', '"', '\''])
}

/// Nobody shares an id, a handle or a key: a shared one would let one person count as two.
fn check_unique(people: &[(Person, Range<usize>)], findings: &mut Findings) {
    let mut names: BTreeMap<String, &PersonId> = BTreeMap::new();
    let mut keys: BTreeMap<PublicKey, &PersonId> = BTreeMap::new();
    for (person, span) in people {
        let called = std::iter::once(person.id.as_str()).chain(person.handles.iter().map(String::as_str));
        for name in called {
            if let Some(other) = names.insert(fold(name), &person.id) {
                findings.add(span.clone(), format!("`{name}` already names {other}"));
            }
        }
        for key in &person.keys {
            if let Some(other) = keys.insert(*key, &person.id) {
                findings.add(span.clone(), format!("the key {} already belongs to {other}", key.fingerprint()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

    fn text(people: &str) -> String {
        format!("[ledger]\norigin = \"x.example/y\"\n[policy]\napprove = {{ role = \"boss\" }}\n{people}")
    }

    fn person(id: &str, rest: &str) -> String {
        format!("[[person]]\nid = \"{id}\"\nname = \"N\"\nroles = [\"boss\"]\n{rest}\n")
    }

    #[test]
    fn people_keys_and_handles_are_each_their_own() {
        let kim = person("kim@x.example", &format!("keys = [\"{KEY}\"]\nhandles = [\"QA-KIM\"]"));
        let roster = Roster::parse(&text(&kim)).unwrap();
        assert_eq!(roster.person_called("qa-kim").unwrap().id.as_str(), "kim@x.example");
        assert_eq!(roster.allowed_signers(), format!("kim@x.example namespaces=\"git\" {KEY}\n"));
        for twin in ["keys = [\"KEY\"]".replace("KEY", KEY), "handles = [\"qa-Kim\"]".to_owned()] {
            let both = text(&(kim.clone() + &person("lee@x.example", &twin)));
            assert_eq!(Roster::parse(&both).unwrap_err().len(), 1, "{twin}");
        }
    }

    #[test]
    fn a_policy_nobody_could_change_is_refused() {
        let keyless = text(&person("kim@x.example", ""));
        let bot = text(&person("ci@x.example", &format!("bot = true\nkeys = [\"{KEY}\"]")));
        for lonely in [text(""), keyless, bot] {
            assert!(Roster::parse(&lonely).is_err(), "{lonely}");
        }
    }

    /// The keys with these seeds, in the order of their lines.
    fn keys<const N: usize>(seeds: [u8; N]) -> [String; N] {
        seeds.map(|seed| crate::sign::Signer::from_seed(&[seed; 32]).public().to_string())
    }

    #[test]
    fn a_name_that_could_not_stand_in_a_commit_header_is_refused() {
        let called = |what: &str, name: &str| {
            let handles = if what == "handles" { name } else { "H" };
            let name = if what == "name" { name } else { "N" };
            let kim = format!(
                "[[person]]\nid = \"kim@x.example\"\nname = {name:?}\nhandles = {handles:?}\nroles = \"boss\"\nkeys = {KEY:?}\n"
            );
            Roster::parse(&text(&kim))
        };
        let long = "n".repeat(128);
        for what in ["name", "handles"] {
            for plain in ["Kim", "김 지우", "O'Hara", "J. R. Kim", "a;b", &long] {
                assert!(called(what, plain).is_ok(), "{what} {plain}");
            }
            let longer = format!("{long}n");
            for odd in ["Kim <k>", "<", ">", "K\u{200b}im", " Kim", "Kim ", ".Kim", "Kim.", ";Kim", "Kim,", &longer] {
                assert!(called(what, odd).is_err(), "{what} {odd:?}");
            }
        }
    }

    #[test]
    fn people_are_called_by_id_handle_or_a_short_name_that_is_theirs_alone() {
        let people = person("kim@x.example", &format!("keys = {KEY:?}"))
            + &person("lee@x.example", "handles = [\"QA-LEE\", \"second\"]")
            + &person("min@x.example", "")
            + &person("min@y.example", "");
        let roster = Roster::parse(&text(&people)).unwrap();
        let called = |text: &str| roster.person_called(text).map(|person| person.id.as_str());
        for who in ["kim@x.example", "KIM", "Kim@X.example"] {
            assert_eq!(called(who), Some("kim@x.example"), "{who}");
        }
        for who in ["qa-lee", "Second", "lee@x.example"] {
            assert_eq!(called(who), Some("lee@x.example"), "{who}");
        }
        assert_eq!(called("min@y.example"), Some("min@y.example"));
        // Lee goes by a handle, not by the id before its @; and there are two of the name min.
        for who in ["lee", "min", "", "ki"] {
            assert_eq!(called(who), None, "{who}");
        }
        let handles: Vec<&str> = roster.people().map(Person::handle).collect();
        assert_eq!(handles, ["kim", "QA-LEE", "min", "min"]);
    }

    #[test]
    fn bots_approve_and_revoke_nothing_whatever_their_roles() {
        let [kim, lee, bot] = keys([1, 2, 3]);
        let people = person("kim@x.example", &format!("keys = {kim:?}"))
            + &person("lee@x.example", &format!("keys = {lee:?}")).replace("boss", "clerk")
            + &person("bot@x.example", &format!("keys = {bot:?}\nbot = true"));
        let revoke = "approve = { role = \"boss\" }\nrevoke = { role = \"boss\" }";
        let roster = Roster::parse(&text(&people).replace("approve = { role = \"boss\" }", revoke)).unwrap();
        let without = Roster::parse(&text(&people)).unwrap();
        for (id, may) in [("kim@x.example", true), ("lee@x.example", false), ("bot@x.example", false)] {
            let person = roster.person(&PersonId::parse(id).unwrap()).unwrap();
            assert_eq!((roster.may_approve(person), roster.may_revoke(person)), (may, may), "{id}");
            assert!(!without.may_revoke(person), "{id} without a role for it");
        }
        let boss = [Name::parse("boss").unwrap(), Name::parse("nobody").unwrap()];
        let holders: Vec<&str> = roster.holders(&boss).map(|person| person.id.as_str()).collect();
        assert_eq!(holders, ["kim@x.example"]);
        assert_eq!(roster.person_of_key(PublicKey::parse(&bot).unwrap()).unwrap().id.as_str(), "bot@x.example");
        let two = text(&people).replace("role = \"boss\" }", "role = \"boss\", count = 2 }");
        assert!(Roster::parse(&two).is_err(), "one person cannot approve for two");
        let enough = two.replace("roles = [\"clerk\"]", "roles = [\"clerk\", \"boss\"]");
        assert_eq!(Roster::parse(&enough).unwrap().approve.count, 2);
    }

    #[test]
    fn a_compromised_key_is_nobodys_and_says_since_when_and_why() {
        let [kim, lost] = keys([1, 2]);
        let with = |compromised: &str| {
            let kim = person("kim@x.example", &format!("keys = {kim:?}"));
            Roster::parse(&text(&format!("{kim}[[compromised]]\n{compromised}\n")))
        };
        let whole = format!("key = {lost:?}\nsince = 3\nreason = \"stolen\"");
        let expected = Compromised {
            key: PublicKey::parse(&lost).unwrap(),
            since: EntryNumber(3),
            except: Vec::new(),
            reason: "stolen".to_owned(),
        };
        assert_eq!(with(&whole).unwrap().compromised, [expected]);
        let except = with(&format!("{whole}\nexcept = [4, 5]")).unwrap();
        assert_eq!(except.compromised[0].except, [EntryNumber(4), EntryNumber(5)]);
        for left_out in whole.lines() {
            assert!(with(&whole.replace(left_out, "")).is_err(), "without {left_out}");
        }
        for odd in [whole.replace(&lost, &kim), whole.replace("since = 3", "since = -1"), whole.clone() + "\nodd = 1"] {
            assert!(with(&odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn nothing_unknown_stands_in_the_tables_of_the_roster() {
        let kim = person("kim@x.example", &format!("keys = {KEY:?}"));
        let good = text(&kim);
        assert_eq!(Roster::parse(&good).unwrap().approve.role.as_str(), "boss");
        assert!(Roster::parse(&format!("{good}[pipeline.p]\nodd = 1\n")).is_ok(), "the rest is left alone");
        for (from, to) in [
            ("role = \"boss\" }", "role = \"boss\", odd = 1 }"),
            ("approve = { role = \"boss\" }", "approve = { role = \"boss\" }\nodd = 1"),
            ("approve = { role = \"boss\" }", "approve = { role = \"boss\" }\nrevoke = { role = \"boss\", odd = 1 }"),
            ("name = \"N\"", "name = \"N\"\nodd = 1"),
            ("approve = { role = \"boss\" }", "approve = { count = 1 }"),
            ("role = \"boss\" }", "role = \"b s\" }"),
            ("origin = \"x.example/y\"", "origin = \"x example\""),
            ("origin = \"x.example/y\"", ""),
        ] {
            assert!(good.contains(from) && Roster::parse(&good.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn two_keys_are_one_person() {
        let (kim, lee) = (PersonId::parse("kim@x.example").unwrap(), PersonId::parse("lee@x.example").unwrap());
        assert_eq!(count_people([&kim, &kim, &lee]), 2);
    }
}
