//! An envelope gives back the very statement, and no two statements are authenticated as one.
#![no_main]

use ledger::sign::PublicKey;
use ledger::sign::dsse::{Envelope, pae};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|parts: (Vec<u8>, Vec<u8>, [u8; 32])| {
    let (body, other, key) = parts;
    assert_eq!(pae(&body) == pae(&other), body == other);
    let envelope = Envelope::new(&body, PublicKey::from_bytes(key), &[7; 64]);
    let text = serde_json::to_string(&envelope).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(unbase64(read["payload"].as_str().unwrap()), body);
});

/// Standard base64, read without the library that wrote it.
fn unbase64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = text.bytes().filter(|byte| *byte != b'=').flat_map(|byte| {
        let digit = DIGITS.iter().position(|known| *known == byte).unwrap();
        (0..6).rev().map(move |bit| digit >> bit & 1 == 1)
    });
    let bits: Vec<bool> = bits.collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
}
