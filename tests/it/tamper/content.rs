//! A12-A16, A18: what lies in the tree.

use super::*;
use crate::steps::approved;
use crate::support::forge::{Draft, FILE, Item, Seal};

#[test]
fn content_that_was_not_signed_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row(
                "A12",
                "a file replaced, the commit signed again",
                CHECKLIST,
                |f| {
                    f.last().files[0].1 = b"- [x] forged\n".to_vec();
                },
                &["3 file-digest"],
            ),
            Row(
                "A12",
                "a file replaced under the old signature",
                CHECKLIST,
                |f| {
                    f.last().files[0].1 = b"- [x] forged\n".to_vec();
                    f.last().seal = Seal::Kept;
                },
                &["3 commit-signature", "3 file-digest"],
            ),
            Row(
                "A12",
                "a statement replaced, its trailer as it was",
                CHECKLIST,
                |f| {
                    let old = f.last().commit.trailers.statement;
                    f.last().set("path", "\"docs/other.md\"").on_trailers(move |trailers| trailers.statement = old);
                },
                &["3 statement-digest"],
            ),
            Row(
                "A12",
                "a statement replaced under the old message and signature",
                CHECKLIST,
                |f| {
                    let old = f.last().commit.trailers.clone();
                    f.last().set("path", "\"docs/other.md\"").on_trailers(move |trailers| *trailers = old.clone());
                    f.last().seal = Seal::Kept;
                },
                &["3 commit-signature", "3 statement-digest"],
            ),
            Row(
                "A12",
                "a statement replaced, both old signatures kept",
                CHECKLIST,
                |f| {
                    let old = f.last().commit.trailers.dsse.clone();
                    f.last().set("path", "\"docs/other.md\"").on_trailers(move |trailers| trailers.dsse = old.clone());
                },
                &["3 dsse-signature"],
            ),
            Row(
                "A13",
                "another message over the same tree",
                CHECKLIST,
                |f| {
                    f.last().commit.text.push_str(", and more");
                    f.last().seal = Seal::Kept;
                },
                &["3 commit-signature"],
            ),
            Row(
                "A13",
                "another author over the same tree",
                CHECKLIST,
                |f| {
                    f.last().on_payload("author Kim", "author Han");
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A13",
                "another author and committer",
                CHECKLIST,
                |f| {
                    f.last().commit.name = "Han".to_owned();
                    f.last().seal = Seal::Kept;
                },
                &["3 commit-signature"],
            ),
            Row(
                "A13",
                "another date",
                CHECKLIST,
                |f| {
                    f.last().commit.seconds += 1;
                    f.last().seal = Seal::Kept;
                },
                &["3 commit-signature"],
            ),
            Row(
                "A18",
                "a file cut short on its way",
                CHECKLIST,
                |f| {
                    f.last().files[0].1.truncate(9);
                },
                &["3 file-digest"],
            ),
            Row("A18", "a file that is not there", CHECKLIST, |f| f.last().files.clear(), &["3 file-missing"]),
            Row(
                "A17",
                "line ends that a checkout changed",
                CHECKLIST,
                |f| {
                    let text = String::from_utf8(f.last().files[0].1.clone()).unwrap();
                    f.last().files[0].1 = text.replace('\n', "\r\n").into_bytes();
                },
                &["3 file-digest"],
            ),
            Row(
                "A42",
                "facts from before a box was unticked",
                CHECKLIST,
                |f| {
                    f.last().refile(0, b"# QA\n\n- [ ] installs\n").done();
                },
                &["3 facts"],
            ),
            Row(
                "A42",
                "an opening that says nothing changed where something did",
                Base(2, |f| compares(f, "prompts/**")),
                |f| {
                    f.last().says("\"prompts/**\"", "\"**\"");
                },
                &["1 facts"],
            ),
            Row("A42", "an exit code of no command", CHECKLIST, |f| exits(f, "").done(), &["3 statement-malformed"]),
            Row(
                "A42",
                "an exit code that the command did not have",
                CHECKLIST,
                |f| exits(f, &command(1)).done(),
                &["3 statement-malformed"],
            ),
            Row(
                "A42",
                "the exit code of a command, over facts that are not so",
                CHECKLIST,
                |f| exits(f, &command(0)).says("\"open\": 0", "\"open\": 1").done(),
                &["3 facts"],
            ),
            Row(
                "A42",
                "facts of a file of one byte",
                CHECKLIST,
                |f| {
                    super::gates::read_as_file(f);
                    f.last().says("\"bytes\": 21", "\"bytes\": 1");
                },
                &["3 facts"],
            ),
        ],
    );
}

