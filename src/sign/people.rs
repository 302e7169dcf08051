//! Who is who: ids that ever had a key in common are one person, however they were renamed.

use std::collections::{BTreeMap, BTreeSet};

use super::{PublicKey, Roster};
use crate::id::PersonId;

/// Each id that shares a key with an earlier one, and the one it stands for.
#[derive(Debug, Default)]
pub struct People {
    first: BTreeMap<PersonId, PersonId>,
}

impl People {
    /// From every roster there was, in order: a roster alone never gives one key to two.
    pub fn of<'r>(rosters: impl IntoIterator<Item = &'r Roster>) -> Self {
        let mut people = Self::default();
        let mut owners: BTreeMap<PublicKey, PersonId> = BTreeMap::new();
        for person in rosters.into_iter().flat_map(Roster::people) {
            for key in &person.keys {
                let owner = owners.entry(*key).or_insert_with(|| person.id.clone());
                let (one, other) = (people.first_of(owner).clone(), people.first_of(&person.id).clone());
                if one != other {
                    people.first.insert(other, one);
                }
            }
        }
        people
    }

    pub fn are_one(&self, one: &PersonId, other: &PersonId) -> bool {
        self.first_of(one) == self.first_of(other)
    }

    /// How many different people these ids are: the only such count where gates are decided.
    pub fn count<'p>(&'p self, ids: impl IntoIterator<Item = &'p PersonId>) -> usize {
        ids.into_iter().map(|id| self.first_of(id)).collect::<BTreeSet<_>>().len()
    }

    fn first_of<'p>(&'p self, id: &'p PersonId) -> &'p PersonId {
        let mut found = id;
        while let Some(first) = self.first.get(found) {
            found = first;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::Signer;

    fn roster(people: &[(&str, &[u8])]) -> Roster {
        let key = |seed: &u8| format!("{:?}", Signer::from_seed(&[*seed; 32]).public().to_string());
        let person = |(name, keys): &(&str, &[u8])| {
            let keys: Vec<String> = keys.iter().map(key).collect();
            format!(
                "[[person]]\nid = \"{name}@x.example\"\nname = \"{name}\"\nroles = [\"owner\"]\nkeys = [{}]\n",
                keys.join(", ")
            )
        };
        let people: String = people.iter().map(person).collect();
        let head = "[ledger]\norigin = \"x.example/y\"\n[policy]\napprove = { role = \"owner\" }\n";
        Roster::parse(&format!("{head}{people}")).unwrap()
    }

    #[test]
    fn ids_that_ever_shared_a_key_are_one_person() {
        let rosters = [
            roster(&[("kim", &[1]), ("lee", &[2])]),
            roster(&[("kim.new", &[1, 3]), ("lee", &[2])]),
            roster(&[("kimberly", &[3]), ("han", &[4])]),
        ];
        let people = People::of(&rosters);
        let ids = ["kim", "kim.new", "kimberly", "lee", "han", "stranger"]
            .map(|name| PersonId::parse(&format!("{name}@x.example")).unwrap());
        assert!(people.are_one(&ids[0], &ids[1]) && people.are_one(&ids[0], &ids[2]));
        assert!(!people.are_one(&ids[0], &ids[3]) && !people.are_one(&ids[3], &ids[4]));
        assert_eq!(people.count(&ids), 4);
        // As long as the key was not handed on, nobody knows.
        assert_eq!(People::of(&rosters[..1]).count(&ids[..2]), 2);
    }
}
