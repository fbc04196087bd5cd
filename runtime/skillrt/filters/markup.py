"""Filters for HTML, URLs and JSON.

Source: Jinja 3.1, built-in filters, with automatic escaping off; language reference for `dumps` and `loads`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote_from_bytes

from skillrt import guards, modules
from skillrt.errors import SkillError
from skillrt.filters.registry import jinja_filter
from skillrt.values import UNDEFINED, Escaped, describe, nsl_text, quoted

ENTITIES: Final = {"&": "&amp;", ">": "&gt;", "<": "&lt;", "'": "&#39;", '"': "&#34;"}
UNSAFE_IN_SCRIPTS: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"}
NO_ATTRIBUTE: Final = re.compile(r"[\s/>=]", re.ASCII)


# --- HTML ------------------------------------------------------------------------------------------


@jinja_filter("escape", "e")
def escape(value: Any, /) -> str:
    """The text with entities for what HTML reads as its own; what is escaped already stays as it is."""
    return value if isinstance(value, Escaped) else Escaped(_substituted(nsl_text(value), ENTITIES))


@jinja_filter("forceescape")
def forceescape(value: Any, /) -> str:
    """The text with entities for what HTML reads as its own, escaped already or not."""
    return Escaped(_substituted(nsl_text(value), ENTITIES))


@jinja_filter("safe")
def safe(value: Any, /) -> str:
    """The text, taken for escaped."""
    return Escaped(nsl_text(value))


@jinja_filter("striptags")
def striptags(value: Any, /) -> str:
    """The text without tags and comments, entities resolved, blanks as single spaces."""
    source = nsl_text(value)
    parts: list[str] = []
    end = 0
    while (start := source.find("<", end)) != -1:
        closing = "-->" if source.startswith("<!--", start) else ">"
        found = source.find(closing, start + 4 if closing == "-->" else start)
        if found == -1:
            break
        parts.append(source[end:start])
        end = found + len(closing)
    parts.append(source[end:])
    return html.unescape(" ".join("".join(parts).split()))


@jinja_filter("xmlattr")
def xmlattr(value: Any, /, autospace: Any = True) -> str:
    """The pairs of a dict as attributes of a tag, with a space before them; none and undefined are left out."""
    if not guards.is_dict(value):
        raise SkillError(f"expected a dict, got {describe(value)}")
    attributes: list[str] = []
    size = 0
    for name, content in value.items():
        if content is None or content is UNDEFINED:
            continue
        if NO_ATTRIBUTE.search(guards.searched(name)):
            raise SkillError(f"{quoted(name)} is no name of an attribute")
        attributes.append(f'{escape(name)}="{escape(content)}"')
        size += len(attributes[-1]) + 1
        guards.check_chars(size)
    return (" " if autospace and attributes else "") + " ".join(attributes)


# --- URLs ------------------------------------------------------------------------------------------


@jinja_filter("urlencode")
def urlencode(value: Any, /) -> str:
    """The text as part of a URL; a dict or pairs as its query."""
    pairs: Any = value.items() if guards.is_dict(value) else value
    if isinstance(value, str) or not isinstance(value, Iterable):
        return _url_quoted(value, b"/")
    parts: list[str] = []
    size = 0
    for name, content in pairs:
        parts.append(f"{_in_query(name)}={_in_query(content)}")
        size += len(parts[-1]) + 1
        guards.check_chars(size)
    return "&".join(parts)


def _in_query(value: Any) -> str:
    return _url_quoted(value, b"").replace("%20", "+")


def _url_quoted(value: Any, safe: bytes) -> str:
    raw = value if isinstance(value, bytes) else nsl_text(value).encode()
    guards.check_chars(3 * len(raw))
    return quote_from_bytes(raw, safe)


WEB: Final = re.compile(
    r"""
    (?:
        (?:https?://|www\.) (?:[\w%-]+\.)* (?:[a-z]{2,63}|xn--[\w%]{2,59})
    |
        (?:[\w%-]{2,63}\.)+ (?:com|net|int|edu|gov|org|info|mil)
    |
        https?:// (?:\d{1,3}(?:\.\d{1,3}){3} | \[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}])
    )
    (?::\d{1,5})?
    (?:[/?\#]\S*)?
    $
    """,
    re.IGNORECASE | re.VERBOSE,
)
MAIL: Final = re.compile(r"\S+@\w[\w.-]*\.\w+$")
SCHEME: Final = re.compile(r"[\w.+-]{2,}:/{0,2}")
OPENING: Final = re.compile(r"(?:[(<]|&lt;)+")
CLOSING: Final = (")", ">", ".", ",", "\n", "&gt;")
BRACKETS: Final = (("(", ")"), ("<", ">"), ("&lt;", "&gt;"))


@jinja_filter("urlize")
def urlize(
    value: Any,
    /,
    trim_url_limit: Any = None,
    nofollow: Any = False,
    target: Any = None,
    rel: Any = None,
    extra_schemes: Any = None,
) -> str:
    """The text escaped, with links in place of the URLs and mail addresses in it.

    What a link shows is cut after `trim_url_limit` characters. `rel`, with `noopener` and what `nofollow` adds, and
    `target` become attributes of the links; `extra_schemes` start URLs, too.
    """
    relations = {"noopener", *(rel or "").split(), *(["nofollow"] if nofollow else [])}
    attributes = f' rel="{escape(" ".join(sorted(relations)))}"'
    if target:
        attributes += f' target="{escape(target)}"'
    schemes = [] if extra_schemes is None else guards.bounded(extra_schemes)
    for scheme in schemes:
        if SCHEME.fullmatch(guards.searched(scheme)) is None:
            raise SkillError(f"{quoted(scheme)} is no scheme of URLs")
    words = re.split(r"(\s+)", guards.searched(str(escape(value))))
    guards.check_items(len(words) * len(schemes))
    size = 0
    for number, word in enumerate(words):
        head, middle, tail = _bare(word)
        words[number] = head + _linked(middle, attributes, trim_url_limit, schemes) + tail
        size += len(words[number])
        guards.check_chars(size)
    return "".join(words)


def _bare(word: str) -> tuple[str, str, str]:
    """What could be a URL, with the brackets before it and the brackets and punctuation after it."""
    opened = OPENING.match(word)
    start = opened.end() if opened else 0
    end = len(word)
    while word.endswith(CLOSING, start, end):
        end -= 4 if word.endswith("&gt;", start, end) else 1
    for opening, closing in BRACKETS:
        # Closing brackets that the URL itself has opened belong to it, with what stands before them.
        missing = word.count(opening, start, end) - word.count(closing, start, end)
        if missing > 0 and closing in word[end:]:
            rest = word[end:].split(closing, word.count(opening, start, end))
            end = len(word) - len(rest[-1])
    return word[:start], word[start:end], word[end:]


def _linked(word: str, attributes: str, limit: int | None, schemes: list[str]) -> str:
    """The word as a link, if it is a URL or mail address."""
    if WEB.match(word):
        shown = word if limit is None or len(word) <= limit else f"{word[:limit]}..."
        scheme = "" if word.startswith(("https://", "http://")) else "https://"
        return f'<a href="{scheme}{word}"{attributes}>{shown}</a>'
    if word.startswith("mailto:") and MAIL.match(word[7:]):
        return f'<a href="{word}">{word[7:]}</a>'
    if "@" in word and not word.startswith(("www.", "@")) and ":" not in word and MAIL.match(word):
        return f'<a href="mailto:{word}">{word}</a>'
    if any(word != scheme and word.startswith(scheme) for scheme in schemes):
        return f'<a href="{word}"{attributes}>{word}</a>'
    return word


# --- JSON ------------------------------------------------------------------------------------------


@jinja_filter("tojson")
def tojson(value: Any, /, indent: Any = None) -> str:
    """The value as JSON, keys sorted, with escapes in strings for what HTML reads as its own."""
    source = modules.dumps(value, indent=indent, sort_keys=True)
    return Escaped(_substituted(source, UNSAFE_IN_SCRIPTS))


@jinja_filter("dumps")
def dumps(
    value: Any, /, indent: Any = None, sort_keys: Any = False, ensure_ascii: Any = True
) -> str:
    """The value as JSON, as `json.dumps` writes it."""
    return modules.dumps(value, indent=indent, sort_keys=sort_keys, ensure_ascii=ensure_ascii)


@jinja_filter("loads", "fromjson")
def loads(value: Any, /) -> Any:
    """The value of a JSON text.

    Raises:
        SkillError: it is none.
    """
    return modules.loads(value)


def _substituted(source: str, table: dict[str, str]) -> str:
    for char, instead in table.items():
        source = guards.replace(source, char, instead)
    return source
