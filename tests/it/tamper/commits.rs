//! A11, A20, A21: the one spelling of a commit.

use super::*;
use crate::support::forge::armor;

#[test]
fn a_commit_of_another_shape_does_not_hold() {
    each_row_gives_its_faults(
        &story(),
        &[
            Row(
                "A11",
                "a message of ten megabytes",
                CHECKLIST,
                |f| {
                    f.last().commit.text.push_str(&"\nmore".repeat(2_000_000));
                },
                &["3 commit-malformed"],
            ),
            Row("A20", "two trees", CHECKLIST, |f| doubled(f, "tree"), &["0 commit-malformed", "0 file-unlisted"]),
            Row("A20", "the same parent twice", CHECKLIST, |f| doubled(f, "parent"), &["3 commit-malformed"]),
            Row("A20", "two authors", CHECKLIST, |f| doubled(f, "author"), &["3 commit-malformed"]),
            Row("A20", "two committers", CHECKLIST, |f| doubled(f, "committer"), &["3 commit-malformed"]),
            Row("A20", "a header nobody knows", CHECKLIST, |f| header(f, "x-note hello"), &["3 commit-malformed"]),
            Row("A20", "an encoding", CHECKLIST, |f| header(f, "encoding EUC-KR"), &["3 commit-malformed"]),
            Row("A20", "a tag merged", CHECKLIST, |f| header(f, "mergetag object 0"), &["3 commit-malformed"]),
            Row(
                "A20",
                "a second signature header",
                CHECKLIST,
                |f| {
                    let other = armor(f.signer("mallory"), b"").replace('\n', "\n ");
                    f.last().on_object("\ngpgsig ", format!("\ngpgsig {other}\ngpgsig "));
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A20",
                "a signature of the other object format",
                CHECKLIST,
                |f| {
                    f.last().on_object("\ngpgsig ", "\ngpgsig-sha256 ");
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A20",
                "two armors in one header",
                CHECKLIST,
                |f| {
                    f.last().sealed(|signer, payload| [armor(signer, payload), armor(signer, payload)].join("\n"));
                },
                &["3 commit-signature"],
            ),
            Row(
                "A20",
                "a second set of trailers in the text",
                CHECKLIST,
                |f| {
                    f.last().commit.text.push_str("\n\nLedger-Entry: 3 sha256:0");
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A20",
                "a trailer nobody knows",
                CHECKLIST,
                |f| {
                    f.last().on_payload("Ledger-Dsse:", "Ledger-Note: hello\nLedger-Dsse:");
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A20",
                "a line after the trailers",
                CHECKLIST,
                |f| {
                    f.last().payload = Some(std::rc::Rc::new(|text| text.push('\n')));
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A20",
                "another zone",
                CHECKLIST,
                |f| {
                    f.last().payload = Some(std::rc::Rc::new(|text| *text = text.replace("+0000\n", "+0900\n")));
                },
                &["3 commit-malformed"],
            ),
            Row(
                "A21",
                "a blank after the armor",
                CHECKLIST,
                |f| {
                    f.last().sealed(|signer, payload| armor(signer, payload) + " ");
                },
                &["3 commit-signature"],
            ),
            Row(
                "A21",
                "an empty line after the armor",
                CHECKLIST,
                |f| {
                    f.last().sealed(|signer, payload| armor(signer, payload) + "\n");
                },
                &["3 commit-signature"],
            ),
            Row(
                "A21",
                "an armor of one long line",
                CHECKLIST,
                |f| {
                    f.last().sealed(|signer, payload| unwrapped(&armor(signer, payload), usize::MAX));
                },
                &["3 commit-signature"],
            ),
            Row(
                "A21",
                "an armor of shorter lines",
                CHECKLIST,
                |f| {
                    f.last().sealed(|signer, payload| unwrapped(&armor(signer, payload), 64));
                },
                &["3 commit-signature"],
            ),
            Row(
                "A21",
                "line ends of Windows in the armor",
                CHECKLIST,
                |f| {
                    f.last().sealed(|signer, payload| armor(signer, payload).replace('\n', "\r\n"));
                },
                &["3 commit-signature"],
            ),
        ],
    );
}

fn doubled(forge: &mut Forge<'_>, header: &'static str) {
    forge.last().payload = Some(std::rc::Rc::new(move |text| {
        let line = text.lines().find(|line| line.starts_with(header)).unwrap().to_owned();
        *text = text.replacen(&line, &format!("{line}\n{line}"), 1);
    }));
}

fn header(forge: &mut Forge<'_>, line: &str) {
    forge.last().on_payload("\n\n", format!("\n{line}\n\n"));
}

/// An armor in lines of another length.
fn unwrapped(armor: &str, width: usize) -> String {
    let lines: Vec<&str> = armor.lines().collect();
    let body: Vec<char> = lines[1..lines.len() - 1].concat().chars().collect();
    let body: Vec<String> = body.chunks(width).map(|line| line.iter().collect()).collect();
    format!("{}\n{}\n{}", lines[0], body.join("\n"), lines[lines.len() - 1])
}
