"""What the functions `namespace`, `cycler`, `joiner` and `lipsum` of the NSL dialect make.

Templates see the fields of a `Fields` and the public attributes of the others. None of them prints what it holds.

Source: Jinja 3.1, list of global functions.
"""

from __future__ import annotations

from random import Random, SystemRandom
from typing import Any, Final

from skillrt.errors import LimitError, SecurityError, SkillError
from skillrt.values import describe, quoted

DICE: Final = SystemRandom()
MAX_WORDS: Final = 100_000
WORDS: Final = """
    a ac accumsan ad adipiscing aenean aliquam aliquet amet ante aptent arcu at auctor augue bibendum blandit
    class commodo condimentum congue consectetuer consequat conubia convallis cras cubilia cum curabitur curae
    cursus dapibus diam dictum dictumst dignissim dis dolor donec dui duis egestas eget eleifend elementum
    elit enim erat eros est et etiam eu euismod facilisi facilisis fames faucibus felis fermentum feugiat
    fringilla fusce gravida habitant habitasse hac hendrerit hymenaeos iaculis id imperdiet in inceptos
    integer interdum ipsum justo lacinia lacus laoreet lectus leo libero ligula litora lobortis lorem luctus
    maecenas magna magnis malesuada massa mattis mauris metus mi molestie mollis montes morbi mus nam nascetur
    natoque nec neque netus nibh nisi nisl non nonummy nostra nulla nullam nunc odio orci ornare parturient
    pede pellentesque penatibus per pharetra phasellus placerat platea porta porttitor posuere potenti
    praesent pretium primis proin pulvinar purus quam quis quisque rhoncus ridiculus risus rutrum sagittis
    sapien scelerisque sed sem semper senectus sit sociis sociosqu sodales sollicitudin suscipit suspendisse
    taciti tellus tempor tempus tincidunt torquent tortor tristique turpis ullamcorper ultrices ultricies urna
    ut varius vehicula vel velit venenatis vestibulum vitae vivamus viverra volutpat vulputate
"""
LOREM: Final = tuple(WORDS.split())


class Fields:
    """What `namespace(...)` makes: fields that templates may assign, from inside a loop too."""

    def __str__(self) -> str:
        """How it prints."""
        return "<namespace>"

    __repr__ = __str__


def new_namespace(pairs: Any = (), /, **named: Any) -> Fields:
    """Fields from a dict or pairs, and from named arguments.

    Raises:
        SkillError: a name is none that a field can have.
    """
    made = Fields()
    for name, value in dict(pairs, **named).items():
        set_field(made, name, value)
    return made


def set_field(owner: Any, name: Any, value: Any) -> None:
    """Assign a field of what `namespace(...)` made.

    Raises:
        SecurityError: the name starts with an underscore.
        SkillError: `owner` is something else.
    """
    if not isinstance(owner, Fields):
        raise SkillError(f"cannot assign a field of {describe(owner)}; only of a namespace")
    if not isinstance(name, str):
        raise SkillError(f"expected the name of a field, got {describe(name)}")
    if name.startswith("_"):
        raise SecurityError(f"access to {quoted(name)} is not allowed")
    setattr(owner, name, value)


class Cycler:
    """What `cycler(...)` makes: values that come one after the other, over and over."""

    __slots__ = ("_at", "_choices")

    def __init__(self, choices: tuple[Any, ...]) -> None:
        """Begin with the first."""
        self._choices = choices
        self._at = 0

    def __str__(self) -> str:
        """How it prints."""
        return "<cycler>"

    __repr__ = __str__

    @property
    def current(self) -> Any:
        """The value that comes next."""
        return self._choices[self._at]

    def next(self) -> Any:
        """The value whose turn it is."""
        value = self.current
        self._at = (self._at + 1) % len(self._choices)
        return value

    def reset(self) -> None:
        """Begin again."""
        self._at = 0


def new_cycler(*choices: Any) -> Cycler:
    """A cycler of the arguments.

    Raises:
        SkillError: there are none.
    """
    if not choices:
        raise SkillError("cycler expects at least one value")
    return Cycler(choices)


class Joiner:
    """What `joiner(...)` makes: prints nothing when called first, then its separator."""

    __slots__ = ("_separator", "_used")

    def __init__(self, separator: Any) -> None:
        """Not called yet."""
        self._separator = separator
        self._used = False

    def __str__(self) -> str:
        """How it prints."""
        return "<joiner>"

    __repr__ = __str__

    def __call__(self) -> Any:
        """Nothing, later the separator."""
        if self._used:
            return self._separator
        self._used = True
        return ""


def new_joiner(sep: Any = ", ") -> Joiner:
    """A joiner with a separator."""
    return Joiner(sep)


def lipsum(
    n: int = 5, html: bool = True, min: int = 20, max: int = 100, *, source: Random = DICE
) -> str:
    """Paragraphs of words without meaning, `min` to below `max` words each, as HTML or with blank lines between.

    Raises:
        LimitError: they would be too many.
    """
    if n * max > MAX_WORDS:
        raise LimitError(f"{n * max} words without meaning are over the limit of {MAX_WORDS}")
    texts = [_paragraph(source.randrange(min, max), source) for _ in range(n)]
    if html:
        return "\n".join(f"<p>{text}</p>" for text in texts)
    return "\n\n".join(texts)


def _paragraph(length: int, source: Random) -> str:
    """So many words, no two alike in a row, with a comma or full stop now and then."""
    words: list[str] = []
    before = ""
    comma = stop = 0
    begins = True
    for number in range(length):
        word = source.choice(LOREM)
        while word == before:
            word = source.choice(LOREM)
        before = word
        if begins:
            word = word.capitalize()
            begins = False
        if number - source.randrange(3, 8) > comma:
            comma = number
            stop += 2
            word += ","
        if number - source.randrange(10, 20) > stop:
            comma = stop = number
            word += "."
            begins = True
        words.append(word)
    paragraph = " ".join(words)
    return paragraph if paragraph.endswith(".") else paragraph.removesuffix(",") + "."
