"""Checks exported DSSE envelopes with securesystemslib, an implementation that is not ours.

usage: check_dsse.py BUNDLE.intoto.jsonl ALLOWED_SIGNERS

Every envelope must verify with the key its key id names (the OpenSSH fingerprint), and must be
refused with one bit of its payload flipped and with one bit of its signature flipped.
"""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey


def keys_of(allowed_signers):
    """The keys of an allowed_signers file by fingerprint, as `ssh-keygen -l` prints it."""
    keys = {}
    for line in allowed_signers.splitlines():
        words = line.split()
        at = words.index("ssh-ed25519")
        blob = base64.b64decode(words[at + 1])
        digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
        public = load_ssh_public_key(f"ssh-ed25519 {words[at + 1]}".encode())
        keys[f"SHA256:{digest}"] = SSlibKey.from_crypto(public, keyid=f"SHA256:{digest}")
    return list(keys.values())


def flip(text, number):
    """The same base64 with the lowest bit of one byte turned."""
    data = bytearray(base64.b64decode(text, validate=True))
    data[number % len(data)] ^= 1
    return base64.b64encode(bytes(data)).decode()


def refused(envelope, keys):
    try:
        Envelope.from_dict(envelope).verify(keys, threshold=1)
    except VerificationError:
        return True
    return False


def main(bundle, allowed_signers):
    with open(allowed_signers, encoding="utf-8") as file:
        keys = keys_of(file.read())
    with open(bundle, encoding="utf-8") as file:
        lines = [line for line in file if line.strip()]
    for number, line in enumerate(lines):
        accepted = Envelope.from_dict(json.loads(line)).verify(keys, threshold=1)
        assert len(accepted) == 1, f"entry {number}: {accepted}"
        payload = json.loads(line)
        payload["payload"] = flip(payload["payload"], number * 97)
        assert refused(payload, keys), f"entry {number}: a flipped payload was accepted"
        signature = json.loads(line)
        signature["signatures"][0]["sig"] = flip(signature["signatures"][0]["sig"], number)
        assert refused(signature, keys), f"entry {number}: a flipped signature was accepted"
    assert lines, "there is no envelope"
    print(f"{len(lines)} envelopes verified, {len(lines)} flipped ones refused")


if __name__ == "__main__":
    main(*sys.argv[1:])
