"""Verifies an evidence ledger by docs/format.md and schemas/ alone: a second reader that shares no code with the first.

usage: verify_ledger.py REPO [--root sha256:HEX] [--ref REF]; in a fresh clone --ref refs/remotes/origin/evidence
Prints one JSON object. Exit 0: the ledger holds; 4: it is broken; 3: could not tell; 2: wrong usage. Needs git, Python
3.11 and the package `cryptography`. Without --root nothing says that it is the right ledger. Does steps 1 to 13 alone.
It could not tell where a policy is not TOML 1.0, or over 80 levels deep, or has letters that Python's tables lack.
"""

import argparse, base64, functools, hashlib, json, os, pathlib, re, subprocess, sys, tomllib, types
from collections import Counter, OrderedDict
from datetime import datetime
from unicodedata import category, normalize

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

class CannotTell(Exception):
    """Something could not be read, so neither "holds" nor "broken" may be said."""

class Broken(Exception):
    """A fault, by its word, after which an entry is judged no further."""

def need(good, otherwise):
    if not good:
        raise otherwise

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
FACTOR = x25519.X25519PrivateKey.from_private_bytes((5 * ORDER - 1).to_bytes(32, "little"))
WIRE = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
SSHSIG = b"\0\0\0\3git\0\0\0\0\0\0\0\6sha512\0\0\0"  # and the last byte of a length

def multiplied(encoding):
    """The coordinate u (RFC 7748) of a point, and that of the point times 5 ORDER - 1; None where the encoding is not
    canonical or the order small, which X25519 refuses. Points have one u with their negative alone, and the factor is a
    multiple of 8. So both are the same for the points of the prime-order subgroup, and for no others."""
    y = int.from_bytes(encoding, "little") % 2**255
    try:
        u = ((1 + y) * pow(1 - y, -1, P) % P).to_bytes(32, "little")
        return (u, FACTOR.exchange(x25519.X25519PublicKey.from_public_bytes(u))) if y < P else None
    except ValueError:
        return None

def verifies(key, signature, message):
    """The package compares R by its encoding, without cofactor. What else is strict is asked here."""
    strict = multiplied(key) and multiplied(signature[:32]) and int.from_bytes(signature[32:], "little") < ORDER
    try:
        return bool(strict) and ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message) is None
    except InvalidSignature:
        return False

def key_of(line):
    """The base64 in a line that has the shape of a key; None where that is not a point of the prime-order subgroup."""
    base = re.search("[A-Za-z0-9+/]{68}", line)[0]
    before, after = multiplied(base64.b64decode(base)[19:]) or (True, False)
    return base if before == after and base64.b64decode(base).startswith(WIRE) else None

