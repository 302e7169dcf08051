//! Who the owner of a plan's row is: `QA (Kim)` by handle, or whoever holds the role `qa`.

use crate::evidence::readers::plan::Owner;
use crate::id::{PersonId, fold};
use crate::sign::Roster;
use crate::sign::roster::Person;

/// The people of a roster that may speak for an owner.
pub struct Owning<'r> {
    /// Whom the name means.
    pub person: Option<&'r Person>,
    /// Who holds the role it has in front; bots among them.
    pub holders: Vec<&'r Person>,
}

/// By handle as it is written (`QA (Kim)`) or as logs write it (`QA-KIM`); by printed name among those who hold the
/// role; and everybody who holds the role.
pub fn owning<'r>(roster: &'r Roster, owner: &Owner) -> Owning<'r> {
    let role = fold(&owner.role).replace(' ', "-");
    let holders: Vec<&Person> =
        roster.people().filter(|person| person.roles.iter().any(|held| held.folded() == role)).collect();
    let short = owner.name.as_ref().map(|name| format!("{}-{name}", owner.role));
    let called = roster.person_called(&owner.text).or_else(|| roster.person_called(&short?));
    let printed = || {
        let wanted = fold(owner.name.as_ref()?);
        let mut named = holders.iter().copied().filter(|person| fold(&person.name) == wanted);
        named.next().filter(|_| named.next().is_none())
    };
    Owning { person: called.or_else(printed), holders }
}

impl Owning<'_> {
    pub fn is_known(&self) -> bool {
        self.person.is_some() || !self.holders.is_empty()
    }

    pub fn may(&self, id: &PersonId) -> bool {
        self.person.iter().chain(&self.holders).any(|person| person.id == *id)
    }

    /// How they are called, the one the name means first.
    pub fn called(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.person.iter().chain(&self.holders).map(|person| person.handle()).collect();
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::Signer;

    fn roster() -> Roster {
        let person = |(at, (id, name, handles, roles)): (u8, (&str, &str, &str, &str))| {
            let key = Signer::from_seed(&[at + 1; 32]).public();
            format!(
                "[[person]]\nid = \"{id}@x.example\"\nname = \"{name}\"\nhandles = [{handles}]\nroles = [{roles}]\nkeys = [\"{key}\"]\n"
            )
        };
        let people = [
            ("kim", "Kim", "\"QA-KIM\"", "\"qa\""),
            ("han", "Han", "", "\"dba\", \"owner\""),
            ("song", "송", "\"운영 (송)\"", "\"release-owner\""),
            ("min", "Min", "", "\"ops\""),
            ("min2", "Min", "", "\"ops\""),
        ];
        let people: String = (0..).zip(people).map(person).collect();
        Roster::parse(&format!(
            "[ledger]\norigin = \"x.example/y\"\n[policy]\napprove = {{ role = \"owner\" }}\n{people}"
        ))
        .unwrap()
    }

    #[test]
    fn an_owner_is_a_handle_a_name_with_its_role_or_a_role() {
        let roster = roster();
        let found = |text: &str| {
            let owning = owning(&roster, &Owner::of(text));
            let person = owning.person.map_or("-", |person| person.id.as_str().split('@').next().unwrap_or_default());
            format!("{person} {}", owning.called().join(","))
        };
        assert_eq!(found("QA (Kim)"), "kim QA-KIM");
        assert_eq!(found("QA-KIM"), "kim QA-KIM");
        assert_eq!(found("dba (HAN)"), "han han");
        assert_eq!(found("운영 (송)"), "song 운영 (송)");
        assert_eq!(found("Release Owner"), "- 운영 (송)");
        // Another name than the role's holder: the role may, the name is nobody.
        assert_eq!(found("DBA (Kim)"), "- han");
        assert_eq!(found("Ops (Min)"), "- min,min2");
        assert_eq!(found("Legal (Lee)"), "- ");
        assert!(!owning(&roster, &Owner::of("Legal (Lee)")).is_known());
    }
}
