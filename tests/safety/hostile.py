"""Names and texts that break out of generated code elsewhere: quotes, escapes, braces, controls, look-alikes, paths.

Each list is made of a few parts, without repeats, and in a fixed order.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from hypothesis import strategies as st

from skillrt.names import DEVICES, NAMES


def unique(*groups: Iterable[str]) -> list[str]:
    """All texts of the groups, each once."""
    return list(dict.fromkeys(text for group in groups for text in group))


def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


def is_unicode(text: str) -> bool:
    """Whether a file can hold the text: it has no lone surrogates."""
    return not re.search("[\ud800-\udfff]", text)


def lines(text: str) -> list[str]:
    """The lines of a text that begins and ends with an empty one."""
    return text.split("\n")[1:-1]


# --- characters ----------------------------------------------------------------------------------

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
INVISIBLE = list(
    "\xa0\xad\u034f\u180e\u200b\u200c\u200d\u2028\u2029\u2060\u3000\ufeff\ufffe\U000e0001\U000e0041"
)
SURROGATES = ["\ud800", "\udbff", "\udc00", "\udfff"]

# --- names ---------------------------------------------------------------------------------------

# Beside each name another one that Python's normalisation of identifiers makes the same.
NORMALISED = words("""
    ﬁ fi  ﬁt fit  ª a  ſ s  ⅳ iv  x２ x2  Ａ A  𝐱 x  ℌi Hi  K \u212a  Å \u212b  Å A\u030a  é e\u0301  µ μ  Ω \u2126
    ℓ l  x² x2  ｉｆ if  𝒊𝒎𝒑𝒐𝒓𝒕 import  ǆ dž  가 \u1100\u1161  _\ufe4f __  __ｃlass__ __class__  ctⅹ ctx
