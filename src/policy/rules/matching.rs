//! People given to rules that each want people of their own.

/// How many people each rule gets, when nobody stands for two: as many as possible over all rules.
/// `able[r]` are the people who could stand for rule `r`, `wanted[r]` how many it wants.
pub fn assign(able: &[Vec<usize>], wanted: &[usize]) -> Vec<usize> {
    let people = able.iter().flatten().max().map_or(0, |most| most + 1);
    let mut given: Vec<Option<usize>> = vec![None; people];
    for (rule, wanted) in wanted.iter().enumerate() {
        for _ in 0..(*wanted).min(people) {
            if !augment(able, &mut given, rule, &mut vec![false; people]) {
                break;
            }
        }
    }
    (0..able.len()).map(|rule| given.iter().filter(|of| **of == Some(rule)).count()).collect()
}

/// Gives a rule one more person, taking one from another rule where that finds somebody else (Kuhn, 1955).
fn augment(able: &[Vec<usize>], given: &mut [Option<usize>], rule: usize, tried: &mut [bool]) -> bool {
    let Some(candidates) = able.get(rule) else { return false };
    for &person in candidates {
        let (Some(seen), Some(holder)) = (tried.get_mut(person), given.get(person).copied()) else { continue };
        if std::mem::replace(seen, true) || holder == Some(rule) {
            continue;
        }
        if holder.is_none_or(|other| augment(able, given, other, tried)) {
            if let Some(slot) = given.get_mut(person) {
                *slot = Some(rule);
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::assign;

    #[test]
    fn nobody_stands_for_two_rules() {
        assert_eq!(assign(&[vec![0], vec![0]], &[1, 1]), [1, 0]);
        assert_eq!(assign(&[vec![0, 1], vec![0]], &[1, 1]), [1, 1]);
        assert_eq!(assign(&[vec![0, 1, 2], vec![0, 1], vec![0]], &[1, 1, 1]), [1, 1, 1]);
        assert_eq!(assign(&[vec![0, 1, 2], vec![0, 1]], &[2, 1]), [2, 1]);
        assert_eq!(assign(&[vec![], vec![0, 1]], &[1, 5]), [0, 2]);
        assert_eq!(assign(&[], &[]), [0; 0]);
    }
}
