"""Verifies an evidence ledger by docs/format.md and schemas/ alone: a second reader that shares no code with the first.
What values look like is in shapes.py, what signatures look like in signatures.py.

usage: verify_ledger.py REPO [--root sha256:HEX] [--ref refs/heads/evidence]

Prints one JSON object. Exit 0: the ledger holds; 4: it is broken; 3: could not tell; 2: wrong usage. Needs git and the
package `cryptography`. It does steps 1 to 13 and nothing of the chapter "After verification". It could not tell where a
policy is not TOML 1.0 or has over 80 levels, or where Python's tables do not say what is a letter or how it folds.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from functools import cache
from itertools import islice
from types import SimpleNamespace

from shapes import INVISIBLE, CannotTell, Schema, collide, seconds_of, slug
from signatures import SSHSIG, WIRE, key_of, open_armor, verifies

class Broken(Exception):
    """A fault, by its word, after which an entry is judged no further."""

def need(fault, good):
    if not good:
        raise Broken(fault)

def sha256(data):
    return hashlib.sha256(data).hexdigest()

# Statement. The schemas say what stands where.

KINDS = "policy", "open", "evidence", "approval", "waiver", "promotion", "trigger", "rollback", "revoke"
STATEMENTS = {kind: Schema("policy-statement" if kind == "policy" else kind) for kind in KINDS}

def read_statement(data):
    """Kind and predicate of a statement in its one spelling."""
    found = re.search(rb'^  "predicateType": ".*/([a-z]+)/v0.1",$', data, re.MULTILINE)
    kind = found[1].decode() if found and len(data) <= 32768 else None
    need("statement-malformed", kind in KINDS)
    try:
        value = json.loads(data.decode())
        need("statement-malformed", (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode() == data)
        need("statement-malformed", STATEMENTS[kind].fits(value, STATEMENTS[kind].root))
    except (ValueError, RecursionError) as error:
        raise Broken("statement-malformed") from error
    body = value["predicate"]
    need("statement-malformed", kind != "evidence" or not collide([file["name"] for file in body["files"]]))
    later = kind != "waiver" or seconds_of(body["expiresAt"]) > seconds_of(body["recordedAt"])
    need("statement-malformed", later)
    return kind, body

# Policy and roster

POLICY = Schema("policy", ordered=False)
LEDGER = {"type": "object", "required": ["origin"], "properties": {"origin": {"$ref": "#/$defs/origin"}}}
TABLES = POLICY.root["properties"] | {"ledger": LEDGER, "pipeline": True}
ROSTER = {"type": "object", "required": ["ledger", "policy"], "properties": TABLES}

def depth(value):
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, (dict, list)) else 0

def read_toml(data):
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CannotTell("policy.toml is not TOML 1.0, but may be TOML 1.1") from error
    if depth(table) > 80:
        raise CannotTell("policy.toml has more than 80 levels")
    return table

class Roster:
    """Who may sign, and with which keys."""

    def __init__(self, policy, signers):
        table = read_toml(policy)
        need("policy-malformed", POLICY.fits(table, ROSTER))
        self.origin, self.rules, self.people = table["ledger"]["origin"], table["policy"], table.get("person", [])
        self.compromised = {key_of(item["key"]) for item in table.get("compromised", [])}
        self.since = max((item["since"] for item in table.get("compromised", [])), default=0)
        for person in self.people:
            lists = {key: person.get(key, []) for key in ("handles", "roles", "keys")}
            person |= {key: [value] if isinstance(value, str) else value for key, value in lists.items()}
        self.owners = [(key_of(line), person) for person in self.people for line in person["keys"]]
        self.count = self.rules["approve"].get("count", 1)
        labels = [label for person in self.people for label in (person["id"], *person["handles"])]
        need("policy-malformed", not INVISIBLE.search("".join(labels + [person["name"] for person in self.people])))
        need("policy-malformed", not collide(labels) and len(dict(self.owners)) == len(self.owners))
        need("policy-malformed", self.compromised.isdisjoint(dict(self.owners)))
        able = [person for person in self.people if self.may("approve", person) and person["keys"]]
        need("policy-malformed", len(able) >= self.count)
        lines = [(person["id"], base64.b64encode(WIRE + key).decode()) for key, person in self.owners]
        made = "".join(f'{who} namespaces="git" ssh-ed25519 {key}\n' for who, key in lines)
        need("policy-malformed", signers == made.encode())

    def may(self, power, person):
        return not person.get("bot") and self.rules.get(power, {}).get("role") in person["roles"]

# Tree and commit

class Repository:
    """One process hands out raw objects, and each is checked against the id it was asked for by."""

    def __init__(self, path, ref):
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        env |= {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.git, self.ref = subprocess.Popen(["git", "cat-file", "--batch"], cwd=path, env=env, **pipes), ref

    def object(self, name, kind):
        self.git.stdin.write(f"{name}\n".encode())
        self.git.stdin.flush()
        header = self.git.stdout.readline().decode().split()
        if header[1:2] != [kind] or int(header[2]) > 2**28:
            raise CannotTell(f"{kind} {name} is missing, damaged or too large")
        data = self.git.stdout.read(int(header[2]) + 1)[:-1]
        hashed = hashlib.new("sha1" if len(header[0]) == 40 else "sha256", f"{kind} {len(data)}\0".encode() + data)
        if hashed.hexdigest() != header[0] or name not in (header[0], self.ref):
            raise CannotTell(f"{kind} {name} has other bytes than its id")
        return data

    def commits(self):
        """Tree id and bytes of the commits from the first to the tip, along first parents."""
        commits, parent = [], self.ref
        while parent:
            raw = self.object(parent, "commit")
            links = re.match("tree ([0-9a-f]+)\n(?:parent ([0-9a-f]+)\n)?", raw.decode("latin-1"))
            if not links:
                raise CannotTell(f"commit {parent} has no tree")
            commits.append((links[1], raw))
            parent = links[2]
        return commits[::-1]

    def tree(self, oid):
        """Mode and id by name. Of an odd entry, which would give the same files a second tree, the mode is "odd"."""
        data, entries, last = self.object(oid, "tree"), {}, b""
        lines = re.findall(rb"(([0-7]{1,7}) ([^\0]*)\0(.{%d}))" % (len(oid) // 2), data, re.DOTALL)
        if b"".join(line[0] for line in lines) != data:
            raise CannotTell(f"tree {oid} does not parse")
        for _, mode, raw, item in lines:
            name, place = raw.decode(errors="backslashreplace"), raw + b"/" * (mode == b"40000")
            odd = place <= last or name in entries or mode.startswith(b"0") or name.encode() != raw
            odd = odd or "/" in name or name.lower() in ("", ".", "..", ".git")
            entries[name], last = ("odd" if odd else mode.decode(), item.hex()), place
        return entries

    def changes(self, old, new, folder="", level=0):
        """Path, mode and id of what a tree adds to its parent's; for what it alters, the mode is None."""
        before, after = self.tree(old) if old else {}, self.tree(new)
        for name in before.keys() | after.keys():
            (was, old_oid), (mode, oid) = before.get(name, (None, None)), after.get(name, (None, None))
            if mode == "40000" and was in (None, "40000") and oid != old_oid and level < 8:
                yield from self.changes(old_oid, oid, f"{folder}{name}/", level + 1)
            elif (mode, oid) != (was, old_oid):
                yield folder + name, mode if not was and mode not in ("odd", "40000") else None, oid
        if folder and not after:
            yield folder, None, None

    def file(self, mode, oid):
        data = b"" if mode == "160000" else self.object(oid, "blob")
        return SimpleNamespace(mode=mode, size=len(data), sha256=sha256(data), start=data[: 2**20])

