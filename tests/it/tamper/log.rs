//! A5-A9, A11, A54: the shape of the branch, and what is too large.

use super::*;
use crate::steps::approved;
use crate::support::forge::{FILE, Seal};

#[test]
fn a_branch_of_another_shape_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row("A5", "a merge of a side branch", APPROVAL, |f| merge(f, 1), &["4 commit-malformed"]),
            Row("A5", "an octopus", APPROVAL, |f| merge(f, 3), &["4 commit-malformed"]),
            Row(
                "A5",
                "a second root, tree and all",
                APPROVAL,
                |f| cut_off(f, 4),
                &["0 number", "0 root-before", "0 file-unlisted"],
            ),
            Row(
                "A5",
                "an entry in the middle as the root",
                APPROVAL,
                orphan_alone,
                &["0 number", "0 root-before", "0 attempt", "0 reference"],
            ),
            Row(
                "A5",
                "an opening as the first entry",
                OPENED,
                |f| {
                    f.drafts.remove(0);
                    f.last().renumber(1, 0);
                },
                &["0 attempt"],
            ),
            Row(
                "A6",
                "a middle entry dropped, the rest re-parented under its old signatures",
                APPROVAL,
                |f| {
                    f.drafts.remove(2);
                    f.drafts[2..].iter_mut().for_each(|draft| draft.seal = Seal::Kept);
                },
                &["2 commit-signature", "2 path", "3 commit-signature", "3 path", "3 reference", "3 root-before"],
            ),
            Row(
                "A6",
                "the same, each number and root as it was",
                APPROVAL,
                |f| {
                    let kept: Vec<_> = f.drafts.iter().map(|draft| draft.commit.trailers.clone()).collect();
                    f.drafts.remove(2);
                    for (draft, kept) in f.drafts[2..].iter_mut().zip(kept.into_iter().skip(3)) {
                        draft.on_trailers(move |trailers| *trailers = kept.clone());
                    }
                },
                &["2 number", "2 root-before", "4 reference"],
            ),
            Row(
                "A6",
                "the same, the rest signed by an outsider",
                APPROVAL,
                |f| {
                    f.drafts.remove(2);
                    f.drafts[2..].iter_mut().for_each(|draft| draft.signed_with("mallory").done());
                },
                &["2 path", "2 signer-unknown", "3 path", "3 reference", "3 root-before", "3 signer-unknown"],
            ),
            Row(
                "A7",
                "two neighbours swapped and signed again",
                CHECKLIST,
                |f| f.drafts.swap(2, 3),
                &["2 path", "3 path"],
            ),
            Row(
                "A7",
                "two neighbours swapped, each with its number",
                CHECKLIST,
                |f| {
                    f.drafts.swap(2, 3);
                    f.drafts[2].on_trailers(|trailers| trailers.number.0 = 3);
                    f.drafts[3].on_trailers(|trailers| trailers.number.0 = 2);
                },
                &["2 number", "4 number"],
            ),
            Row("A8", "a number once more", CHECKLIST, |f| numbered(f, 2), &["3 number"]),
            Row("A8", "a number left out", CHECKLIST, |f| numbered(f, 4), &["3 number"]),
            Row("A8", "the largest number there is", CHECKLIST, |f| numbered(f, u64::MAX), &["3 number"]),
            Row(
                "A8",
                "a number with a zero in front",
                CHECKLIST,
                |f| {
                    f.last().on_payload("Ledger-Entry: 3", "Ledger-Entry: 03");
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A8",
                "a number no machine counts to",
                CHECKLIST,
                |f| {
                    f.last().on_payload("Ledger-Entry: 3", "Ledger-Entry: 18446744073709551616");
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A8",
                "a size that is not the number",
                CHECKLIST,
                |f| {
                    f.last().on_trailers(|trailers| trailers.before_size = 2);
                },
                &["3 root-before"],
            ),
            Row(
                "A8",
                "the root of another past",
                CHECKLIST,
                |f| {
                    f.last().on_trailers(|trailers| trailers.before_root = trailers.statement);
                },
                &["3 root-before"],
            ),
            Row(
                "A54",
                "a clock that runs backwards",
                CHECKLIST,
                |f| {
                    let earlier = f.drafts[2].commit.seconds - f.drafts[3].commit.seconds - 1;
                    f.last().later(earlier);
                },
                &["3 time"],
            ),
            Row("A54", "a clock more than a day ahead", CHECKLIST, |f| f.last().later(2 * 86_400).done(), &["3 time"]),
            Row(
                "A54",
                "recorded after it was committed",
                CHECKLIST,
                |f| {
                    let seconds = f.last().commit.seconds + 1;
                    f.last().recorded_at(seconds);
                },
                &["3 time"],
            ),
        ],
    );
}

