//! A16-A18: how statements are spelled.

use super::*;
use crate::steps::{QA, approved};

/// A statement has one spelling: each of these is signed by the right key, and none is a statement.
#[test]
fn a_statement_spelled_otherwise_does_not_hold() {
    let repo = approved();
    let mut bench = Bench::of(&repo);
    let names = [
        "",
        ".",
        "..",
        ".git",
        "git~1",
        "CON",
        "nul.txt",
        "a:b",
        "a/b",
        "a\\\\b",
        "qa.",
        "qa ",
        "q\u{202e}a",
        "\u{1100}\u{1161}",
    ];
    let digest = Digest::of(QA.as_bytes()).to_string();
    let mut spellings: Vec<(&str, String, String)> = Vec::new();
    let mut says = |what, from: &str, to: &str| spellings.push((what, from.to_owned(), to.to_owned()));
    for name in names {
        says(
            "A16 a name for a file",
            "\"name\": \"qa.md\",\n        \"path\"",
            &format!("\"name\": \"{name}\",\n        \"path\""),
        );
    }
    says("A17 a byte order mark", "{\n  \"_type\"", "\u{feff}{\n  \"_type\"");
    says("A17 a blank before", "{\n  \"_type\"", " {\n  \"_type\"");
    says("A17 no newline at the end", "\n  }\n}\n", "\n  }\n}");
    says("A17 two newlines at the end", "\n  }\n}\n", "\n  }\n}\n\n");
    says("A17 more after the end", "\n  }\n}\n", "\n  }\n}\n{}\n");
    says("A17 a line end of Windows", "{\n  \"_type\"", "{\r\n  \"_type\"");
    says("A17 a tab", "  \"_type\"", "\t\"_type\"");
    says("A17 a key without a blank", "\"slot\": ", "\"slot\":");
    says(
        "A17 a key twice",
        "    \"slot\": \"qa-checklist\",\n",
        "    \"slot\": \"artifacts\",\n    \"slot\": \"qa-checklist\",\n",
    );
    says(
        "A17 keys in another order",
        "    \"slot\": \"qa-checklist\",\n    \"format\": \"checklist\",\n",
        "    \"format\": \"checklist\",\n    \"slot\": \"qa-checklist\",\n",
    );
    says("A17 an unknown key", "    \"slot\": ", "    \"note\": \"hello\",\n    \"slot\": ");
    says(
        "A17 an unknown key beside the attempt",
        "      \"pipeline\": ",
        "      \"team\": \"qa\",\n      \"pipeline\": ",
    );
    says("A17 half an attempt", "      \"gate\": \"alpha\",\n", "");
    says("A17 attempt 0", "\"attempt\": 1", "\"attempt\": 0");
    says(
        "A17 a null",
        "      \"verifications\": 0\n    }\n",
        "      \"verifications\": 0\n    },\n    \"command\": null\n",
    );
    says("A17 an escaped letter", "qa-checklist", "qa\\u002dchecklist");
    says("A17 an escaped slash", "docs/qa.md", "docs\\/qa.md");
    says("A17 half a surrogate pair", "docs/qa.md", "docs\\ud800");
    says("A17 a size with a fraction", "\"size\": 21", "\"size\": 21.0");
    says("A17 a size with an exponent", "\"size\": 21", "\"size\": 21e0");
    says("A17 a size below zero", "\"size\": 21", "\"size\": -21");
    says("A17 a size as text", "\"size\": 21", "\"size\": \"21\"");
    says("A17 a zero below zero", "\"blanks\": 0", "\"blanks\": -0");
    says("A17 a number with a zero in front", "\"blanks\": 0", "\"blanks\": 00");
    says("A17 a fact no reader keeps", "\"blanks\": 0", "\"blanks\": 9007199254740993");
    says("A17 a fact that is no number", "\"blanks\": 0", "\"blanks\": NaN");
    says(
        "A17 facts out of order",
        "      \"done\": 1,\n      \"false_claims\": 0,\n",
        "      \"false_claims\": 0,\n      \"done\": 1,\n",
    );
    says("A17 another schema version", "/evidence/v0.1", "/evidence/v0.2");
    says("A17 an unknown kind", "/evidence/v0.1", "/praise/v0.1");
    says("A17 another kind's name", "/evidence/v0.1", "/approval/v0.1");
    says("A17 another statement type", "Statement/v1", "Statement/v2");
    says("A17 an instant with another offset", "Z\",\n    \"slot\"", "+00:00\",\n    \"slot\"");
    says("A17 an instant with a fraction", "Z\",\n    \"slot\"", ".5Z\",\n    \"slot\"");
    says("A17 a digest in capitals", &digest, &digest.to_uppercase());
    says("A18 a reference by SHA-1", &format!("\"sha256\": \"{digest}\""), &format!("\"sha1\": \"{}\"", &digest[..40]));
    says("A18 a digest too short", &digest, &digest[..40]);
    says(
        "A18 two digests of one thing",
        &format!("\"sha256\": \"{digest}\""),
        &format!("\"gitTree\": \"{}\",\n        \"sha256\": \"{digest}\"", &digest[..40]),
    );
    for (what, from, to) in spellings {
        let label = format!("{what}: {to}");
        bench.gives(&label, CHECKLIST, |f| f.last().says(&from, &to).done(), &["3 statement-malformed"]);
    }
    bench.done();
}
