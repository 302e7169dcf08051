//! A store behind HTTP that does everything wrong a server can do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{STRICT, bytes, last, opened};
use crate::steps::{says_all, types, types_in_vain};
use crate::support::{Ran, TestRepo, files};

/// How the server answers.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Good,
    ReadOnly,
    Wrong,
    Short,
    Absent,
    Broken,
    Silent,
    Drip,
    Endless,
    Redirecting,
}

/// A server for one test; it keeps what was put in memory.
struct Server {
    url: String,
    mood: Arc<Mutex<Mood>>,
}

fn serve(mood: Mood) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/evidence", listener.local_addr().unwrap());
    let mood = Arc::new(Mutex::new(mood));
    let (shared, kept) = (mood.clone(), Arc::new(Mutex::new(Vec::new())));
    // It ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (mood, kept) = (*shared.lock().unwrap(), kept.clone());
            std::thread::spawn(move || drop(answer(stream, mood, &kept)));
        }
    });
    Server { url, mood }
}

/// One request and one answer a connection.
fn answer(mut stream: TcpStream, mood: Mood, kept: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0_usize);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let (is_put, is_head) = (head.starts_with("put "), head.starts_with("head "));
    let held = kept.lock().unwrap().clone();
    let mut say = |status: &str, length: usize, body: &[u8]| {
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")?;
        stream.write_all(if is_head { b"" } else { body })
    };
    match mood {
        Mood::Good if is_put => {
            *kept.lock().unwrap() = body;
            say("201 Created", 0, b"")
        }
        Mood::ReadOnly if is_put => say("405 Method Not Allowed", 0, b""),
        Mood::Good | Mood::ReadOnly if held.is_empty() => say("404 Not Found", 0, b""),
        Mood::Good | Mood::ReadOnly => say("200 OK", held.len(), &held),
        Mood::Wrong => say("200 OK", held.len(), &vec![b'x'; held.len()]),
        Mood::Short => say("200 OK", held.len(), &held[..held.len() / 2]),
        Mood::Absent => say("404 Not Found", 0, b""),
        Mood::Broken => say("500 Internal Server Error", 11, b"private tip"),
        Mood::Redirecting => {
            write!(stream, "HTTP/1.1 302 Found\r\nlocation: /evidence/loop\r\ncontent-length: 0\r\n\r\n")
        }
        Mood::Silent => {
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        Mood::Drip => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", held.len())?;
            for byte in held {
                stream.write_all(&[byte])?;
                std::thread::sleep(Duration::from_millis(300));
            }
            Ok(())
        }
        Mood::Endless => {
            write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            loop {
                stream.write_all(b"400\r\n")?;
                stream.write_all(&[b'x'; 0x400])?;
                stream.write_all(b"\r\n")?;
            }
        }
    }
}

/// A file of 100 KB is in the store and on record.
fn stored() -> (TestRepo, Server) {
    let (repo, server) = (opened(&STRICT), serve(Mood::Good));
    repo.write("shot.bin", bytes(100_000, 1));
    types(&repo, "min", &format!("record shots shot.bin --store {}", server.url), 0);
    (repo, server)
}

fn fetch(repo: &TestRepo) -> Ran {
    repo.ledger("", &["evidence", "fetch", &last(repo), "-o", "out", "--timeout", "1"])
}

#[test]
fn what_an_honest_server_keeps_is_got_back() {
    if !cfg!(feature = "cloud") {
        return;
    }
    let (repo, server) = stored();
    types(&repo, "", "evidence check", 0);
    let _ = fetch(&repo).exits(0);
    assert_eq!(std::fs::read(repo.path.join("out/shot.bin")).unwrap(), bytes(100_000, 1));
    let told = types(&repo, "min", &format!("record shots shot.bin --store {}", server.url), 0);
    says_all(&told, &["1 there already"]);
    *server.mood.lock().unwrap() = Mood::ReadOnly;
    types(&repo, "", "evidence check", 0);
}

#[test]
fn a_store_for_reading_only_says_so_and_nothing_is_recorded() {
    if !cfg!(feature = "cloud") {
        return;
    }
    let (repo, server) = (opened(&STRICT), serve(Mood::ReadOnly));
    repo.write("shot.bin", bytes(100_000, 1));
    let told = types_in_vain(&repo, "min", &format!("record shots shot.bin --store {}", server.url), 3);
    says_all(&told, &["it answers 405 Method Not Allowed", "nothing was recorded"]);
}

#[test]
fn every_other_server_is_found_out_in_time_and_leaves_no_file() {
    if !cfg!(feature = "cloud") {
        return;
    }
    let (repo, server) = stored();
    for (mood, code, why) in [
        (Mood::Wrong, 1, "another file is there: it is sha256:"),
        (Mood::Short, 3, "it cannot be fetched"),
        (Mood::Absent, 1, "it is not there"),
        (Mood::Broken, 3, "it answers 500 Internal Server Error"),
        (Mood::Silent, 3, "it cannot be fetched"),
        (Mood::Drip, 3, "it cannot be fetched"),
        (Mood::Endless, 3, "it cannot be fetched"),
        (Mood::Redirecting, 3, "it cannot be fetched"),
    ] {
        *server.mood.lock().unwrap() = mood;
        let begun = Instant::now();
        let ran = fetch(&repo);
        assert_eq!(ran.code, code, "{why}: {}", ran.said());
        says_all(&ran.said(), &[why]);
        assert!(!ran.said().contains("private tip"), "{}", ran.said());
        assert!(files(&repo.path.join("out")).is_empty(), "{why}: something was kept");
        // Not a measure of speed: a server that never ends must not keep anybody for ever.
        assert!(begun.elapsed() < Duration::from_secs(40), "{why}: {:?}", begun.elapsed());
    }
}

#[test]
fn nobody_listening_is_no_missing_file() {
    if !cfg!(feature = "cloud") {
        return;
    }
    let repo = opened(&STRICT);
    repo.write("shot.bin", bytes(100_000, 1));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let line = format!("record shots shot.bin --store http://127.0.0.1:{port}/x --timeout 2");
    says_all(&types_in_vain(&repo, "min", &line, 3), &["refused", "nothing was recorded"]);
}

#[test]
fn a_build_without_the_network_says_so() {
    if cfg!(feature = "cloud") {
        return;
    }
    let repo = opened(&STRICT);
    repo.write("shot.bin", bytes(100_000, 1));
    says_all(
        &types_in_vain(&repo, "min", "record shots shot.bin --store s3://bucket", 3),
        &["this build has no s3 stores"],
    );
}