#[test]
fn a_tree_that_is_not_what_its_entries_added_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row("A14", "an executable file", CHECKLIST, |f| own_mode(f, 0o100_755), &["3 limit"]),
            Row("A14", "a file as old git wrote it", CHECKLIST, |f| own_mode(f, 0o100_664), &["3 limit"]),
            Row("A14", "a symbolic link", CHECKLIST, |f| own_mode(f, 0o120_000), &["3 limit"]),
            Row("A14", "a submodule", CHECKLIST, |f| own_mode(f, 0o160_000), &["3 file-digest", "3 limit"]),
            Row(
                "A14",
                "an old file made executable",
                CHECKLIST,
                |f| {
                    let (path, bytes) = f.drafts[0].files[0].clone();
                    f.last().put(&path, 0o100_755, &bytes);
                },
                &["3 tree-altered"],
            ),
            Row(
                "A14",
                "a file beside the signed ones",
                CHECKLIST,
                |f| {
                    let path = f.last().files[0].0.replace("qa.md", "more.md");
                    f.last().put(&path, FILE, b"more");
                },
                &["3 file-unlisted"],
            ),
            Row(
                "A14",
                "a file at the root",
                CHECKLIST,
                |f| f.last().put("more.md", FILE, b"more").done(),
                &["3 file-unlisted"],
            ),
            Row(
                "A14",
                "a second statement",
                CHECKLIST,
                |f| {
                    let (path, bytes) = (f.last().path.replace("qa-checklist", "more"), f.drafts[2].statement.clone());
                    f.last().put(&path, FILE, &bytes);
                },
                &["3 file-unlisted"],
            ),
            Row(
                "A14",
                "no statement",
                CHECKLIST,
                |f| {
                    let path = f.last().path.clone();
                    f.last().gone(&path);
                },
                &["3 file-unlisted"],
            ),
            Row(
                "A14",
                "an old folder renamed",
                GA_OPENED,
                |f| {
                    let old = f.drafts[1].value("folder");
                    f.last().shaped("", move |items| {
                        let item = items.iter_mut().find(|item| item.name == old.as_bytes()).unwrap();
                        item.name = format!("{old}0").into_bytes();
                        items.sort_by_key(Item::place);
                    });
                },
                &["6 file-unlisted", "6 tree-altered"],
            ),
            Row(
                "A14",
                "an empty folder",
                CHECKLIST,
                |f| {
                    let id = f.write(git2::ObjectType::Tree, b"");
                    f.last().shaped("", move |items| items.push(Item { mode: "40000".into(), name: b"z".into(), id }));
                },
                &["3 tree-altered"],
            ),
            Row(
                "A14",
                "a file of the same name as a folder",
                SECOND_OPENED,
                |f| {
                    let (name, id) = (f.drafts[1].value("folder"), f.write(git2::ObjectType::Blob, b"twin"));
                    f.last().shaped("", move |items| {
                        items.push(Item { mode: "100644".into(), name: name.clone().into_bytes(), id });
                        items.sort_by_key(Item::place);
                    });
                },
                &["12 tree-altered"],
            ),
            Row(
                "A15",
                "an old file edited by somebody entitled",
                CHECKLIST,
                |f| {
                    let (path, _) = f.drafts[0].files[0].clone();
                    f.last().put(&path, FILE, b"# Other");
                },
                &["3 tree-altered"],
            ),
            Row(
                "A15",
                "an old statement edited by somebody entitled",
                GA_OPENED,
                |f| {
                    let path = f.drafts[3].path.clone();
                    f.last().put(&path, FILE, b"{}\n");
                },
                &["6 tree-altered"],
            ),
            Row(
                "A15",
                "an old file removed",
                GA_OPENED,
                |f| {
                    let (path, _) = f.drafts[3].files[0].clone();
                    f.last().gone(&path);
                },
                &["6 tree-altered"],
            ),
            Row(
                "A15",
                "an old file removed and brought back by the next entry",
                GA_OPENED,
                |f| {
                    let (path, bytes) = f.drafts[3].files[0].clone();
                    f.drafts[5].gone(&path);
                    f.last().put(&path, FILE, &bytes);
                },
                &["5 tree-altered", "6 file-unlisted"],
            ),
            Row(
                "A15",
                "a file added to an older folder",
                SECOND_OPENED,
                |f| {
                    let path = f.drafts[3].files[0].0.replace("qa.md", "more.md");
                    f.last().put(&path, FILE, b"more");
                },
                &["12 file-unlisted"],
            ),
            Row(
                "A16",
                "a folder with another day",
                OPENED,
                |f| {
                    let day = f.last().value("folder").rsplit('_').next().unwrap().to_owned();
                    refolder(f, &day, "20000101");
                },
                &["1 path"],
            ),
            Row("A16", "a folder with another gate", OPENED, |f| refolder(f, "Alpha", "GA"), &["1 path"]),
            Row("A16", "a folder that looks alike", OPENED, |f| refolder(f, "Stage9", "St\u{430}ge9"), &["1 path"]),
            Row(
                "A16",
                "a folder that was not declared",
                OPENED,
                |f| {
                    f.last().path = f.last().path.replace("Alpha", "Beta");
                },
                &["1 path"],
            ),
            Row(
                "A16",
                "a folder that differs in letter case alone",
                SECOND_OPENED,
                |f| {
                    let taken = f.drafts[1].value("folder");
                    refolder_to(f, &taken.to_lowercase());
                },
                &["12 attempt"],
            ),
            Row(
                "A16",
                "a folder that differs in the width of a letter alone",
                SECOND_OPENED,
                |f| {
                    let taken = f.drafts[1].value("folder");
                    refolder_to(f, &taken.replace('S', "\u{ff33}"));
                },
                &["12 attempt"],
            ),
            Row(
                "A16",
                "the folder of an older attempt",
                SECOND_OPENED,
                |f| {
                    let taken = f.drafts[1].value("folder");
                    refolder_to(f, &taken);
                },
                &["12 attempt"],
            ),
            Row("A16", "the folder of the policies", OPENED, |f| refolder_to(f, "Policy"), &["1 attempt"]),
            Row(
                "A16",
                "another slot in the file's name",
                CHECKLIST,
                |f| {
                    f.last().path = f.last().path.replace("qa-checklist", "artifacts");
                },
                &["3 path"],
            ),
        ],
    );
}

