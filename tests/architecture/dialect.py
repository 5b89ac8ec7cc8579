"""Count the markers of the private dialect that this repository was once written in.

`python -m tests.architecture.dialect` prints the density of each file group; `--hits` lists every marker with file and
line, `--root FOLDER` measures another checkout, and further arguments restrict the count to paths that start with them.

A marker is a regular expression that good technical English rarely matches. Where a hit is good English in its
place, prefer another wording: a marker that needs exceptions is not worth having.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.committed import ROOT, committed
from tests.architecture.prose import Passage, passages

# Marker: what to write instead. A space matches any white space, so a marker is also found across a line break.
MARKERS: dict[str, dict[str, str]] = {
    "people in place of components": {
        r"who(?:m|so)?ever": "the component: the scraper, the caller",
        r"somebody(?!'s else)|nobody|anybody|everybody": "the role or component, or the passive voice",
        r"(?:those|people|anyone|someone|everyone) who": "the role: customers, operators, callers",
        r"(?:process|thread|worker|server|service|module|reader|writer|consumer|client|relay|adapter)s? who": "that",
        r"(?:is|are|was|were|be|been) told": "is notified, is reported, receives",
        r"(?:is|are|was|were|be|been) asked(?! for)|asked of|asks? (?:of|whether|what|which)": "is queried; check",
        r"tells (?:what|which|whether|how|where|when|who|why|of|apart)": "shows, indicates, distinguishes",
        r"hears?(?: of)?|heard of": "is notified of, receives",
        r"says (?:so|nothing|no)": "states, reports, or name what is logged",
        r"wish(?:es|ed)?": "request, requirement",
        r"believes?|believed": "trusts, accepts",
        r"(?:notice|ask|answer|mean|want|need|say|know)s? nothing": "does not notice, has no effect",
        r"knows? (?:no|none|only|of)": "does not depend on, has no",
        r"remember(?:s|ed)|forgets|forgot": "caches, stores; drops",
    },
    "homemade words": {
        r"anew|afresh": "again",
        r"lest": "so that ... not",
        r"lately": "recent, recently",
        r"meanwhile|in the meantime": "at the same time, until then; often superfluous",
        r"besides": "also, other than",
        r"beside": "next to, in parallel with",
        r"(?:stands?|stood)(?!-| (?:for|in for|out|alone|up|still)\b)": "is, holds, is stored",
        r"(?:in|by) (?:words|passing)|(?:its|their|those|these|own) words": "as text; opportunistically; label",
        r"(?:give|gives|given|gave|giving) (?:it |them |one )?back": "release, return",
        r"(?:is|are|was|were|be|been) away": "is unreachable",
        r"(?:comes?|came|coming) (?:free|true)": "becomes available, happens",
        r"bears?|borne": "carries, tolerates",
        r"mend(?:s|ed|ing)?": "fix, repair",
        r"(?:a|one|each|every|next|last|first|second|another|per|the|its) (?:try|tries)": "attempt",
        r"(?:two|three|ten|all|of|further) tries": "attempts",
        r"for (?:want|lack) of": "without",
        r"for ever|for good": "permanently, indefinitely",
        r"in (?:vain|silence)": "without effect; silently",
        r"(?:held|holds?|holding) (?:\w+ )?against": "compared with",
        r"papered over|under (?:the|its|their) feet": "name the failure",
        r"tid(?:y|ies|ied|ying) up": "clean up",
        r"till|amidst|whilst|whence|thence|aught|naught|nought": "until, while, from which",
        r"nothing of|something of|nothing but": "no part of; only",
        r"(?:so|too) (?:short|long) (?:before|after|a time)": "give the limit",
        r"may take so long|for what it is|there and back": "name the limit or the object",
        r"whatever|whichever": "regardless of, any",
        r"one's": "its, your",
        r"beforehand|thereby|therein|thereof|wherein|whereof|whereby": "before, in it, of it",
        r"ought": "should",
        r"at rest|in one piece|at (?:that|this) moment": "idle; whole; currently",
        r"lets? (?:go|loose)|letting go": "release",
        r"puts? to (?:the test|it)|put right": "test, correct",
        r"better part of|as good as|all but": "most of, almost",
        r"after all(?! )|at last|at length": "finally, or nothing",
    },
    "word order and riddles": {
        r"what (?:is|was|are|were) (?:due|taken|meant|asked|left|kept|said|there|known|wanted|needed|missing|new|old"
        r"|written|promised|open|given|done|not)": "name the thing",
        r"what (?:it|they) (?:is|are|was|were|has|have|had|holds?|says?|makes?)": "name the thing",
        r"says (?:what|which|whether|how|when|where)": "describe, report, define",
        r"(?:a|an|one|two|three) (?!or |bit |little |lot |few )\w+ more(?! than| \w+ly)": "another, one more",
        r"(?:does|makes|takes|kills|changes|needs|knows|finds|gets) (?:it|them) not": "does not ...",
        r"whose,": "name the owner",
        r"save (?:for|that|where)|but for|other than that": "except",
        r"as (?:it|they|one) (?:comes?|goes|pleases?|likes?)": "name the condition",
    },
}

# A docstring opens with an imperative or a noun phrase that makes sense alone.
OPENING = re.compile(
    r"\s*(?:Of|By|As|And|But|Or|So|Nor|Who|Whose|Whom|What|Where|Why|Than|Too|Else|Also|Because|That|Which|Not"
    r"|Nothing|In words|For what|Otherwise)\b(?!-)"
)


@dataclass(frozen=True)
class Hit:
    file: str
    line: int
    text: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text!r} ({self.instead})"


@dataclass
class Density:
    """Words and markers of one file group."""

    words: int
    hits: list[Hit]

    @property
    def per_thousand(self) -> float:
        return 1000 * len(self.hits) / self.words if self.words else 0.0


def measure(root: Path = ROOT, starts: tuple[str, ...] = ("",)) -> dict[str, Density]:
    """Return the density of each file group that has prose, sorted by name."""
    groups: dict[str, Density] = defaultdict(lambda: Density(0, []))
    for path in committed(root):
        name = path.relative_to(root).as_posix()
        if name.startswith(starts):
            for passage in passages(path):
                group = groups[group_of(name)]
                group.words += passage.words
                group.hits.extend(hits(name, passage))
    return {name: groups[name] for name in sorted(groups) if groups[name].words}


def group_of(name: str) -> str:
    """Return the top folder and the one below it; the top folder alone for files directly in it."""
    parts = name.split("/")[:-1]
    return "/".join(parts[:2]) or "(top level)"


def hits(file: str, passage: Passage) -> Iterator[Hit]:
    if passage.is_docstring and (opening := OPENING.match(passage.text)):
        yield Hit(file, passage.line, opening[0].strip() + " ...", "open with an imperative or a noun phrase")
    for pattern, instead in _COMPILED:
        for match in pattern.finditer(passage.text):
            line = passage.line + passage.text.count("\n", 0, match.start())
            yield Hit(file, line, " ".join(match[0].split()), instead)


def _compile(marker: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{marker})\b".replace(" ", r"\s+"), re.IGNORECASE)


_COMPILED = [(_compile(marker), instead) for family in MARKERS.values() for marker, instead in family.items()]


def report(groups: dict[str, Density]) -> Iterator[str]:
    """Yield a line for each group and one for all of them together."""
    every_hit = [hit for each in groups.values() for hit in each.hits]
    total = Density(sum(each.words for each in groups.values()), every_hit)
    for name, each in [*groups.items(), ("total", total)]:
        yield f"{name:32} {each.words:6} words {len(each.hits):5} markers {each.per_thousand:6.1f} per 1,000"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.architecture.dialect")
    parser.add_argument("starts", nargs="*", help="paths relative to the root; default: the whole repository")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to measure")
    parser.add_argument("--hits", action="store_true", help="list every marker with its file and line")
    options = parser.parse_args()
    groups = measure(options.root.resolve(), tuple(options.starts) or ("",))
    sys.stdout.writelines(f"{line}\n" for line in report(groups))
    if options.hits:
        sys.stdout.writelines(f"{hit}\n" for each in groups.values() for hit in each.hits)


if __name__ == "__main__":
    main()