COMMIT = r"""tree <id>
(?:parent <id>
)?author (?P<who>[^\n]* <[^\n]*>) (?P<seconds><int>) [+]0000
committer (?P=who) (?P=seconds) [+]0000
(?P<header><gpgsig> (?P<armor>[^\n]*(?:\n [^\n]*)*)
)
(?P<message>(?P<text>.+)

Ledger-Origin: (?P<origin>(?!\S*://)[!-*,-~]{1,255})
Ledger-Entry: (?P<number><int>) sha256:(?P<digest>[0-9a-f]{64})
Ledger-Before: (?P<before><int> sha256:[0-9a-f]{64})
(?:Ledger-Dsse: (?P<fingerprint>SHA256:[A-Za-z0-9+/]{43}) (?P<dsse>[A-Za-z0-9+/]{85}[AQgw]==)
)?)"""

def read_commit(raw, width):
    """Step 1: the parts of a commit object."""
    pattern = COMMIT.replace("<gpgsig>", "gpgsig" if width == 40 else "gpgsig-sha256")
    pattern = pattern.replace("<id>", "[0-9a-f]{%d}" % width).replace("<int>", "(?:0|[1-9][0-9]{0,19})")
    found = re.fullmatch(pattern, raw.decode(errors="replace"), re.DOTALL)
    need("commit-malformed", found and found[0].encode() == raw)
    commit = SimpleNamespace(**found.groupdict())
    commit.payload, commit.armor = raw.replace(commit.header.encode(), b"", 1), commit.armor.replace("\n ", "\n")
    commit.seconds, commit.number = int(commit.seconds), int(commit.number)
    need("commit-malformed", commit.seconds < 2**63 and commit.number < 2**64 and len(commit.message.encode()) <= 16384)
    lines = commit.text.split("\n")
    need("commit-malformed", lines[0].strip() and not INVISIBLE.search("".join(lines)))
    need("commit-malformed", not any(line.startswith("Ledger-") for line in lines))
    return commit