def open_armor(text):
    """Key and signature of an armor, if the same armor comes of them again."""
    base = "".join(text.split("\n")[1:-1])
    blob = base64.b64decode(base) if re.fullmatch("[A-Za-z0-9+/]{231}=", base) else bytes(173)
    key, signature = blob[33:65], blob[-64:]
    again = b"SSHSIG\0\0\0\1\0\0\0\x33" + WIRE + key + SSHSIG + b"\x53" + WIRE[:-1] + b"\x40" + signature
    lines = "\n".join(re.findall(".{1,70}", base64.b64encode(again).decode()))
    need(text == f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----", Broken("commit-signature"))
    return key, signature

INVISIBLE = ("[\0-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
             "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
             "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
             "\U000e0000-\U000e0fff]")
def known(text, unknown=("Cn",)):
    need({*map(category, text)}.isdisjoint(unknown), CannotTell(f"Python's tables say too little about {text!a}"))
    return text

def in_names(char):
    # Alphabetic are letters, some of the marks, and circled letters, which are symbols with a case.
    return char in "._-" or known(char, ("Cn", "Mn", "Mc")).isalnum() or char.isupper() or char.islower()

def collide(texts):
    lower = ["".join(map(str.lower, normalize("NFKC", known(text)))) for text in texts]  # char by char, without context
    return len({normalize("NFKC", text) for text in lower}) < len(lower)

def slug(text):
    text = "".join(char if in_names(char) else "\0" for char in normalize("NFC", text))
    text = re.sub("\0+", "-", re.sub("(^|-)\0+", r"\1", text))
    return text.encode()[:60].decode(errors="ignore").strip("-.")

def is_file_name(text):
    device = re.match(r"(?ai:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\.|\Z)", text)
    return normalize("NFC", known(text)) == text and not device and not re.search(INVISIBLE, text)

SCHEMAS = [json.loads(path.read_text("utf-8")) for path in pathlib.Path(__file__).parents[2].glob("schemas/*.json")]
STATEMENTS = [schema for schema in SCHEMAS if "predicateType" in schema.get("properties", ())]
POLICY = next(schema for schema in SCHEMAS if schema.get("title") == "Policy file")
DEFINITIONS = {name: it for schema in [POLICY, *STATEMENTS] for name, it in schema["$defs"].items()}
BEYOND = {  # what no schema can say
    "fileName": is_file_name, "name": lambda text: is_file_name(text) and all(map(in_names, text)), "key": key_of,
    "version": lambda text: not re.search(INVISIBLE, text), "timestamp": datetime.fromisoformat}  # or a ValueError
TYPES = {"object": (dict, OrderedDict), "array": (list,), "string": (str,), "integer": (int,), "boolean": (bool,)}

def fits(value, schema):
    """Whether a value fits a schema; of its choices, in an anyOf, too, it must fit only one. The keys of an OrderedDict
    stand in the schema's order or, where the schema has none, ascend."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return fits(value, DEFINITIONS[name]) and (name not in BEYOND or bool(BEYOND[name](value)))
    rule = schema.get
    good = type(value) in TYPES.get(rule("type"), [type(value)]) and value in rule("enum", [rule("const", value)])
    good = good and sum(fits(value, choice) for choice in rule("oneOf", rule("anyOf", [True]))) == 1
    good = good and fits(value, rule("then" if fits(value, rule("if", True)) else "else", True))
    match value if good else None:
        case int():
            return rule("minimum", value) <= value <= rule("maximum", 2**64 - 1)
        case str():  # To Python alone, U+001C to U+001F are blank, and "$" matches before a newline, too.
            size, pattern = len(value.encode()), rule("pattern", "").replace("$", r"\Z")  # the format counts bytes
            found = re.search(pattern, re.sub("[\x1c-\x1f]", "\0", value), re.DOTALL)
            return rule("minLength", 0) <= size <= rule("maxLength", size) and found is not None
        case list():
            parts = rule("prefixItems", []) + [rule("items", True)] * len(value)
            return rule("minItems", 0) <= len(value) <= rule("maxItems", len(value)) and all(map(fits, value, parts))
        case dict():
            parts, rest = rule("properties", {}), rule("additionalProperties", True)
            order = [key for key in parts if key in value] or sorted(value)
            good = rest is True or not isinstance(value, OrderedDict) or list(value) == order
            good = good and value.keys() >= {*rule("required", ())}
            return good and all(fits(value[key], parts.get(key, rest)) for key in value)
    return good

def read_statement(data):
    """Kind and predicate of a statement in its one spelling."""
    try:
        value = json.loads(data.decode(), object_pairs_hook=OrderedDict)
        good = (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode() == data and len(data) <= 32768
        body = value["predicate"] if good and any(fits(value, schema) for schema in STATEMENTS) else {}
    except (ValueError, RecursionError):
        body = {}
    names = [file["name"] for file in body.get("files", ())]
    told = repr(body.get("facts", {}).get("exit")) in ("None", repr(body.get("command", {}).get("exitCode")))
    later = "expiresAt" not in body or body["expiresAt"] > body["recordedAt"]
    need(body and later and told and not collide(names), Broken("statement-malformed"))
    return value["predicateType"].split("/")[-2], body

LEDGER = {"type": "object", "required": ["origin"], "properties": {"origin": {"$ref": "#/$defs/origin"}}}
ROSTER = {"required": ["ledger", "policy"], "properties": POLICY["properties"] | {"ledger": LEDGER, "pipeline": True}}

class Roster:
    """Who may sign, and with which keys."""
    def __init__(self, files):
        need(all(file and file.mode == "100644" and file.size <= 2**20 for file in files), Broken("policy-malformed"))
        try:
            table = tomllib.loads(files[0].start.decode("utf-8-sig"))
            deep = re.search("^ {81}", json.dumps(table, indent=1, default=str), re.MULTILINE)
        except (ValueError, RecursionError):
            deep = True
        need(not deep, CannotTell("policy.toml is not TOML 1.0, but may be TOML 1.1, or has more than 80 levels"))
        need(fits(table, ROSTER), Broken("policy-malformed"))
        people, self.origin, self.rules = table.get("person", []), table["ledger"]["origin"], table["policy"]
        given_up, self.count = table.get("compromised", []), self.rules["approve"].get("count", 1)
        self.compromised, self.since = {key_of(item["key"]) for item in given_up}, {item["since"] for item in given_up}
        for person, part in [(person, part) for person in people for part in ("handles", "roles", "keys")]:
            person[part] = [person[part]] if isinstance(person.get(part), str) else person.get(part, [])
        keys = [(key_of(line), person) for person in people for line in person["keys"]]
        self.owners, labels = dict(keys), [label for person in people for label in (person["id"], *person["handles"])]
        able = [person for person in people if self.may("approve", person) and person["keys"]]
        made = "".join(f'{who["id"]} namespaces="git" ssh-ed25519 {key}\n' for key, who in keys)
        good = not re.search(INVISIBLE, "".join(labels + [person["name"] for person in people])) and not collide(labels)
        good = good and len(self.owners) == len(keys) and self.compromised.isdisjoint(self.owners)
        need(good and len(able) >= self.count and files[1].start == made.encode(), Broken("policy-malformed"))

    def may(self, power, person):
        return not person.get("bot") and self.rules.get(power, {}).get("role") in person["roles"]

class Repository:
    """One process hands out raw objects, and each is checked against the id it was asked for by."""
    def __init__(self, path, ref):
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        env |= {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
        command, pipe = ["git", "-C", path, "cat-file", "--batch"], subprocess.PIPE
        self.git, self.ref = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe), ref

    def object(self, name, kind):
        self.git.stdin.write(f"{name}\n".encode())
        self.git.stdin.flush()
        oid, found, size, *_ = self.git.stdout.readline().decode().split() + ["", "", ""]
        need(found == kind and int(size) <= 2**28, CannotTell(f"{kind} {name} is missing, damaged or too large"))
        data = self.git.stdout.read(int(size) + 1)[:-1]
        hashed = hashlib.new("sha1" if len(oid) == 40 else "sha256", f"{kind} {len(data)}\0".encode() + data)
        need(hashed.hexdigest() == oid and name in (oid, self.ref), CannotTell(f"{kind} {name} has other bytes"))
        return data

    def commits(self):
        """Tree id and bytes of the commits from the first to the tip, along first parents."""
        commits, parent = [], self.ref
        while parent:
            raw = self.object(parent, "commit")
            links = re.match("tree ([0-9a-f]+)\n(?:parent ([0-9a-f]+)\n)?", raw.decode("latin-1"))
            need(links, CannotTell(f"commit {parent} has no tree"))
            commits.append((links[1], raw))
            parent = links[2]
        return commits[::-1]

    def tree(self, oid):
        """Mode and id by name. Of an odd entry, which would give the same files a second tree, the mode is "odd"."""
        data, entries, last = self.object(oid, "tree"), {}, b""
        lines = re.findall(rb"(([0-7]{1,7}) ([^\0]*)\0(.{%d}))" % (len(oid) // 2), data, re.DOTALL)
        need(b"".join(line[0] for line in lines) == data, CannotTell(f"tree {oid} does not parse"))
        for _, mode, raw, item in lines:
            name, place = raw.decode(errors="backslashreplace"), raw + b"/" * (mode == b"40000")
            odd = place <= last or name in entries or mode.startswith(b"0") or name.encode() != raw
            odd = odd or "/" in name or name.lower() in ("", ".", "..", ".git")
            entries[name], last = ("odd" if odd else mode.decode(), item.hex()), place
        return entries

    def changes(self, old, new, folder="", level=0):
        """Path and file of what a tree adds to its parent's; for what it alters, the file is None."""
        before, after = self.tree(old) if old else {}, self.tree(new)
        for name in before.keys() | after.keys():
            (was, old_oid), (mode, oid) = before.get(name, (None, None)), after.get(name, (None, None))
            if mode == "40000" and was in (None, "40000") and oid != old_oid and level < 8:
                yield from self.changes(old_oid, oid, f"{folder}{name}/", level + 1)
            elif (mode, oid) != (was, old_oid):
                added = not was and mode not in ("odd", "40000")
                data = self.object(oid, "blob") if added and mode != "160000" else b""
                digest = hashlib.sha256(data).hexdigest()
                file = types.SimpleNamespace(mode=mode, size=len(data), sha256=digest, start=data[: 2**20])
                yield folder + name, file if added else None
        if folder and not after:
            yield folder, None

def read_commit(raw, width):
    """Step 1: the parts of a commit object."""
    oid, number, gpgsig = f"[0-9a-f]{{{width}}}", "(?:0|[1-9][0-9]{0,19})", "gpgsig" if width == 40 else "gpgsig-sha256"
    found = re.fullmatch(
        rf"tree {oid}\n(?:parent {oid}\n)?author (?P<who>[^\n]* <[^\n]*>) (?P<seconds>{number}) [+]0000\n"
        rf"committer (?P=who) (?P=seconds) [+]0000\n(?P<header>{gpgsig} (?P<armor>[^\n]*(?:\n [^\n]*)*)\n)\n"
        rf"(?=[^\n]*\S)(?:(?!Ledger-)[^{INVISIBLE[1:]}*\n)+\n"
        rf"Ledger-Origin: (?P<origin>(?!\S*://)[!-*,-~]{{1,255}})\n"
        rf"Ledger-Entry: (?P<number>{number}) sha256:(?P<digest>[0-9a-f]{{64}})\n"
        rf"Ledger-Before: (?P<before>{number} sha256:[0-9a-f]{{64}})\n"
        rf"(?:Ledger-Dsse: (?P<fingerprint>SHA256:[A-Za-z0-9+/]{{43}}) (?P<dsse>[A-Za-z0-9+/]{{85}}[AQgw]==)\n)?",
        raw.decode(errors="replace") if len(raw.partition(b"\n\n")[2]) <= 16384 else "")
    need(found and found[0].encode() == raw, Broken("commit-malformed"))
    commit = types.SimpleNamespace(**found.groupdict())
    commit.payload, commit.armor = raw.replace(commit.header.encode(), b"", 1), commit.armor.replace("\n ", "\n")
    commit.seconds, commit.number = int(commit.seconds), int(commit.number)
    need(commit.seconds < 2**63 and commit.number < 2**64, Broken("commit-malformed"))
    return commit

class Verifier:
    """What is known of the entries before the one that is judged, and the steps that judge it."""
    def __init__(self):
        self.leaves, self.entries, self.folders, self.counts, self.faults = [], {}, {(): "policy"}, Counter(), []
        self.origin = self.roster = self.policy = self.first = None
        self.pending, self.compromised, self.newest = {}, set(), 0

    def expect(self, fault, expected, found):
        if expected != found:
            self.faults.append({"entry": self.n, "fault": fault, "expected": str(expected), "found": str(found)})

    @functools.cache
    def root(self, size, start=0):
        """The Merkle root over so many statements."""
        if size < 2:
            return self.leaves[start] if size else hashlib.sha256(b"").digest()
        left = 1 << (size - 1).bit_length() - 1
        return hashlib.sha256(b"\1" + self.root(left, start) + self.root(size - left, start + left)).digest()

    def judge(self, n, raw, width, changes):
        """Steps 1 to 11. A commit, statement, armor or roster that cannot be taken apart ends them."""
        files = {path: file for path, file in changes.items() if file}
        statements = [path for path in files if path.endswith(".json") and "/files/" not in path]
        data = files[statements[0]].start if len(statements) == 1 else b""
        self.n, e = n, types.SimpleNamespace(id=hashlib.sha256(data).hexdigest(), roster=self.roster)
        self.first = self.first or e.id
        self.leaves.append(hashlib.sha256(b"\0" + data).digest())
        e.commit = commit = read_commit(raw, width)
        self.origin = self.origin or commit.origin
        self.expect("number", n, commit.number)  # step 2
        self.expect("time", True, self.newest <= commit.seconds <= datetime.now().timestamp() + 86400)  # step 3
        self.newest = max(self.newest, commit.seconds)
        self.expect("tree-altered", set(), changes.keys() - files.keys())  # step 4
        good = all(file.size <= 2**26 and len(path.encode()) <= 1024 for path, file in files.items())  # step 5
        self.expect("limit", True, good and len(files) <= 4097 and {file.mode for file in files.values()} <= {"100644"})
        need(len(statements) == 1, Broken("file-unlisted"))
        self.expect("statement-digest", commit.digest, e.id)  # step 6
        self.expect("replayed", False, e.id in self.entries)
        e.path, (e.kind, e.body) = statements[0], read_statement(data)
        e.attempt, e.actor = tuple(e.body["ledger"].values())[1:], e.body["actor"]  # of a policy, the attempt is empty
        self.expect("time", True, datetime.fromisoformat(e.body["recordedAt"]).timestamp() <= commit.seconds)
        self.expect("root-before", f"{n} sha256:{self.root(n).hex()}", commit.before)  # step 7
        self.expect("origin", (self.origin, self.origin), (commit.origin, e.body["ledger"]["origin"]))
        directory, number = re.fullmatch("(.*/)?([0-9]*)[^/]*", e.path, re.DOTALL).groups()  # step 8, and 4
        inline = {file["name"]: file for file in e.body.get("files", ()) if file.get("stored") != "external"}
        at_root = "README.md" if e.kind == "policy" else None
        listed = {name if name == at_root else f"{directory}files/{number}/{name}": inline[name] for name in inline}
        self.expect("file-unlisted", set(), files.keys() - listed.keys() - {e.path})
        self.expect("file-missing", set(), listed.keys() - files.keys())
        for file, found in [(listed[path], files[path]) for path in listed.keys() & files.keys()]:
            self.expect("file-digest", (file["size"], file["sha256"]), (found.size, found.sha256))
        if e.kind == "policy":
            e.roster = Roster([files.get(path) for path in list(listed)[:2]])
        e.judges = self.roster if n else e.roster
        need(e.judges, Broken("policy-malformed" if n or e.kind == "policy" else "attempt"))  # nobody can be judged
        key, signature = open_armor(commit.armor)  # steps 10 and 11
        message = b"SSHSIG" + SSHSIG + b"\x40" + hashlib.sha512(commit.payload).digest()
        self.expect("commit-signature", True, verifies(key, signature, message))
        if commit.dsse:
            message = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(data), data)
            name = "SHA256:" + base64.b64encode(hashlib.sha256(WIRE + key).digest()).decode().rstrip("=")
            good = verifies(key, base64.b64decode(commit.dsse), message)
            self.expect("dsse-signature", (name, True), (commit.fingerprint, good))
        e.signer = e.judges.owners.get(base64.b64encode(WIRE + key).decode())  # step 9
        need(e.signer, Broken("signer-unknown"))
        who, name, roles = (e.signer[part] for part in ("id", "name", "roles"))
        actor = {"id": who, "name": name, "roles": roles, "mode": "ci" if e.signer.get("bot") else e.actor["mode"]}
        self.expect("signer-mismatch", (f"{name} <{who}>", actor), (commit.who, {**e.actor}))
        self.relate(e, e.body)

    def relate(self, e, body):
        """Step 12: what the entry is to those before it."""
        need((self.n > 0 or e.kind == "policy") and (e.kind == "open" or e.attempt in self.folders), Broken("attempt"))
        if e.kind == "open":
            pipeline, gate, number, release = e.attempt
            follows = number == 1 or (pipeline, gate, number - 1, release) in self.folders
            taken = any(collide([body["folder"], other]) for other in ["README.md", *self.folders.values()])
            self.expect("attempt", (True, False, False), (follows, e.attempt in self.folders, taken))
        folder = body["folder"] if e.kind == "open" else self.folders[e.attempt]
        short_name = [*e.signer["handles"], e.signer["id"].split("@")[0]][0]
        about = {"evidence": body.get("slot"), "waiver": body.get("rule"), "approval": short_name}.get(e.kind, "")
        part, about = self.counts[folder] // 256, slug(about)
        directory, ending = f"{folder}/part-{part:04}" if part else folder, f"-{about}" if about else ""
        self.expect("path", f"{directory}/{e.commit.number:06}-{e.kind}{ending}.json", e.path)
        named = [*map(body.get, ("withdraws", "about", "voids", "reverses")), *body.get("validation", ())]
        named += [by for rule in body.get("rules", ()) for by in rule["by"]] + body.get("saw", {}).get("evidence", [])
        named += [body.get({"rollback": "trigger", "trigger": "decision"}.get(e.kind))]
        self.expect("reference", set(), {*named} - {None} - self.entries.keys())
        voidable, revokes = "evidence approval waiver promotion trigger", e.judges.may("revoke", e.signer)
        rules = ("withdraws", "approval", False), ("voids", voidable, revokes), ("reverses", "promotion", True)
        for key, kinds, anybody in [*rules, ("about", "waiver trigger", True)]:
            kind, attempt, who = self.entries.get(body.get(key), ("unknown", None, None))
            good = kind in kinds.split() and attempt == e.attempt and (anybody or who == e.actor["id"])
            self.expect("reference", True, good or body.get(key) not in self.entries)
        seen = body.get("saw", body)
        if "root" in seen:
            root = self.root(seen["size"]).hex() if seen["size"] <= self.n else "a size of the past"
            self.expect("root-before", root, seen["root"])
        if not e.attempt:
            self.succeed(e, body)
        self.folders.setdefault(e.attempt, folder)
        self.entries.setdefault(e.id, (e.kind, e.attempt, e.actor["id"]))
        self.counts[folder] += 1

    def succeed(self, e, body):
        """Step 12 for a policy and the approval of one, and what comes in force by it."""
        saw = body.get("saw", {"evidence": [e.id], "policy": body.get("replaces")})
        if e.kind == "policy":  # it takes the place of the same person's earlier one
            self.pending = {key: other for key, other in self.pending.items() if other[2][:1] != [e.actor["id"]]}
            self.pending[e.id] = e.roster, body["files"][0]["sha256"], []
            good = self.compromised.isdisjoint(e.roster.owners) and max(e.roster.since, default=0) <= self.n
            self.expect("policy-malformed", True, good)
            self.expect("origin", e.commit.origin, e.roster.origin)
        self.expect("reference", True, len(saw["evidence"]) == 1 and saw["evidence"][0] in self.pending)
        roster, policy, people = self.pending.get([*saw["evidence"], None][0], (None, None, []))
        good = e.judges.may("approve", e.signer) and body.get("decision") in (None, "APPROVED")
        self.expect("policy-unapproved", (True, self.policy, False), (good, saw["policy"], e.actor["id"] in people))
        people.append(e.actor["id"])
        if roster and (self.n == 0 or len(people) >= self.roster.count):
            self.roster, self.policy, self.pending = roster, policy, {}
            self.compromised |= roster.compromised

