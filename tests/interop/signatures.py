"""Keys and signatures as docs/format.md has them, chapter "Signatures": OpenSSH's forms of them, and Ed25519 as strict as it
asks. The equation is left to the package `cryptography`, the points are looked at here."""

import base64
import re
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# The package compares R by its encoding, without cofactor. Points are needed here for what it lets pass:
# small orders, and other encodings of a key. The arithmetic is the plainest there is.

P, ORDER, NEUTRAL = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, (0, 1)
D = -121665 * pow(121666, -1, P) % P

def point(encoding):
    """The point of a canonical encoding, or None."""
    y, sign = int.from_bytes(encoding, "little") % 2**255, encoding[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    root = root if root * root % P == square else root * pow(2, (P - 1) // 4, P) % P
    x = root if root % 2 == sign else P - root
    return (x, y) if y < P and x < P and x * x % P == square else None

def add(a, b):
    k = D * a[0] * b[0] * a[1] * b[1]
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + k, -1, P)
    return x % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P) % P

def times(count, a):
    double = times(count // 2, add(a, a)) if count > 1 else NEUTRAL
    return add(double, a) if count % 2 else double

def verifies(key, signature, message):
    ends = [point(key), point(signature[:32])]
    if None in ends or NEUTRAL in [times(8, end) for end in ends] or int.from_bytes(signature[32:], "little") >= ORDER:
        return False
    try:
        return Ed25519PublicKey.from_public_bytes(key).verify(signature, message) is None
    except InvalidSignature:
        return False

# OpenSSH: the wire form of a key, what is signed in namespace "git", and the armor around it.

WIRE = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
SSHSIG = b"\0\0\0\3git\0\0\0\0\0\0\0\6sha512\0\0\0"  # and the last byte of a length

def open_armor(text):
    """Key and signature of an armor, or None where another armor comes of them again."""
    blob = base64.b64decode("".join(text.split("\n")[1:-1]).encode("ascii", "ignore") + b"===")
    key, signature = blob[33:65], blob[-64:]
    again = b"SSHSIG\0\0\0\1\0\0\0\x33" + WIRE + key + SSHSIG + b"\x53" + WIRE[:-1] + b"\x40" + signature
    lines = re.findall(".{1,70}", base64.b64encode(again).decode())
    armor = ["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----"]
    return (key, signature) if text.split("\n") == armor else None

@cache
def key_of(line):
    """The key in a line that has the shape of one; None where it is not a point of the prime-order subgroup."""
    blob = base64.b64decode(re.search("[A-Za-z0-9+/]{68}", line)[0])
    place = point(blob[19:]) if blob.startswith(WIRE) else None
    return blob[19:] if place not in (None, NEUTRAL) and times(ORDER, place) == NEUTRAL else None
