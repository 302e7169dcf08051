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
