"""The pattern that the schema shows for a text takes what the field takes."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

from rest_framework.exceptions import ValidationError

from shared.formats.fields import VISIBLE_TEXT, TextField
from tests.support.waiting import PATIENCE_SECONDS

NODE = Path(sys.prefix) / "bin" / "node"
# Patterns of JSON Schema are JavaScript's, with the flag for Unicode.
SCRIPT = """
const [pattern, texts] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const regex = new RegExp(pattern, "u");
console.log(JSON.stringify(texts.map((text) => regex.test(text))));
"""


FIELD = TextField(trim_whitespace=False)


def takes(text: str) -> bool:
    try:
        FIELD.run_validation(text)
    except ValidationError:
        return False
    return True


def test_it_agrees_about_every_character_alone_and_beside_a_visible_one() -> None:
    # Node's Unicode is newer than Python's: what Python doesn't know, it can't be asked about.
    characters = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) not in ("Cs", "Cn")
    ]
    texts = ["", *characters, *(f"a{character}" for character in characters)]

    answer = subprocess.run(
        [NODE, "-e", SCRIPT],
        input=json.dumps([VISIBLE_TEXT, texts]),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )

    wrong = [
        text
        for text, matches in zip(texts, json.loads(answer.stdout), strict=True)
        if matches != takes(text)
    ]
    assert wrong == []
