"""What single values and whole documents look like: the chapter "Values" of docs/format.md, and JSON Schema as far as
schemas/ uses it. Knows nothing of ledgers."""

import json
import re
from datetime import datetime
from pathlib import Path
from unicodedata import category, normalize

from signatures import key_of

class CannotTell(Exception):
    """Something could not be read, so neither "holds" nor "broken" may be said."""

INVISIBLE = re.compile("[\0-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
                       "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]")

def known(text, unknown=("Cn",)):
    if any(category(char) in unknown for char in text):
        raise CannotTell(f"Python's tables say too little about {text!a}")
    return text

def letter_or_digit(char):
    # Alphabetic are letters, some of the marks, and circled letters, which are symbols with a case.
    kind = category(known(char, unknown=("Cn", "Mn", "Mc")))
    return kind[0] == "L" or kind in ("Nd", "Nl", "No") or char.isupper() or char.islower()

def collide(texts):
    lower = ["".join(char.lower() for char in normalize("NFKC", known(text))) for text in texts]
    return len({normalize("NFKC", text) for text in lower}) < len(lower)

def slug(text):
    text = "".join(char if char in "._-" or letter_or_digit(char) else "\0" for char in normalize("NFC", text))
    text = re.sub("\0+", "-", re.sub("(^|-)\0+", r"\1", text))
    return text.encode()[:60].decode(errors="ignore").strip("-.")

def seconds_of(instant):
    return int(datetime.fromisoformat(instant).timestamp())

def is_file_name(text):
    device = re.match(r"(?ai:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\.|\Z)", text)
    return normalize("NFC", known(text)) == text and not INVISIBLE.search(text) and not device

# A value must also pass what no schema can say of it.

BEYOND = {
    "fileName": is_file_name,
    "name": lambda text: is_file_name(text) and all(char in "._-" or letter_or_digit(char) for char in text),
    "version": lambda text: not INVISIBLE.search(text),
    "timestamp": lambda text: seconds_of(text) >= 0,  # and else a ValueError
    "key": lambda text: key_of(text) is not None,
}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}

class Schema:
    """A schema, with just the keywords that ours use. Of the choices of an anyOf, too, a value fits only one."""

    def __init__(self, name, ordered=True):
        path = Path(__file__).resolve().parents[2] / "schemas" / f"{name}.schema.json"
        self.root, self.ordered = json.loads(path.read_text(encoding="utf-8")), ordered

    def fits(self, value, schema):
        if isinstance(schema, bool):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            return self.fits(value, self.root["$defs"][name]) and (name not in BEYOND or BEYOND[name](value))
        rule = schema.get
        good = type(value) is TYPES.get(rule("type"), type(value)) and value in rule("enum", [rule("const", value)])
        good = good and self.fits_inside(value, rule)
        good = good and sum(self.fits(value, choice) for choice in rule("oneOf", rule("anyOf", [True]))) == 1
        return good and self.fits(value, rule("then" if self.fits(value, rule("if", True)) else "else", True))

    def fits_inside(self, value, rule):
        match value:
            case int():
                return rule("minimum", value) <= value <= rule("maximum", 2**64 - 1)
            case str():  # To Python alone, U+001C to U+001F are blank, and "$" matches before a newline, too.
                size, pattern = len(value.encode()), rule("pattern", "").replace("$", r"\Z")  # the format counts bytes
                found = re.search(pattern, re.sub("[\x1c-\x1f]", "\0", value), re.DOTALL)
                return rule("minLength", 0) <= size <= rule("maxLength", size) and found is not None
            case list():
                first, size = rule("prefixItems", []), len(value)
                good = rule("minItems", 0) <= size <= rule("maxItems", size) and all(map(self.fits, value, first))
                return good and all(self.fits(item, rule("items", True)) for item in value[len(first) :])
            case dict():
                parts, rest = rule("properties", {}), rule("additionalProperties", True)
                fixed = [key for key in parts if key in value] if rest is False else sorted(value)
                order = list(value) == fixed if self.ordered else rest or set(value) == set(fixed)
                good = value.keys() >= set(rule("required", ())) and (order or rest is True)
                return good and all(self.fits(value[key], parts.get(key, rest)) for key in value)
        return True