# Verification

class Verifier:
    """What is known of the entries before the one that is judged, and the steps that judge it."""

    def __init__(self):
        self.leaves, self.entries, self.folders, self.counts, self.faults = [], {}, {(): "policy"}, {}, []
        self.origin = self.roster = self.policy = self.first = None
        self.pending, self.compromised, self.newest = {}, set(), 0

    def expect(self, fault, expected, found):
        if expected != found:
            self.faults.append({"entry": self.n, "fault": fault, "expected": str(expected), "found": str(found)})

    @cache
    def root(self, size, start=0):
        """The Merkle root over so many statements."""
        if size < 2:
            return self.leaves[start] if size else hashlib.sha256(b"").digest()
        left = 1 << (size - 1).bit_length() - 1
        return hashlib.sha256(b"\1" + self.root(left, start) + self.root(size - left, start + left)).digest()

    def judge(self, n, raw, width, files, altered):
        """Steps 1 to 12. A commit, statement or roster that cannot be taken apart ends them."""
        statements = [path for path in files if path.endswith(".json") and "/files/" not in path]
        e = SimpleNamespace(path=statements[0] if len(statements) == 1 else None, files=files, roster=None)
        e.data = files[e.path].start if e.path else b""
        e.id, self.n = sha256(e.data), n
        self.first = self.first or e.id
        self.leaves.append(hashlib.sha256(b"\0" + e.data).digest())
        e.commit = read_commit(raw, width)
        self.origin = self.origin or e.commit.origin
        self.expect("number", n, e.commit.number)  # step 2
        self.expect("time", True, self.newest <= e.commit.seconds <= time.time() + 86400)  # step 3
        self.newest = max(self.newest, e.commit.seconds)
        self.expect("tree-altered", [], altered)  # step 4
        self.expect("file-unlisted", 1, len(statements))
        good = all(file.size <= 2**26 and len(path.encode()) <= 1024 for path, file in files.items())
        self.expect("limit", True, good and len(files) <= 4097 and {file.mode for file in files.values()} <= {"100644"})
        if e.path:
            self.statement(e)
            self.signatures(e, e.commit)
            self.attempt(e)
            self.references(e, e.body)
            self.policies(e, e.body)
            self.remember(e)

    def statement(self, e):
        """Steps 6 to 8, and what steps 3 and 4 ask of a statement."""
        self.expect("statement-digest", e.commit.digest, e.id)
        self.expect("replayed", False, e.id in self.entries)
        e.kind, e.body = read_statement(e.data)
        e.attempt, e.actor = tuple(e.body["ledger"].values())[1:], e.body["actor"]  # of a policy, the attempt is empty
        self.expect("time", True, seconds_of(e.body["recordedAt"]) <= e.commit.seconds)
        self.expect("root-before", f"{self.n} sha256:{self.root(self.n).hex()}", e.commit.before)
        self.expect("origin", (self.origin, self.origin), (e.commit.origin, e.body["ledger"]["origin"]))
        directory, number = re.fullmatch("(.*/)?([0-9]*)[^/]*", e.path, re.DOTALL).groups()
        inline = {file["name"]: file for file in e.body.get("files", ()) if file.get("stored") != "external"}
        at_root = "README.md" if e.kind == "policy" else None
        e.listed = {name if name == at_root else f"{directory}files/{number}/{name}": inline[name] for name in inline}
        self.expect("file-unlisted", set(), e.files.keys() - e.listed.keys() - {e.path})
        self.expect("file-missing", set(), e.listed.keys() - e.files.keys())
        for path in e.listed.keys() & e.files.keys():
            listed, found = e.listed[path], e.files[path]
            self.expect("file-digest", (listed["size"], listed["sha256"]), (found.size, found.sha256))

    def signatures(self, e, commit):
        """Steps 9 to 11."""
        if e.kind == "policy":
            files = [e.files.get(path) for path in list(e.listed)[:2]]
            need("policy-malformed", all(file and file.mode == "100644" and file.size <= 2**20 for file in files))
            e.roster = Roster(*(file.start for file in files))
        self.judges = self.roster if self.n else e.roster
        need("policy-malformed", self.judges)  # entry 0 had no roster, so nobody can be judged
        opened = open_armor(commit.armor)
        need("commit-signature", opened)
        key, signature = opened
        self.signer = dict(self.judges.owners).get(key)
        message = b"SSHSIG" + SSHSIG + b"\x40" + hashlib.sha512(commit.payload).digest()
        self.expect("commit-signature", True, verifies(key, signature, message))
        if commit.dsse:
            message = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(e.data), e.data)
            self.expect("dsse-signature", True, verifies(key, base64.b64decode(commit.dsse), message))
            name = "SHA256:" + base64.b64encode(hashlib.sha256(WIRE + key).digest()).decode().rstrip("=")
            self.expect("dsse-signature", name, commit.fingerprint)
        need("signer-unknown", self.signer)
        who, name, roles = (self.signer[part] for part in ("id", "name", "roles"))
        mode = "ci" if self.signer.get("bot") else e.actor["mode"]
        self.expect("signer-mismatch", f"{name} <{who}>", commit.who)
        self.expect("signer-mismatch", {"id": who, "name": name, "roles": roles, "mode": mode}, e.actor)

    def attempt(self, e):
        """Step 12: the attempt, and the path."""
        need("attempt", (self.n > 0 or e.kind == "policy") and (e.kind == "open" or e.attempt in self.folders))
        if e.kind == "open":
            pipeline, gate, number, release = e.attempt
            follows = number == 1 or (pipeline, gate, number - 1, release) in self.folders
            taken = any(collide([e.body["folder"], other]) for other in ["README.md", *self.folders.values()])
            self.expect("attempt", (True, False, False), (follows, e.attempt in self.folders, taken))
        e.folder = e.body["folder"] if e.kind == "open" else self.folders[e.attempt]
        about = {"evidence": e.body.get("slot"), "waiver": e.body.get("rule")}.get(e.kind, "")
        if e.kind == "approval":
            about = [*self.signer["handles"], self.signer["id"].split("@")[0]][0]
        part = self.counts.get(e.folder, 0) // 256
        directory, ending = f"{e.folder}/part-{part:04}" if part else e.folder, f"-{slug(about)}" if slug(about) else ""
        self.expect("path", f"{directory}/{e.commit.number:06}-{e.kind}{ending}.json", e.path)

    def references(self, e, body):
        """Step 12: the entries and roots that a statement names."""
        named = [body.get("withdraws"), body.get("voids"), body.get("reverses"), *body.get("validation", ())]
        named += [by for rule in body.get("rules", ()) for by in rule["by"]] + body.get("saw", {}).get("evidence", [])
        named += [body.get({"rollback": "trigger", "trigger": "decision"}.get(e.kind))]
        self.expect("reference", set(), {*named} - {None} - self.entries.keys())
        voidable = "evidence", "approval", "waiver", "promotion", "trigger"
        revokes = self.judges.may("revoke", self.signer)
        rules = ("withdraws", ("approval",), False), ("voids", voidable, revokes), ("reverses", ("promotion",), True)
        for key, kinds, anybody in rules:
            if body.get(key) in self.entries:
                kind, attempt, who = self.entries[body[key]]
                good = kind in kinds and attempt == e.attempt and (anybody or who == e.actor["id"])
                self.expect("reference", True, good)
        seen = {"approval": body.get("saw"), "promotion": body}.get(e.kind)
        if seen:
            root = self.root(seen["size"]).hex() if seen["size"] <= self.n else "a size of the past"
            self.expect("root-before", root, seen["root"])

    def policies(self, e, body):
        """Step 12: a policy, or the approval of one."""
        if not e.attempt:
            self.expect("policy-unapproved", True, self.judges.may("approve", self.signer))
        if not e.attempt and e.kind == "approval":
            approved = body["saw"]["evidence"]
            people = self.pending[approved[0]][2] if len(approved) == 1 and approved[0] in self.pending else None
            self.expect("reference", True, people is not None)
            self.expect("policy-unapproved", ("APPROVED", self.policy), (body["decision"], body["saw"]["policy"]))
            self.expect("policy-unapproved", False, e.actor["id"] in (people or ()))
        if e.kind == "policy":
            self.expect("policy-unapproved", self.policy, body.get("replaces"))
            self.expect("origin", e.commit.origin, e.roster.origin)
            self.expect("policy-malformed", set(), self.compromised.intersection(dict(e.roster.owners)))
            self.expect("policy-malformed", True, e.roster.since <= self.n)

    def remember(self, e):
        """What the entry changes for those after it. Succession: enough people bring a policy in force."""
        self.folders.setdefault(e.attempt, e.folder)
        self.entries.setdefault(e.id, (e.kind, e.attempt, e.actor["id"]))
        self.counts[e.folder] = self.counts.get(e.folder, 0) + 1
        if e.kind == "policy":
            self.pending[e.id] = e.roster, e.body["files"][0]["sha256"], set()
        approves = [e.id] if e.kind == "policy" else e.body["saw"]["evidence"] if not e.attempt else []
        roster, policy, people = self.pending.get(*approves[:1] or [None], (None, None, set()))
        people.add(e.actor["id"])
        if roster and (self.n == 0 or len(people) >= self.roster.count):
            self.roster, self.policy, self.pending = roster, policy, {}
            self.compromised |= roster.compromised

