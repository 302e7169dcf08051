//! What people with keys do to entries: the parts of a statement that must agree, changed together.

use ledger::chain::merkle::Merkle;
use ledger::id::Digest;
use ledger::sign::public_key::put_string;
use ledger::sign::{PublicKey, Roster, Signer};
use sha2::{Digest as _, Sha256, Sha512};

use crate::support::POLICY;
use crate::support::forge::{Draft, Forge};

impl Draft {
    /// Whom statement and committer line name as the one who speaks; the key stays.
    #[track_caller]
    pub fn claims(&mut self, who: &str) -> &mut Self {
        let (_, _, roles, _) = POLICY.people.iter().find(|person| person.0 == who).unwrap();
        let name = who[..1].to_uppercase() + &who[1..];
        let (head, rest) = self.text().split_once("    \"actor\": {\n").unwrap();
        let (_, tail) = rest.split_once("\n    },\n").unwrap();
        let roles: Vec<String> = roles.iter().map(|role| format!("        {role:?}")).collect();
        let actor = format!(
            "      \"id\": \"{who}@acme.example\",\n      \"name\": {name:?},\n      \"roles\": [\n{}\n      ],\n      \"mode\": \"ci\"",
            roles.join(",\n")
        );
        self.statement = format!("{head}    \"actor\": {{\n{actor}\n    }},\n{tail}").into_bytes();
        (self.commit.name, self.commit.email) = (name, format!("{who}@acme.example"));
        self
    }

    /// The same, and with that person's first key.
    #[track_caller]
    pub fn by(&mut self, who: &'static str) -> &mut Self {
        (self.key, self.dsse_key) = (who, Some(who));
        self.claims(who)
    }

    /// Gives a key of the statement, where it first stands, another value.
    #[track_caller]
    pub fn set(&mut self, key: &str, value: &str) -> &mut Self {
        let (head, rest) = self.text().split_once(&format!("\"{key}\": ")).unwrap();
        let (line, tail) = rest.split_once('\n').unwrap();
        let comma = if line.ends_with(',') { "," } else { "" };
        let text = format!("{head}\"{key}\": {value}{comma}\n{tail}");
        self.statement = text.into_bytes();
        self
    }

    /// Says that the chain of changes ends here.
    pub const fn done(&mut self) {}

    /// Brings another file in the place of its first, and lists it so.
    pub fn refile(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        let old = std::mem::replace(&mut self.files[at].1, bytes.to_vec());
        let digest = |bytes: &[u8]| Digest::of(bytes).to_string();
        let listed = |bytes: &[u8]| format!("\"size\": {},\n        \"sha256\": \"{}\"", bytes.len(), digest(bytes));
        self.says(&listed(&old), &listed(bytes));
        self.statement = self.text().replace(&digest(&old), &digest(bytes)).into_bytes();
        self
    }

    /// Brings another policy, in order as far as the roster can be read.
    pub fn repolicy(&mut self, change: impl Fn(&str) -> String) -> &mut Self {
        let at = |draft: &Self, name: &str| draft.files.iter().position(|(path, _)| path.ends_with(name)).unwrap();
        let (policy, signers) = (at(self, "/policy.toml"), at(self, "/allowed_signers"));
        let old = String::from_utf8(self.files[policy].1.clone()).unwrap();
        let new = change(&old);
        assert_ne!(old, new, "the edit changed nothing");
        self.refile(policy, new.as_bytes());
        match Roster::parse(&new).map(|roster| roster.allowed_signers()) {
            Ok(text) if text.as_bytes() != self.files[signers].1 => self.refile(signers, text.as_bytes()),
            _ => self,
        }
    }

    /// Signs with an SSHSIG that differs from an honest one in some field.
    pub fn odd_sshsig(&mut self, odd: fn(&mut Sshsig)) {
        self.sealed(move |signer, payload| {
            let mut fields = Sshsig::honest();
            odd(&mut fields);
            fields.armor(signer, payload)
        });
    }
}

impl Forge<'_> {
    /// An insider's rewriting: later statements name what bent ones are called now, and saw what is there.
    pub fn settle(&mut self) {
        let mut merkle = Merkle::default();
        let mut roots = vec![merkle.root()];
        for at in 0..self.drafts.len() {
            let mut text = self.drafts[at].text().to_owned();
            for earlier in 0..at {
                text = text.replace(&Digest::of(&self.drafts[earlier].born).to_string(), &self.id(earlier));
            }
            let draft = &mut self.drafts[at];
            draft.statement = text.into_bytes();
            if draft.text().contains("\"root\": ") {
                let size: usize =
                    draft.text().split("\"size\": ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
                draft.set("root", &format!("\"{}\"", roots[size]));
            }
            merkle.push(&draft.statement);
            roots.push(merkle.root());
        }
    }
}