#[test]
fn a_tree_object_git_would_not_write_does_not_hold() {
    let repo = approved();
    let mut bench = Bench::of(&repo);
    for name in ["", ".", "..", ".git", ".GIT", "a/b", "\u{0}"] {
        let raw = if name == "\u{0}" { b"\xff\xfe".to_vec() } else { name.as_bytes().to_vec() };
        bench.gives(
            &format!("A16 an entry called {name:?}"),
            CHECKLIST,
            |f| {
                let raw = raw.clone();
                f.last().shaped("", move |items| {
                    let id = items[0].id;
                    items.push(Item { mode: "100644".to_owned(), name: raw.clone(), id });
                    items.sort_by_key(Item::place);
                });
            },
            &["3 tree-altered"],
        );
    }
    type Shape = fn(&mut Vec<Item>);
    // An odd entry is ignored: where it held the new statement, that is missing too.
    let shapes: [(&str, Shape, &[&str]); 4] = [
        ("a name that stands twice", |items| items.insert(0, items[0].clone()), &["3 tree-altered"]),
        ("entries out of order", |items| items.reverse(), &["3 file-unlisted", "3 tree-altered"]),
        (
            "a folder's mode with a zero in front",
            |items| items.last_mut().unwrap().mode = "040000".to_owned(),
            &["3 tree-altered"],
        ),
        ("a file's mode with a zero in front", |items| items[0].mode = "0100644".to_owned(), &["3 tree-altered"]),
    ];
    for (what, shape, faults) in shapes {
        bench.gives(&format!("A16 {what}"), CHECKLIST, |f| f.last().shaped("", shape), faults);
    }
    bench.done();
}

/// The newest entry's file gets another mode.
fn own_mode(forge: &mut Forge<'_>, mode: u32) {
    let (path, bytes) = forge.last().files[0].clone();
    forge.last().put(&path, mode, &bytes);
}

/// The newest entry opens its attempt in another folder.
fn refolder(forge: &mut Forge<'_>, from: &str, to: &str) {
    let folder = forge.last().value("folder").replace(from, to);
    refolder_to(forge, &folder);
}

fn refolder_to(forge: &mut Forge<'_>, folder: &str) {
    let old = forge.last().value("folder");
    let draft = forge.last();
    draft.path = draft.path.replace(&old, folder);
    draft.set("folder", &format!("{folder:?}"));
}

/// The newest entry, an opening, says that nothing under a glob changed since the first commit of the source.
fn compares(forge: &mut Forge<'_>, glob: &str) {
    let since = forge.repo.git(&["rev-list", "--max-parents=0", "main"]);
    let claim = format!(
        "\"compared\": {{\n      \"since\": \"{}\",\n      \"untouched\": [\n        \"{glob}\"\n      ]\n    }}",
        since.trim()
    );
    forge.last().says("\"timeZone\": \"UTC\"\n", &format!("\"timeZone\": \"UTC\",\n    {claim}\n"));
}

/// The fact `exit` is 0, with what follows the facts.
fn exits<'f>(forge: &'f mut Forge<'_>, command: &str) -> &'f mut Draft {
    let last = forge.last();
    last.says("\"false_claims\": 0", "\"exit\": 0,\n      \"false_claims\": 0");
    let text = String::from_utf8(last.statement.clone()).unwrap();
    let head = text.strip_suffix("\n  }\n}\n").unwrap();
    last.statement = format!("{head}{command}\n  }}\n}}\n").into_bytes();
    last
}

fn command(code: i32) -> String {
    format!(
        ",\n    \"command\": {{\n      \"argv\": [\n        \"true\"\n      ],\n      \"exitCode\": {code},\n      \
         \"startedAt\": \"2025-10-04T00:00:00Z\",\n      \"finishedAt\": \"2025-10-04T00:00:01Z\"\n    }}"
    )
}
