//! The two messages of the ssh-agent protocol this tool needs (draft-miller-ssh-agent).

use std::io::{self, Read, Write};
use std::path::Path;

use super::public_key::{ED25519, PublicKey, WireReader, put_string};

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// Larger than any answer with a thousand keys; an agent that sends more is not believed.
const MAX_MESSAGE: u32 = 1 << 20;

/// The ed25519 keys the agent holds; entries of any other kind are skipped, never an error.
pub fn list(socket: &Path) -> io::Result<Vec<PublicKey>> {
    let answer = ask(socket, &[REQUEST_IDENTITIES])?;
    let mut reader = WireReader::new(&answer);
    if reader.take(1) != Some(&[IDENTITIES_ANSWER]) {
        return Err(refused());
    }
    let count = reader.u32().ok_or_else(refused)?;
    let mut keys = Vec::new();
    for _ in 0..count {
        let (Some(blob), Some(_comment)) = (reader.string(), reader.string()) else { return Err(refused()) };
        keys.extend(PublicKey::from_wire(blob).ok());
    }
    Ok(keys)
}

/// The raw ed25519 signature over a message. May wait for a touch or a confirmation.
pub fn sign(socket: &Path, key: PublicKey, message: &[u8]) -> io::Result<[u8; 64]> {
    let mut request = vec![SIGN_REQUEST];
    put_string(&mut request, &key.to_wire());
    put_string(&mut request, message);
    request.extend_from_slice(&0u32.to_be_bytes());
    let answer = ask(socket, &request)?;
    let mut reader = WireReader::new(&answer);
    if reader.take(1) != Some(&[SIGN_RESPONSE]) {
        return Err(refused());
    }
    let blob = reader.string().ok_or_else(refused)?;
    let mut inner = WireReader::new(blob);
    let (kind, signature) = (inner.string(), inner.string());
    match (kind, signature.and_then(|bytes| bytes.try_into().ok())) {
        // The agent is another process: its word is checked like anybody's.
        (Some(kind), Some(signature)) if kind == ED25519.as_bytes() && key.verifies(message, &signature) => {
            Ok(signature)
        }
        _ => Err(refused()),
    }
}

fn refused() -> io::Error {
    io::Error::other("the ssh-agent refused or sent an answer that cannot be read")
}

fn ask(socket: &Path, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = connect(socket)?;
    let length = u32::try_from(request.len()).map_err(|_| refused())?;
    stream.write_all(&[&length.to_be_bytes(), request].concat())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > MAX_MESSAGE {
        return Err(refused());
    }
    let mut answer = vec![0; length as usize];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(unix)]
fn connect(socket: &Path) -> io::Result<impl Read + Write + use<>> {
    let stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60)))?;
    Ok(stream)
}

/// On Windows the agent listens on a named pipe, which opens like a file.
#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "the agent is part of the key door")]
fn connect(socket: &Path) -> io::Result<impl Read + Write + use<>> {
    std::fs::OpenOptions::new().read(true).write(true).open(socket)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::sign::Signer;

    /// What is made of an agent that gives one answer, whatever it is asked.
    fn told<T>(answer: Vec<u8>, ask: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            let length = u32::try_from(answer.len()).unwrap().to_be_bytes();
            // Whoever does not believe the length hangs up.
            drop(stream.write_all(&[&length, answer.as_slice()].concat()));
        });
        ask(&socket)
    }

    fn strings<const N: usize>(head: &[u8], fields: [&[u8]; N]) -> Vec<u8> {
        let mut bytes = head.to_vec();
        fields.iter().for_each(|field| put_string(&mut bytes, field));
        bytes
    }

    #[test]
    fn keys_of_other_kinds_are_skipped_and_other_answers_refused() {
        let key = Signer::from_seed(&[1; 32]).public();
        let rsa = strings(b"", [b"ssh-rsa", b"e", b"n"]);
        let two = |kind: u8| strings(&[kind, 0, 0, 0, 2], [&rsa, b"one", &key.to_wire(), b"two"]);
        assert_eq!(told(two(IDENTITIES_ANSWER), list).unwrap(), [key]);
        let short = two(IDENTITIES_ANSWER);
        for odd in [two(5), short[..short.len() - 1].to_vec(), vec![IDENTITIES_ANSWER], Vec::new()] {
            assert!(told(odd, list).is_err());
        }
    }

    #[test]
    fn an_answer_longer_than_any_is_not_believed() {
        let long = |length: u32| {
            let mut answer = vec![0; length as usize];
            answer[0] = IDENTITIES_ANSWER;
            told(answer, list)
        };
        assert_eq!(long(MAX_MESSAGE).unwrap(), []);
        assert!(long(MAX_MESSAGE + 1).is_err() && long(2 * MAX_MESSAGE).is_err());
    }

    #[test]
    fn a_signature_of_the_agent_is_checked_like_anybodys() {
        let (signer, message) = (Signer::from_seed(&[1; 32]), b"approve alpha");
        let good = signer.sign(message).unwrap();
        let answer = |kind: u8, of: &[u8], signature: &[u8]| {
            let blob = strings(b"", [of, signature]);
            told(strings(&[kind], [&blob]), |socket| sign(socket, signer.public(), message))
        };
        let ed25519 = ED25519.as_bytes();
        assert_eq!(answer(SIGN_RESPONSE, ed25519, &good).unwrap(), good);
        assert!(answer(5, ed25519, &good).is_err());
        assert!(answer(SIGN_RESPONSE, b"ssh-rsa", &good).is_err());
        assert!(answer(SIGN_RESPONSE, ed25519, &good[..63]).is_err());
        assert!(answer(SIGN_RESPONSE, ed25519, &signer.sign(b"approve beta").unwrap()).is_err());
    }
}