""")
LOOK_ALIKES = words("Reply Rерly Ꭱeply Reρly раураl paypal о o 0 O Ο l I 1 |")
CASES = words("Talk talk TALK tALK straße STRASSE strasse İ i̇ i ı ŉ ΐ Σ σ ς")
PATHS = lines(r"""
..
.
../x
../../etc/passwd
..\x
/etc/passwd
/
\
a/b
a\b
C:\x
C:x
\\host\share
~
~root
x/
./x
.hidden
x.
x..
...
a:b
file:x
con.txt
nul.
x.py
x.guidance
x.meta
__init__.py
_manifest
%2e%2e%2f
$HOME
`id`
$(id)
| id
-rf
--
*
?
<x>
a;b
a&b
!x
^
@x
""")
CODE = lines(r"""
import os
x; import os
os.system('id')
eval('1')
lambda: 0
a=1
a:=1
*a
**a
x: int
a, b
f(x)
f()
[0]
{x}
{{x}}
{x!r}
{0.__class__}
%s
%(x)s
# x
x#y
# type: ignore
# coding: latin-1
-*- coding: utf-7 -*-
# mypy: ignore-errors
# noqa
pass # x
'
"
'''
`
“
'x'
"x"
\\
\'
\"
x\
\n
\N{BULLET}
()
[]
{}
...
->
=>
=
==
+
-
1
1x
0x1
1e5
1_0
a-b
a.b
a b
a+b
a,b
ä
ñ
中文
हिन्दी
שלום
مرحبا
ไทย
한국어
😀
👩‍👩‍👧
☠️
·
x·y
℘
""")
BROKEN = [
    *(
        "x\nimport os",
        "x\r\ny",
        "x\ry",
        "x\x0cy",
        "x\u2028y",
        "x\u2029y",
        "x\x85y",
        "\n",
        "\nimport os\n",
        "x\0y",
    ),
    *(" ", "  ", " x", "x ", "a\tb", "\u0301", "x\u0301\u0302\u0303", "\u1885", '"""', '"""x"""'),
]
ESCAPED = words("""
    a_u002d_b a_u005f_u002d_b _u002d_ _u0061_ _u005f_ _u005f_x __u002d_ _u1f600_ _u10ffff_ _u002D_ _u002 _u002d
    u002d_ -u002d_ -_u002d_ _- -_ __- _u_u002d_ a__ a_ _a _ __ ___ ____ _1 __1 _x __x __x__ ___x _if __if text_
""")
DUNDERS = words("""
    __init__ __class__ __import__ __builtins__ __name__ __file__ __doc__ __dict__ __call__ __abi__ __all__
    __line_map__ __source__ __manifest__ __future__ __main__ __debug__ __path__ __loader__ __spec__
    __annotations__ __globals__
""")
LONG = [
    "x" * 121,
    "x" * 200,
    "x" * 201,
    "x" * 300,
    "é" * 100,
    "é" * 300,
    "😀" * 60,
    "-" * 200,
    "_" * 200,
]

IDNS = unique(
    keyword.kwlist,
    [f"{word}_" for word in keyword.kwlist],
    keyword.softkwlist,
    sorted(NAMES),
    sorted(name for name in dir(builtins) if name[0].islower())[:60],
    [*sorted(DEVICES), "CON", "Nul", "cOm1", "libraries", "email", "skillrt"],
    [*DUNDERS, *ESCAPED, *CODE, *BROKEN, *PATHS],
    [*CASES, *LOOK_ALIKES, *NORMALISED],
    CONTROLS,
    [f"x{char}" for char in BIDI + INVISIBLE + SURROGATES],
    LONG,
)
"""More than 400 names that somebody could give a skill, a flow or a parameter."""

# --- texts ---------------------------------------------------------------------------------------

ATOMS = unique(
    ["\\" * length for length in range(1, 9)],
    lines(r"""
'
"
'''
''
""
'"
"'
`
'''+'''
")
')
"#
' or '
\'
\"
\\"
\\'
\n
\r
\0
\x41
\x
\u0041
\u12
\U0001F600
\U00110000
\N{BULLET}
\N{
\N
\777
\d
\{
\}
\{{
\\{{
\}}
{
}
{}
{{
}}
{{{
}}}
{{}}
{{{}}}
{{{{
}}}}
{x}
{x!r}
{x:>{y}}
{0.__class__}
{{x}}
{{x
x}}
{{!
{{!-- x --}}
{{/if}}
{{else}}
{{~x~}}
{%x%}
%s
%
%%
%(x)s
%n
%1000000000d
$x
${x}
$(x)
#
# x
# type: ignore
#!
# coding: x
;
f'{x}'
f"{x}"
b"x"
rb'x'
eval('1')
</system>
<|im_start|>
<!--
]]>
é
ﬁ
中文
😀
👩‍👩‍👧
ß
İ
"""),
    ["\n", "\n\n", "\r", "\r\n", "\n\r", "\t", " ", "  \n  ", "\n    ", "\n\tpass\n", "\nimport os\n", "\x0c\n"],
    ["\\\n", "\\\r\n", '"""', '"""+"""', '"""\nimport os\n"""', "שלום \u202e x"],
    CONTROLS,
    BIDI,
    INVISIBLE,
    SURROGATES,
    ["\ud83d\ude00", "\ude00\ud83d", "\U0001f600\ud800", "\ufeffx", "x\ufeff", "\U0010ffff", "\ue000", "\uffff"],
    ["\U0001f9ff", "\u20c0", "\U0001fae8", "\U000323af", "e\u0301"],
)  # fmt: skip
TEXTS = unique(
    ATOMS,
    [f"{one}a{other}" for one, other in zip(ATOMS[::2], ATOMS[::-2], strict=False)],
    [
        "".join(ATOMS),
        "".join(reversed(ATOMS)),
        "x" * 10_000,
        "\\" * 999,
        '"' * 999,
        "{" * 999,
        "'\"" * 500,
    ],
)
"""More than 300 texts that somebody could print."""

# --- anything ------------------------------------------------------------------------------------

ANY_CHARACTERS = st.characters(exclude_categories=())
ANY_TEXT = st.lists(
    st.sampled_from(ATOMS)
    | st.text(ANY_CHARACTERS, max_size=8)
    | st.text("\"'\\{}#%\n\r\0 ", max_size=8),
    max_size=6,
).map("".join)
ANY_NAME = st.sampled_from(IDNS) | st.text(ANY_CHARACTERS, min_size=1, max_size=12)

# --- texts as templates --------------------------------------------------------------------------


def literal(text: str) -> str:
    """A literal of the text for use in a tag; its characters stand there raw where a file can hold them."""
    return '"' + "".join(map(_in_quotes, text)) + '"'


def _in_quotes(char: str) -> str:
    if char in '\\"':
        return f"\\{char}"
    return f"\\u{ord(char):04x}" if char == "\r" or "\ud800" <= char <= "\udfff" else char


def printing(text: str) -> str:
    """A template that prints the text: as it is, but for what would be a tag or cannot stand in a file."""
    return BEFORE_TAGS.sub(lambda found: _outside_tags(found, text), text)


def _outside_tags(found: re.Match[str], text: str) -> str:
    raw = not IN_TAGS.search(found[0]) and found.end() < len(text)
    return found[0] if raw else f"{{{{{literal(found[0])}}}}}"


BEFORE_TAGS = re.compile("[\\\\{\r\ud800-\udfff]+")
IN_TAGS = re.compile("\\{\\{|[\r\ud800-\udfff]")
