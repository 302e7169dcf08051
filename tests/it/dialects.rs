//! What the readers take from files as tools really write them: one row a file.
//!
//! The files below `fixtures/dialects/` have the form of true output (pytest 9, cargo-nextest, node 20,
//! Surefire 3.2, Gradle, jest-junit, gotestsum, PHPUnit; coreutils 9, OpenSSL 1.1 and 3, Perl's shasum,
//! PowerShell, certutil; npm, tsc 5, vite 5), with short contents of our own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ledger::evidence::readers::{self, Input};
use ledger::id::Digest;

use crate::support::files;

/// Folder (which is the format) and file; the facts as JSON, or the error with its line. `@a` is the sum of
/// the letter, and so on.
const ROWS: &[(&str, Result<&str, &str>)] = &[
    ("junit/gotestsum-unbuilt.xml", Ok(r#"{"errors":0,"failed":3,"passed":1,"skipped":1,"total":5}"#)),
    ("junit/gotestsum.xml", Ok(r#"{"errors":0,"failed":2,"passed":1,"skipped":1,"total":4}"#)),
    ("junit/gradle.xml", Ok(r#"{"errors":0,"failed":1,"passed":1,"skipped":1,"total":3}"#)),
    ("junit/jest.xml", Ok(r#"{"errors":0,"failed":1,"passed":1,"skipped":1,"total":3}"#)),
    ("junit/nextest.xml", Ok(r#"{"errors":0,"failed":2,"passed":2,"skipped":0,"total":4}"#)),
    ("junit/node.xml", Ok(r#"{"errors":0,"failed":2,"passed":3,"skipped":2,"total":7}"#)),
    ("junit/phpunit-nested.xml", Ok(r#"{"errors":1,"failed":0,"passed":2,"skipped":0,"total":3}"#)),
    ("junit/pytest.xml", Ok(r#"{"errors":1,"failed":1,"passed":4,"skipped":2,"total":8}"#)),
    ("junit/surefire-flaky.xml", Ok(r#"{"errors":0,"failed":0,"passed":2,"skipped":0,"total":2}"#)),
    ("junit/surefire.xml", Ok(r#"{"errors":1,"failed":1,"passed":2,"skipped":1,"total":5}"#)),
    ("junit/windows-utf16.xml", Ok(r#"{"errors":0,"failed":1,"passed":2,"skipped":0,"total":3}"#)),
    ("junit/bad-cut.xml", Err(r#"line 3: says tests="3" of a suite that holds 2: bring the report uncut"#)),
    ("junit/bad-dtd.xml", Err("line 2: holds a document type definition, which a test report never needs")),
    ("junit/bad-entity.xml", Err("line 6: uses the entity &x;, which XML does not define")),
    ("junit/bad-hidden-failure.xml", Err("line 3: says that 1 failed and shows none of them: bring the report uncut")),
    ("junit/bad-jest-todo.xml", Err(r#"line 3: says tests="3" of a suite that holds 4: bring the report uncut"#)),
    (
        "junit/bad-mismatched.xml",
        Err("line 7: is no well-formed XML: ill-formed document: expected `</testcase>`, but `</testsuite>` was found"),
    ),
    ("junit/bad-more-than-said.xml", Err(r#"line 3: says tests="3" of a suite that holds 4: bring the report uncut"#)),
    ("junit/bad-no-cases.xml", Err("holds no test case: a run of nothing proves nothing")),
    (
        "junit/bad-other-root.xml",
        Err("line 2: begins with <coverage>: a JUnit report begins with <testsuites> or <testsuite>"),
    ),
    (
        "junit/bad-truncated-tag.xml",
        Err("line 8: is no well-formed XML: syntax error: tag not closed: `>` not found before end of input"),
    ),
    ("junit/bad-truncated.xml", Err("line 8: is no well-formed XML: it ends before its last element does")),
    ("junit/nextest-nothing.xml", Err("holds no test case: a run of nothing proves nothing")),
    (
        "checksums/RoutingMLInstaller_1.4.0.exe.sha256",
        Ok(r#"{"count":1,"sums":{"RoutingMLInstaller_1.4.0.exe":"@a"}}"#),
    ),
    ("checksums/bsd.txt", Ok(r#"{"count":2,"sums":{"a.zip":"@a","릴리즈 노트.md":"@b"}}"#)),
    ("checksums/certutil-korean.txt", Ok(r#"{"count":1,"sums":{"설치 파일.exe":"@a"}}"#)),
    ("checksums/certutil-windows-7.txt", Ok(r#"{"count":1,"sums":{"a.zip":"@a"}}"#)),
    ("checksums/certutil.txt", Ok(r#"{"count":1,"sums":{"a.zip":"@a"}}"#)),
    ("checksums/get-filehash-list.txt", Ok(r#"{"count":2,"sums":{"RoutingMLInstaller_1.4.0.exe":"@a","b.zip":"@b"}}"#)),
    (
        "checksums/get-filehash-table-cp949.txt",
        Ok(r#"{"count":2,"sums":{"RoutingMLInstaller_1.4.0.exe":"@a","프런트엔드.zip":"@b"}}"#),
    ),
    (
        "checksums/get-filehash-table-no-mark.txt",
        Ok(r#"{"count":2,"sums":{"RoutingMLInstaller_1.4.0.exe":"@a","프런트엔드.zip":"@b"}}"#),
    ),
    (
        "checksums/get-filehash-table.txt",
        Ok(r#"{"count":2,"sums":{"RoutingMLInstaller_1.4.0.exe":"@a","프런트엔드.zip":"@b"}}"#),
    ),
    ("checksums/get-filehash.csv", Ok(r#"{"count":1,"sums":{"a, b.zip":"@a"}}"#)),
    ("checksums/get-filehash.json", Ok(r#"{"count":2,"sums":{"a.zip":"@a","b.zip":"@b"}}"#)),
    ("checksums/gnu-tag.txt", Ok(r#"{"count":2,"sums":{"a.zip":"@a","name":"@b"}}"#)),
    ("checksums/gnu-zero.txt", Ok(r#"{"count":2,"sums":{"a.zip":"@a","new\nline":"@b"}}"#)),
    ("checksums/gnu.sha256", Ok(r#"{"count":3,"sums":{"a.zip":"@a","b.exe":"@b","name\n.txt":"@c"}}"#)),
    ("checksums/openssl-1.1.txt", Ok(r#"{"count":2,"sums":{"a.zip":"@a","b (1).zip":"@b"}}"#)),
    ("checksums/openssl-3.txt", Ok(r#"{"count":2,"sums":{"a.zip":"@a","b (1).zip":"@b"}}"#)),
    ("checksums/openssl-r.txt", Ok(r#"{"count":1,"sums":{"a.zip":"@a"}}"#)),
    ("checksums/perl-shasum.txt", Ok(r#"{"count":2,"sums":{"a.zip":"@a","b.zip":"@b"}}"#)),
    ("checksums/bad-blake2.txt", Err(r#"line 1: is a sum by "BLAKE2b-256": bring the SHA-256 sum"#)),
    ("checksums/bad-certutil-cut.txt", Err("line 4: ends before certutil says that it completed")),
    ("checksums/bad-certutil-failed.txt", Err("line 3: certutil did not complete successfully")),
    (
        "checksums/bad-get-filehash-cut-5.1.txt",
        Err(r#"line 4: "C:\\out dir\\RoutingMLInst..." is cut off: use Format-List"#),
    ),
    (
        "checksums/bad-get-filehash-cut-7.txt",
        Err(r#"line 4: "C:\\out dir\\RoutingMLIns…" is cut off: use Format-List"#),
    ),
    ("checksums/bad-get-filehash-cut.json", Err("line 5: is no JSON of Get-FileHash")),
    ("checksums/bad-get-filehash-list-cut.txt", Err("line 2: Hash or Path is missing")),
    ("checksums/bad-get-filehash-md5.json", Err(r#"line 1: is a sum by "MD5": bring the SHA-256 sum"#)),
    ("checksums/bad-gnu-contradiction.txt", Err(r#"line 2: gives "a.zip" a second, different sum"#)),
    (
        "checksums/bad-gnu-escape.txt",
        Err(
            "line 2: is no SHA-256 sum in a form this reader knows: sha256sum, openssl dgst, Get-FileHash (its table, list, CSV or JSON, with Hash and Path) and certutil -hashfile",
        ),
    ),
    ("checksums/bad-gnu-zero-cut.txt", Err("line 1: ends before its last name does")),
    (
        "checksums/bad-openssl-stdin.txt",
        Err(
            "line 1: is no SHA-256 sum in a form this reader knows: sha256sum, openssl dgst, Get-FileHash (its table, list, CSV or JSON, with Hash and Path) and certutil -hashfile",
        ),
    ),
    ("checksums/bad-perl-shasum-universal.txt", Err("line 2: is no sum of the file's bytes: make it without -U or -0")),
    ("checksums/bad-sha512.txt", Err(r#"line 2: is a sum by "SHA512": bring the SHA-256 sum"#)),
    ("checksums/bad-short.sha256", Err("line 1: a SHA-256 sum has 64 hex digits, 40 as here has SHA1")),
    ("checksums/bad-stdin.txt", Err(r#"line 1: "-" names no file"#)),
    (
        "checksums/bad-two-bare.sha256",
        Err(
            "line 2: is no SHA-256 sum in a form this reader knows: sha256sum, openssl dgst, Get-FileHash (its table, list, CSV or JSON, with Hash and Path) and certutil -hashfile",
        ),
    ),
    ("build-log/build_cut.log", Ok(r#"{"errors":0,"lines":11,"success":false,"ts_errors":0}"#)),
    ("build-log/build_korean.log", Ok(r#"{"errors":0,"lines":14,"success":true,"ts_errors":0}"#)),
    ("build-log/build_korean_cp949.log", Ok(r#"{"errors":1,"lines":7,"success":false,"ts_errors":1}"#)),
    ("build-log/build_npm_failed.log", Ok(r#"{"errors":4,"lines":4,"success":false,"ts_errors":0}"#)),
    ("build-log/build_powershell.log", Ok(r#"{"errors":0,"lines":12,"success":true,"ts_errors":0}"#)),
    ("build-log/build_ts2304.log", Ok(r#"{"errors":2,"lines":6,"success":false,"ts_errors":2}"#)),
    ("build-log/build_ts2304_pretty.log", Ok(r#"{"errors":1,"lines":8,"success":false,"ts_errors":1}"#)),
    ("build-log/build_tsc_watch.log", Ok(r#"{"errors":0,"lines":3,"success":true,"ts_errors":0}"#)),
    ("build-log/build_vite_failed.log", Ok(r#"{"errors":1,"lines":12,"success":false,"ts_errors":0}"#)),
    ("build-log/npm_build.log", Ok(r#"{"errors":0,"lines":12,"success":true,"ts_errors":0}"#)),
    ("build-log/vite_build_colours.log", Ok(r#"{"errors":0,"lines":4,"success":true,"ts_errors":0}"#)),
    ("build-log/bad_build_empty.log", Err("is empty: a build that says nothing proves nothing")),
    ("build-log/bad_build_latin1.log", Err("is neither UTF-8, UTF-16 nor CP949 text: convert it to UTF-8")),
];

const LETTERS: &[&str] = &["a", "b", "c"];

fn sum(letter: &str) -> String {
    Digest::of(letter.as_bytes()).to_string()
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/dialects")
}

#[test]
fn every_dialect_gives_exactly_its_facts_or_its_error() {
    let mut wrong = Vec::new();
    for (path, expected) in ROWS {
        let bytes = std::fs::read(fixtures().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let (format, name) = path.split_once('/').unwrap();
        let input = Input::plain(name, &bytes);
        let found = (readers::find(format).unwrap().read)(&input);
        let found = found.map(|facts| serde_json::to_string(&facts).unwrap()).map_err(|error| error.to_string());
        let found = found.map(|facts| {
            LETTERS.iter().fold(facts, |facts, letter| facts.replace(&sum(letter), &format!("@{letter}")))
        });
        if found.as_deref().map_err(String::as_str) != *expected {
            wrong.push(format!("{path}:\n  {found:?}"));
        }
        // What can be read is known without being told the format.
        if expected.is_ok() && readers::guess(&input).format != format {
            wrong.push(format!("{path} is taken for {}", readers::guess(&input).format));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_has_its_row() {
    let root = fixtures();
    let relative = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    let there: BTreeSet<String> = files(&root).iter().map(relative).filter(|path| path.contains('/')).collect();
    let rows: BTreeSet<String> = ROWS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!((there, ROWS.len()), (rows.clone(), rows.len()));
}
