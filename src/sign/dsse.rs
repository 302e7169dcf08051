//! DSSE 1.0.2: what is signed (the pre-authentication encoding) and the envelope made for export.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::public_key::PublicKey;

/// The payload type every in-toto verifier compares with, exactly.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// `DSSEv1 SP LEN(type) SP type SP LEN(body) SP body`, lengths in bytes (DSSE, protocol.md).
pub fn pae(body: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), body.len());
    [head.as_bytes(), body].concat()
}

/// An envelope as every verifier tried accepts it: standard base64, one signature, a key id.
#[derive(Debug, Serialize)]
pub struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: &'static str,
    signatures: [EnvelopeSignature; 1],
}

#[derive(Debug, Serialize)]
struct EnvelopeSignature {
    keyid: String,
    sig: String,
}

impl Envelope {
    pub fn new(body: &[u8], key: PublicKey, signature: &[u8; 64]) -> Self {
        let signature = EnvelopeSignature { keyid: key.fingerprint(), sig: STANDARD.encode(signature) };
        Self { payload: STANDARD.encode(body), payload_type: PAYLOAD_TYPE, signatures: [signature] }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_encoding_counts_bytes_not_characters() {
        assert_eq!(super::pae("한".as_bytes()), "DSSEv1 28 application/vnd.in-toto+json 3 한".as_bytes());
    }
}