def verify(path, ref, pin):
    repository, verifier, parent_tree = Repository(path, ref), Verifier(), None
    for n, (tree, raw) in enumerate(repository.commits()):
        changes = list(islice(repository.changes(parent_tree, tree), 5001))  # more is over the limit all the same
        files = {path: repository.file(mode, oid) for path, mode, oid in changes if mode}
        try:
            verifier.judge(n, raw, len(tree), files, [path for path, mode, _ in changes if not mode])
        except Broken as fault:
            verifier.expect(str(fault), "what the format says", "something else")
        parent_tree = tree
    verifier.n, faults = None, verifier.faults
    verifier.expect("anchor", pin or verifier.first, verifier.first)  # step 13; that there is an entry, git has shown
    return {"verdict": "broken" if faults else "holds", "origin": verifier.origin, "entries": 0 if faults else n + 1,
            "root": None if faults else verifier.root(n + 1).hex(), "first": verifier.first, "faults": faults}

def main():
    parser = argparse.ArgumentParser(description="Verifies an evidence ledger by docs/format.md.")
    parser.add_argument("repository")
    parser.add_argument("--root", default="", help="sha256:HEX, the SHA-256 of entry 0's statement")
    parser.add_argument("--ref", default="refs/heads/evidence")
    asked = parser.parse_args()
    if not re.fullmatch("(sha256:[0-9a-f]{64})?", asked.root):
        parser.error("--root must be sha256: and 64 hexadecimal digits")
    try:
        result = verify(asked.repository, asked.ref, asked.root.removeprefix("sha256:"))
    except (CannotTell, OSError) as error:
        print(f"could not tell: {error}", file=sys.stderr)
        result = {"verdict": "unknown", "origin": None, "entries": 0, "root": None, "first": None, "faults": []}
    print(json.dumps(result, indent=2))
    return {"holds": 0, "unknown": 3, "broken": 4}[result["verdict"]]

if __name__ == "__main__":
    sys.setrecursionlimit(10**4)  # facts nest up to 128 levels, and each level takes several calls
    sys.exit(main())