#[test]
fn an_entry_too_large_to_be_one_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row(
                "A11",
                "more files than an entry may have",
                CHECKLIST,
                |f| many(f, "many", 4_100),
                &["3 file-unlisted", "3 limit"],
            ),
            Row(
                "A11",
                "more files than are read, in two folders",
                CHECKLIST,
                |f| {
                    many(f, "few", 5_100);
                    f.last().put("more/0", FILE, b"");
                },
                &["3 file-unlisted", "3 limit", "3 tree-altered"],
            ),
            Row(
                "A11",
                "a deep tree",
                CHECKLIST,
                |f| {
                    f.last().put(&format!("{}x", "d/".repeat(40)), FILE, b"");
                },
                &["3 tree-altered"],
            ),
            Row(
                "A11",
                "a path nobody can check out",
                CHECKLIST,
                |f| {
                    f.last().put(&"n".repeat(1_025), FILE, b"");
                },
                &["3 file-unlisted", "3 limit"],
            ),
            Row(
                "A11",
                "a file larger than any evidence",
                CHECKLIST,
                |f| {
                    f.last().put("big", FILE, &vec![0; (64 << 20) + 1]);
                },
                &["3 file-unlisted", "3 limit"],
            ),
            Row(
                "A11",
                "a statement without an end",
                CHECKLIST,
                |f| {
                    f.last().says("\"path\": \"", &format!("\"path\": \"{}", "d/".repeat(17_000)));
                },
                &["3 statement-malformed"],
            ),
        ],
    );
}

#[test]
fn one_folder_of_more_files_than_are_read_is_not_read_on() {
    let rows = [Row(
        "A11",
        "more files than are read, in one folder",
        CHECKLIST,
        |f| many(f, "many", 5_100),
        &["3 file-unlisted", "3 limit", "3 tree-altered"],
    )];
    each_row_gives_its_faults(&story(), &rows);
}

/// A11: an object that says it is larger than anything that is read.
#[test]
fn a_blob_too_large_to_read_leaves_the_question_open() {
    let repo = approved();
    let blob = repo.git(&["rev-parse", "evidence:README.md"]);
    let path = repo.path.join(".git/objects").join(&blob[..2]).join(blob[2..].trim());
    let good = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut bomb, b"blob 300000000\0and nothing else").unwrap();
    std::fs::write(&path, bomb.finish().unwrap()).unwrap();
    assert_eq!(verdict(&repo).0, 3);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, good).unwrap();
    assert_eq!(verdict(&repo).0, 0);
}

/// A9. Shallow and partial clones and missing objects: `refusals`.
#[test]
fn objects_lent_by_a_repository_that_is_gone_leave_the_question_open() {
    let repo = approved();
    let (pin, tip) = (repo.read(".ledger.toml"), repo.git(&["rev-parse", "evidence"]));
    let borrower = TestRepo::bare_of_ledger();
    borrower.write(".ledger.toml", pin);
    borrower.write(".git/objects/info/alternates", repo.path.join(".git/objects").to_str().unwrap());
    borrower.git(&["update-ref", "refs/heads/evidence", tip.trim()]);
    assert_eq!(verdict(&borrower).0, 0);
    std::fs::rename(repo.path.join(".git/objects"), repo.path.join(".git/away")).unwrap();
    assert_eq!(verdict(&borrower).0, 3);
}

/// A9: what was deleted and made again is the same ledger, or it is none.
#[test]
fn a_branch_deleted_and_made_again_is_judged_by_what_it_holds() {
    let repo = approved();
    let forge = Forge::of(&repo);
    repo.git(&["update-ref", "-d", "refs/heads/evidence"]);
    assert_eq!(verdict(&repo).0, 3);
    assert_eq!(forge.lay(), forge.tip());
    assert_eq!(verdict(&repo).0, 0);
}

/// The newest entry gets as many further parents.
fn merge(forge: &mut Forge<'_>, others: usize) {
    let tips = forge.repo.commits();
    let others: String = tips[..others].iter().map(|id| format!("parent {id}\n")).collect();
    forge.last().on_payload("author ", format!("{others}author "));
}

/// An entry loses its parent.
fn cut_off(forge: &mut Forge<'_>, at: usize) {
    forge.drafts[at].payload = Some(std::rc::Rc::new(|text| {
        let (head, rest) = text.split_once("parent ").unwrap();
        *text = format!("{head}{}", rest.split_once('\n').unwrap().1);
    }));
}

/// The newest entry loses its parent, and its tree everything but its own.
fn orphan_alone(forge: &mut Forge<'_>) {
    let olds: Vec<String> =
        forge.drafts[..4].iter().flat_map(|d| d.files.iter().map(|(p, _)| p.clone()).chain([d.path.clone()])).collect();
    cut_off(forge, 4);
    olds.iter().for_each(|path| forge.last().gone(path).done());
}

/// The newest entry takes another number, and lies where an entry of that number does.
fn numbered(forge: &mut Forge<'_>, number: u64) {
    let at = forge.drafts.len() - 1;
    forge.last().renumber(at, number as usize);
    forge.last().on_trailers(move |trailers| trailers.number.0 = number);
}

fn many(forge: &mut Forge<'_>, folder: &str, count: usize) {
    (0..count).for_each(|at| forge.last().put(&format!("{folder}/{at}"), FILE, b"").done());
}