def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("repository")
    parser.add_argument("--root", type=lambda text: re.fullmatch("sha256:([0-9a-f]{64})", text)[1])  # or a TypeError
    parser.add_argument("--ref", default="refs/heads/evidence")
    asked, verifier = parser.parse_args(), Verifier()
    try:
        commits = (repository := Repository(asked.repository, asked.ref)).commits()
        for n, (tree, raw) in enumerate(commits):
            changes = dict(repository.changes(commits[n - 1][0] if n else None, tree))
            try:
                verifier.judge(n, raw, len(tree), changes)
            except Broken as fault:
                verifier.expect(str(fault), "what the format says", "something else")
    except (CannotTell, OSError) as error:
        print(json.dumps({"verdict": "unknown", "reason": str(error), "faults": []}))
        return 3
    verifier.n, faults = None, verifier.faults
    verifier.expect("anchor", asked.root or verifier.first, verifier.first)  # step 13
    print(json.dumps({"verdict": "broken" if faults else "holds", "entries": len(commits),
                      "root": None if faults else verifier.root(len(commits)).hex(), "first": verifier.first,
                      "pinned": bool(asked.root), "faults": faults}, indent=2))
    return 4 if faults else 0

if __name__ == "__main__":
    sys.setrecursionlimit(10**4)  # facts nest up to 128 levels, and each level takes several calls
    sys.exit(main())