/// The newest entry voids, or withdraws, another one.
pub fn voids(forge: &mut Forge<'_>, key: &str, at: usize) {
    let id = forge.id(at);
    forge.last().set(key, &format!("\"{id}\""));
}

/// The newest entry, an approval, says something else, and why.
pub fn reason(forge: &mut Forge<'_>, decision: &str) {
    let draft = forge.last().set("decision", &format!("\"{decision}\""));
    draft.says("\"meaning\": \"approval\",", "\"meaning\": \"approval\",\n    \"reason\": \"doubt\",");
}

/// Kim takes back what entry 4 approved.
pub fn withdraw(forge: &mut Forge<'_>) {
    let approval = forge.id(4);
    forge.again(4);
    reason(forge, "WITHDRAWN");
    forge.last().says("\n    }\n  }\n}\n", &format!("\n    }},\n    \"withdraws\": \"{approval}\"\n  }}\n}}\n"));
}

/// The withdrawal of entry 5 becomes a review of what it withdrew, which is no waiver.
pub fn reviews(forge: &mut Forge<'_>) {
    forge.last().set("decision", "\"REJECTED\"").says("\"withdraws\": ", "\"about\": ");
}

/// Lee reverses the promotion of entry 5.
pub fn roll_back(forge: &mut Forge<'_>) {
    let promotion = forge.id(5);
    let draft = forge.again(5).by("lee");
    draft.path = draft.path.replace("promotion", "rollback");
    draft.says("attestation/promotion", "attestation/rollback");
    let (head, _) = draft.text().split_once("    \"from\": ").unwrap();
    let body = format!(
        "    \"option\": \"back\",\n    \"steps\": [],\n    \"reverses\": \"{promotion}\",\n    \"validation\": []\n  }}\n}}\n"
    );
    draft.statement = format!("{head}{body}").into_bytes();
}

/// The fields of an SSHSIG (OpenSSH, PROTOCOL.sshsig).
pub struct Sshsig {
    pub version: u32,
    pub namespace: &'static str,
    pub reserved: &'static str,
    pub hash: &'static str,
    /// The type the key, and the signature, say they are of.
    pub key_type: &'static str,
    pub signature_type: &'static str,
    pub more: &'static [u8],
}

impl Sshsig {
    const fn honest() -> Self {
        let kind = "ssh-ed25519";
        Self {
            version: 1,
            namespace: "git",
            reserved: "",
            hash: "sha512",
            key_type: kind,
            signature_type: kind,
            more: b"",
        }
    }

    /// Signed and spelled as the fields say.
    fn armor(&self, signer: &Signer, payload: &[u8]) -> String {
        let hashed = match self.hash {
            "sha256" => Sha256::digest(payload).to_vec(),
            _ => Sha512::digest(payload).to_vec(),
        };
        let mut message = b"SSHSIG".to_vec();
        for field in [self.namespace.as_bytes(), self.reserved.as_bytes(), self.hash.as_bytes(), &hashed] {
            put_string(&mut message, field);
        }
        let typed = |kind: &str, bytes: &[u8]| {
            let mut blob = Vec::new();
            put_string(&mut blob, kind.as_bytes());
            put_string(&mut blob, bytes);
            blob
        };
        let key = typed(self.key_type, &raw(signer.public()));
        let signature = typed(self.signature_type, &signer.sign(&message).unwrap());
        let mut blob = [b"SSHSIG".as_slice(), &self.version.to_be_bytes()].concat();
        for field in [&key, self.namespace.as_bytes(), self.reserved.as_bytes(), self.hash.as_bytes(), &signature] {
            put_string(&mut blob, field);
        }
        blob.extend_from_slice(self.more);
        armored(&blob)
    }
}

/// The 32 bytes of a key.
pub fn raw(key: PublicKey) -> [u8; 32] {
    key.to_wire()[19..].try_into().unwrap()
}

fn armored(blob: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(blob);
    let lines: Vec<&str> = body.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----", lines.join("\n"))
}

/// The same signature once more: S plus the order of the group (RFC 8032, section 5.1).
pub fn malleated(mut signature: [u8; 64]) -> [u8; 64] {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    signature
}
