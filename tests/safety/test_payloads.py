"""What breaks out of other template languages breaks out of nothing here, whichever way it comes in.

Static ways are compile errors; the others end the skill, or print nothing that leads anywhere. While a payload runs,
Python's audit events tell of no file, socket, process, import or new code.
"""

from __future__ import annotations

import importlib
import json
import re
import resource
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from traceback import walk_tb
from typing import Any

import anyio
import pytest

from harness import Script, compiled
from safety.watch import WATCH
from skillc.ir import Runner
from skillrt import Runtime, values
from skillrt.errors import SecurityError, SkillError
from skillrt.functions import FUNCTIONS
from skillrt.model import Persona
from skillrt.modules import MODULES
from skillrt.stores.memory import MemoryStore
from skillrt.testing.clock import VirtualClock
from skillrt.testing.provider import ScriptedProvider

PARAMETERS = {"x": "", "k": "", "j": "", "names": ""}
ECHO = Script("Echo", "{{Return(val=said)}}", {"said": ""})


@dataclass(frozen=True)
class Payload:
    """A template and what it is given; `given` makes the arguments anew, `data` is what reaches it by itself."""

    template: str
    given: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    runner: Runner = "guidance"


def flow(payloads: Sequence[Payload]) -> dict[str, Any]:
    """The payloads compiled, by idns P0, P1, ..."""
    done = compiled(
        ECHO, *(Script(f"P{n}", p.template, PARAMETERS, p.runner) for n, p in enumerate(payloads))
    )
    errors = [f"{f.source.text}: {f.message}" for f in done.findings if f.severity == "error"]
    assert errors == []
    return done.functions()


def outcomes(payloads: Sequence[Payload]) -> list[str]:
    """What each payload came to: the name of the error, or what was printed; nothing forbidden was heard."""
    return anyio.run(_outcomes, payloads, flow(payloads))


async def _outcomes(payloads: Sequence[Payload], functions: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for number, payload in enumerate(payloads):
        outcome, heard = await run(functions[f"P{number}"], payload)
        assert not heard, f"{payload}: {heard}"
        found.append(outcome)
    return found


async def run(function: Any, payload: Payload) -> tuple[str, list[str]]:
    """What one payload came to, and what was heard meanwhile."""
    store = MemoryStore()
    await store.put_state("flow/user-1", "k", payload.data)
    provider = ScriptedProvider([payload.data or "hello"])
    runtime = Runtime(provider=provider, store=store, clock=VirtualClock())
    user = Persona(id="user-1", name=payload.data)
    arguments = {name: make() if callable(make) else make for name, make in payload.given.items()}
    said = payload.data or "hello"
    try:
        with WATCH.over() as heard:
            done = await runtime.run(function, message=said, persona=user, arguments=arguments)
    except SkillError as error:
        return type(error).__name__, heard
    else:
        return done.out, heard
    finally:
        for value in arguments.values():
            if hasattr(value, "close"):
                value.close()


# --- names that lead inside ----------------------------------------------------------------------

INSIDES = """
    __class__ __mro__ __bases__ __base__ __subclasses__ __globals__ __builtins__ __init__ __dict__ __import__
    __code__ __closure__ __func__ __self__ __getattribute__ __reduce_ex__ __doc__ __module__ __call__ __format__
    __subclasshook__ __init_subclass__ __loader__ __getitem__
""".split()  # noqa: SIM905
REFUSED = [*INSIDES, "_x", "_", "__", "mro", "format", "format_map"]
BASES = [
    *('"a"', "[1]", '({"a": 1})', "1", "1.5", "true", "none", "(1 == 2)", '"a".upper', "[1].append", '"a".encode()'),
    *("json", "json.loads", "re", "re.sub", "datetime", "datetime.datetime", "datetime.datetime.now", "math.ceil"),
    *("str", "len", "sorted", "uuid4", "ZoneInfo", "ZoneInfo('UTC')", "uuid4()", "uuid4().is_safe", "range(3)"),
    *('re.compile("a")', 're.search("a", "a")', 're.search("a", "a").re', "datetime.datetime.min", "datetime.UTC"),
    *('({"a": 1}).items()', 'zip("a", "b")', 'json.loads("[]")', "GetUser()", "GetAgent()", "CreateArray(1)"),
    *("Gen()", "Concat(x, 1)", "GetState(name='k')", "GetActors()", "GetMemory()", "IsEmpty(x)", "Len(x)"),
    *("x", "Echo(said=x)"),
]  # fmt: skip


def test_names_that_lead_inside_are_compile_errors() -> None:
    expressions = [f"{base}.{name}" for base in BASES for name in REFUSED if not base[-1].isdigit()]
    done = compiled(
        ECHO, *(Script(f"P{n}", f"{{{{{e}}}}}", PARAMETERS) for n, e in enumerate(expressions))
    )
    refused = {f.source.text for f in done.findings if f.code == "SK313"}
    assert [e for e in expressions if f"{{{{{e}}}}}" not in refused] == []
    assert done.emitted is None
    assert len(expressions) > 1_000


PLACES = (
    "{{Set(name='y', value=x.__class__)}}",
    "{{#if x.__class__}}y{{/if}}",
    "{{#each x.__class__}}y{{/each}}",
    "{{#each x}}{{this.__class__}}{{/each}}",
    "{{#unless x.__class__}}y{{/unless}}",
    "{{Return(val=x.__class__)}}",
    "{{Concat(x.__class__, 1)}}",
    "{{Echo(said=x.__class__)}}",
    "{{Do(actionName=x.__class__)}}",
    "{{Gen(stop=x.__class__)}}",
    "{{str(x.__class__)}}",
    "{{x.upper(x.__class__)}}",
    "{{x[x.__class__]}}",
    "{{[x.__class__]}}",
    "{{({'a': x.__class__})}}",
    "{{x and x.__class__}}",
    "{{not x.__class__}}",
    "{{x == x.__class__}}",
    "{{-x.__class__}}",
    "{{x.__class__ + 1}}",
    "{{x.a.b.__class__.c.d}}",
    "{{x.a().__class__}}",
    "{{x.__class__()}}",
    "{{x['a'].__class__['b']}}",
    "{{#role x.__class__}}y{{/role}}",
    "{{#block 'b'}}{{x.__class__}}{{/block}}",
    "{{#system}}{{x.__class__}}{{/system}}",
    "{{select 'y' options=x.__class__}}",
    "{{gen 'y' temperature=x.__class__}}",
    "{{set 'y' x.__class__}}",
    "{{x.y.format(1)}}",
    "{{'{0.__class__}'.format(x)}}",
    "{{'{x}'.format_map(x)}}",
    "{{sorted(names, key=x.format)}}",
    "{{str.mro()}}",
    "{{json.loads.__globals__}}",
    "{{json.codecs.builtins.open('/etc/passwd').read()}}",
    "{{json.JSONDecoder}}",
    "{{re.sre_parse}}",
    "{{re.DEBUG}}",
    "{{datetime.sys}}",
    "{{math.factorial}}",
    "{{zoneinfo.TZPATH}}",
    "{{zoneinfo.reset_tzpath()}}",
    "{{uuid.os}}",
    "{{uuid.getnode()}}",
)


@pytest.mark.parametrize("template", PLACES)
def test_they_are_compile_errors_wherever_they_stand(template: str) -> None:
    done = compiled(ECHO, Script("Main", template, PARAMETERS))
    assert done.emitted is None
    assert "SK313" in {finding.code for finding in done.findings}


def arrivals(base: str, name: str) -> Iterator[Payload]:
    """The ways in which the name of an attribute can arrive at run time."""
    half = len(name) // 2
    yield Payload(f'{{{{{base}["{name}"]}}}}')
    yield Payload(f'{{{{{base}["{name[:half]}" + "{name[half:]}"]}}}}')
    yield Payload(f'{{{{{base}[Concat("{name[:half]}", "{name[half:]}")]}}}}')
    yield Payload(f"{{{{{base}[k]}}}}", {"k": name})
    yield Payload(f"{{{{{base}[k.strip().lower()]}}}}", {"k": f" {name.upper()} "})
    yield Payload(
        f'{{{{{base}["%s%s" % (zip([k], [j])[0])]}}}}', {"k": name[:half], "j": name[half:]}
    )
    yield Payload(f"{{{{{base}[json.loads(j)[0]]}}}}", {"j": json.dumps([name])})
    yield Payload(f"{{{{{base}[json.loads(j).key]}}}}", {"j": json.dumps({"key": name})})
    yield Payload(f"{{{{#each names}}}}{{{{{base}[this]}}}}{{{{/each}}}}", {"names": [name]})
    yield Payload(
        f"{{{{#each names}}}}{{{{{base}[this]}}}}{{{{/each}}}}", {"names": json.dumps([name])}
    )
    yield Payload(f"{{{{#each names}}}}{{{{{base}[@key]}}}}{{{{/each}}}}", {"names": {name: 1}})
    yield Payload(f'{{{{{base}[GetState(name="k")]}}}}', data=name)
    yield Payload(f"{{{{{base}[GetTriggeredAct().text]}}}}", data=name)
    yield Payload(f"{{{{{base}[GetUser().name]}}}}", data=name)
    yield Payload(f'{{{{{base}[Gen(stop="x")]}}}}', data=name)
    yield Payload(f"{{{{gen 'y'}}}}{{{{{base}[y]}}}}", data=name)
    yield Payload(f"{{{{{base}[Echo(said=k)]}}}}", {"k": name})
    yield Payload(
        f"{{{{#block 'b' hidden=True}}}}{{{{k}}}}{{{{/block}}}}{{{{{base}[b]}}}}", {"k": name}
    )


PAIRS = [('"a"', name) for name in INSIDES] + [(base, "__class__") for base in BASES]


@pytest.mark.parametrize("route", range(len(list(arrivals("x", "y")))))
def test_names_that_arrive_at_run_time_are_refused(route: int) -> None:
    """By every way, of every value: what a text names is never looked up inside Python."""
    payloads = [list(arrivals(base, name))[route] for base, name in PAIRS[route % 3 :: 3]]
    for payload, outcome in zip(payloads, outcomes(payloads), strict=True):
        printed = payload.data if "gen 'y'" in payload.template else ""
        assert outcome in {"SecurityError", "SkillError", printed}, payload
    assert "SecurityError" in outcomes(payloads[:1])


def test_holes_in_texts_are_never_filled() -> None:
    holes = (
        "{0.__class__.__init__.__globals__}",
        "{}",
        "{x}",
        "{0[__class__]}",
        "{:>1000000000}",
        "%(x)s",
    )
    names = ("format", "format_map")
    payloads = [
        Payload("{{x[k](names)}}", {"x": hole, "k": name, "names": ["a"]})
        for hole in holes
        for name in names
    ]
    payloads += [
        Payload("{{#each names}}{{x[this](1)}}{{/each}}", {"x": hole, "names": list(names)})
        for hole in holes
    ]
    payloads += [Payload('{{[x["format"]][0](1)}}', {"x": hole}) for hole in holes]
    payloads += [
        Payload("{{sorted(names, key=x[k])}}", {"x": h, "k": "format", "names": ["a"]})
        for h in holes
    ]
    payloads += [Payload('{{re.sub("a", x[k], "a")}}', {"x": h, "k": "format"}) for h in holes]
    payloads += [
        Payload("{{GetUser()[k](1)}}", {"k": name}, data=hole) for hole in holes for name in names
    ]
    assert outcomes(payloads) == ["SecurityError"] * len(payloads)


# --- what is not there ---------------------------------------------------------------------------

UNKNOWN = """
    open eval exec compile __import__ getattr setattr delattr hasattr globals locals vars dir type object input print
    exit quit help memoryview bytearray bytes classmethod staticmethod property super breakpoint id hash isinstance
    issubclass callable iter next map filter frozenset set tuple slice chr ord bin hex format pow divmod ascii complex
    url_for request config self cycle caller loop import_module system popen
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_listed_cannot_be_called(name: str) -> None:
    done = compiled(Script("Main", f'{{{{{name}("/etc/passwd")}}}}'))
    assert done.emitted is None or name == "set"  # Set, in small letters
    errors = {finding.code for finding in done.findings if finding.severity == "error"}
    assert errors & {"SK201", "SK313", "SK311", "SK109"} or name == "set"
    payloads = [
        Payload(f"[{{{{{name}}}}}]"),
        Payload(f"{{{{{name}.read}}}}"),
        Payload(f"{{{{x.{name}}}}}", {"x": "a"}),
    ]
    if not name.startswith("_") and name not in {"format", "set"}:
        assert outcomes(payloads) == ["[]", "SkillError", ""]


def test_modules_are_the_listed_names_and_nothing_else() -> None:
    payloads: list[Payload] = []
    for module, namespace in MODULES.items():
        real = importlib.import_module(module)
        assert not isinstance(namespace, types.ModuleType)
        hidden = [name for name in dir(real) if name not in namespace]
        assert len(hidden) > 5
        payloads += [
            Payload(f"{{{{{module}[k]}}}}", {"k": name})
            for name in [*hidden, "members", "make", "name"]
        ]
        done = compiled(Script("Main", "".join(f"{{{{{module}.{name}}}}}" for name in hidden)))
        assert len([finding for finding in done.findings if finding.code == "SK313"]) == len(hidden)
    assert outcomes(payloads) == ["SecurityError"] * len(payloads)


def test_modules_and_functions_show_nothing_of_themselves() -> None:
    expressions = [
        *MODULES,
        *(f"{m}.{name}" for m, space in MODULES.items() for name in space.members),
        *FUNCTIONS,
    ]
    payloads = [
        Payload(f"{{{{[{expression}]}}}}{{{{repr({expression})}}}}") for expression in expressions
    ]
    for outcome in outcomes(payloads):
        assert "mappingproxy" not in outcome
        assert "/" not in outcome
        assert "module '" not in outcome


# --- values that hosts and actions hand over -----------------------------------------------------


async def coroutine() -> None:
    """Something that waits."""


async def stream() -> Any:
    yield 1


def generator() -> Any:
    yield "first"


def endless() -> Iterator[int]:
    while True:
        yield 1


def fail() -> None:
    raise ValueError("kept")


def failure() -> Exception:
    try:
        fail()
    except ValueError as error:
        return error
    raise AssertionError


class Host:
    """An object of a host: some of what it holds is Python's own business."""

    module = re
    kind = int
    frame_of = staticmethod(generator)

    def __init__(self) -> None:
        self.name = "Ann"
        self._secret = "secret"
        self.code = generator.__code__
        self.waiting = generator()

    def hello(self) -> str:
        return f"hello {self.name}"


TREASURES: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "a coroutine": (coroutine, ("cr_frame", "cr_code", "cr_await", "cr_origin", "send", "throw", "close")),
    "a stream": (stream, ("ag_frame", "ag_code", "ag_await", "asend", "athrow", "aclose")),
    "a generator": (generator, ("gi_frame", "gi_code", "gi_yieldfrom", "send", "throw", "close")),
    "a function": (lambda: generator, ("func_globals", "func_code", "x")),
    "a builtin": (lambda: len, ("x", "name")),
    "a method": (lambda: Host().hello, ("im_func", "im_self", "x")),
    "a wrapper": (lambda: "a".__add__, ("x", "name")),
    "code": (lambda: generator.__code__, ("co_code", "co_consts", "co_filename", "replace")),
    "a frame": (lambda: next(walk_tb(failure().__traceback__))[0], ("f_globals", "f_builtins", "f_back", "clear")),
    "a traceback": (lambda: failure().__traceback__, ("tb_frame", "tb_next")),
    "a module": (lambda: re, ("sys", "compile", "enum", "template")),
    "a class": (lambda: Host, ("module", "hello", "mro")),
    "a class of classes": (lambda: type, ("mro", "x")),
    "a pattern": (lambda: re.compile("a"), ("scanner",)),
    "a zone": (lambda: UTC, ("fromutc", "utc", "min")),
    "an object": (Host, ("module", "kind")),
}  # fmt: skip


def test_messages_about_names_are_one_short_line() -> None:
    for name in ("__x\nERROR fake", "__\x1b[31m", "__\u202e", "__" + "x" * 100_000):
        for access in (values.get, values.item):
            with pytest.raises(SecurityError) as caught:
                access(MODULES["json"], name)
            assert len(str(caught.value)) < 120
            assert str(caught.value).isprintable()


@pytest.mark.parametrize("what", TREASURES)
def test_values_of_hosts_show_nothing_of_python(what: str) -> None:
    make, names = TREASURES[what]
    given = {"x": make}
    payloads = [Payload(f"{{{{x.{name}}}}}", given) for name in names if name != "mro"]
    payloads += [Payload("{{x[k]}}", {**given, "k": name}) for name in (*names, *INSIDES[:8])]
    payloads += [
        Payload("{{#each names}}{{x[this]}}{{/each}}", {**given, "names": [name]}) for name in names
    ]
    payloads += [Payload(f"{{{{[x][0].{name}}}}}", given) for name in names if name != "mro"]
    for payload, outcome in zip(payloads, outcomes(payloads), strict=True):
        ours = str(payload.given.get("k", "")).startswith("__")
        assert outcome == "SecurityError" or (ours and outcome == ""), payload


def test_values_of_hosts_that_are_held_by_others() -> None:
    held: dict[str, Any] = {
        "m": re,
        "t": type,
        "f": generator,
        "g": generator.__code__,
        "e": failure(),
    }
    payloads = [Payload(f"{{{{x.{name}.a}}}}", {"x": held}) for name in "mtfg"]
    payloads += [Payload(f'{{{{x["{name}"]["a"]}}}}', {"x": held}) for name in "mtfg"]
    payloads += [
        Payload("{{#each x}}{{this.a}}{{/each}}", {"x": [value]})
        for value in list(held.values())[:4]
    ]
    payloads += [Payload("{{x[0].a}}", {"x": [value]}) for value in list(held.values())[:4]]
    payloads += [
        Payload("{{x.e.with_traceback.a}}", {"x": held}),
        Payload("{{x.t(1)}}", {"x": held}),
    ]
    kinds = [type, str, Host, types.FunctionType, types.CodeType]
    payloads += [Payload("{{x[0](1)}}", {"x": [kind]}) for kind in kinds]
    assert outcomes(payloads) == ["SecurityError"] * len(payloads)
    assert outcomes([Payload("{{x.hello()}}", {"x": Host})]) == ["hello Ann"]


def test_loops_over_what_is_no_list() -> None:
    makes: list[Callable[[], Any]] = [
        coroutine,
        stream,
        lambda: coroutine,
        lambda: re,
        lambda: Host,
        Host,
        failure,
    ]
    makes += [
        lambda: generator.__code__,
        lambda: len,
        lambda: 5,
        lambda: 1.5,
        lambda: True,
        lambda: values.Namespace("a", {}),
    ]
    payloads = [Payload("{{#each x}}{{this}}{{/each}}", {"x": make}) for make in makes]
    payloads += [
        Payload(f"{{{{{name}(x)}}}}", {"x": make})
        for make in makes
        for name in ("list", "sorted", "any")
    ]
    assert outcomes(payloads) == ["SkillError"] * len(payloads)
    endings = [
        Payload(f"{{{{{name}(x)}}}}", {"x": endless})
        for name in ("list", "sum", "zip", "sorted", "all")
    ]
    endings += [
        Payload("{{#each x}}{{/each}}", {"x": endless}),
        Payload('{{"".join(x)}}', {"x": endless}),
    ]
    assert outcomes(endings) == ["LimitError"] * len(endings)


# --- functions, modules, codecs, names -----------------------------------------------------------


def each_of(template: str, key: str, values: str, **given: Any) -> Iterator[Payload]:
    """A payload for each line of `values`."""
    for value in values.strip("\n").split("\n"):
        yield Payload(template, {**given, key: value})


SECURITY = (
    Payload('{{re.compile("a", 128)}}'),  # prints to the terminal of the service
    Payload('{{re.search("a", "a", k)}}', {"k": 128}),
    Payload('{{re.sub("a", "b", x, 0, 4)}}', {"x": "a"}),  # asks the locale
    Payload('{{re.compile("a", flags=re.I + 64)}}'),
    *each_of(
        "{{x.encode(k)}}", "k", "idna\nutf-7\ncp437\nrot13\nzlib\nos\n../x\n__init__\na.b", x="a"
    ),
    *each_of(
        "{{x.encode().decode(k)}}",
        "k",
        "idna\nutf-16\npunycode\nunicode_escape\nhex\nmbcs\n",
        x="a",
    ),
    *each_of('{{x.encode("ascii", k)}}', "k", "namereplace\nsurrogateescape\nsome.handler", x="é"),
    Payload("{{json.loads.x}}"),
    Payload("{{str.join}}"),
    Payload("{{int.from_bytes}}"),
    Payload('{{datetime.datetime["mro"]}}'),
    Payload("{{datetime.datetime.fromordinal.x}}"),
    Payload("{{uuid4.x}}"),
    Payload("{{sorted.x}}"),
    Payload('{{sorted(names, key=json["loads"]["x"])}}', {"names": ["1"]}),
)
ZONE_NAMES = """
../../etc/passwd
/etc/passwd
../UTC
Europe/../UTC
America
Europe\\Berlin
Atlantis/Nowhere
__init__.py
os.path
tzdata
posixrules
zone.tab
"""
ERRORS = (
    *each_of("{{ZoneInfo(x)}}", "x", ZONE_NAMES),
    *each_of("{{zoneinfo.ZoneInfo(x)}}", "x", ZONE_NAMES),
    *each_of("{{GetDateTime(timezone=x)}}", "x", ZONE_NAMES),
    *(Payload("{{ZoneInfo(x)}}", {"x": name}) for name in ("a\0b", "", "a" * 9999)),
    *each_of(
        "{{Do(actionName=x)}}", "x", "__class__\neval\nos.system\n../Echo\nEcho()\nSet\nReturn"
    ),
    *each_of("{{Set(name=x, value=1)}}", "x", "a b\n\na.b\nx['a']\n1\na;import os"),
    Payload("{{Set(name=x, value=1)}}", {"x": "a\nimport os"}),
    Payload("{{datetime.UTC()}}"),
    Payload("{{math.pi()}}"),
    Payload("{{x()}}", {"x": "a"}),
    Payload("{{x.y()}}", {"x": "a"}),
    Payload("{{x.y.z}}", {"x": "a"}),
    Payload("{{x.upper.lower}}", {"x": "a"}),
    Payload("{{x.encode() % 1}}", {"x": "%d"}),
    Payload("{{x % names}}", {"x": "%(__class__)s", "names": []}),
    Payload("{{x % names}}", {"x": "%(a)s", "names": {}}),
)


def test_other_payloads_end_the_skill() -> None:
    found = outcomes(SECURITY)
    assert [(p, o) for p, o in zip(SECURITY, found, strict=True) if o != "SecurityError"] == []
    found = outcomes(ERRORS)
    ended = {"SkillError", "ActionError", "SecurityError"}
    assert [(p, o) for p, o in zip(ERRORS, found, strict=True) if o not in ended] == []


HARMLESS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ('{{x["__class__"]}}', {"x": {"__class__": "data"}}, "data"),
    ("{{x[k]}}", {"x": {"_id": "data"}, "k": "_id"}, "data"),
    ('{{json.loads(j)["__import__"]}}', {"j": '{"__import__": "data"}'}, "data"),
    ("{{x}}", {"x": "{{json.codecs}}"}, "{{json.codecs}}"),
    ("{{x}}", {"x": "{% import os %}{{ 7*7 }}${7*7}#{7*7}"}, "{% import os %}{{ 7*7 }}${7*7}#{7*7}"),
    ('{{Concat("{{", x, "}}")}}', {"x": "7*7"}, "{{7*7}}"),
    ("{{str(x)}}{{repr(x)}}", {"x": "{0.__class__}"}, "{0.__class__}'{0.__class__}'"),
    ('{{"{}"}}{{"%s"}}', {}, "{}%s"),
    ("{{x}}", {"x": "__import__('os').system('id')"}, "__import__('os').system('id')"),
    ("{{Set(name=x, value='v')}}{{len('abc')}}", {"x": "len"}, "3"),
    ("{{Set(name=x, value='v')}}{{ctx}}{{out}}", {"x": "ctx"}, "v"),
    ("{{Set(name=x, value='v')}}ok", {"x": "__builtins__"}, "ok"),
    ("{{GetUser()}}", {}, "{0.__class__}"),
    ("{{GetTriggeredAct().text}}", {}, "{0.__class__}"),
    ('{{GetState(name="k")}}', {}, "{0.__class__}"),
    ("{{sorted(names, key=len)}}", {"names": ["bb", "a"]}, "['a', 'bb']"),
    ("{{min(names, key=str)}}{{max(names, key=int)}}", {"names": ["10", "9"]}, "1010"),
    ('{{re.sub("a", "\\\\g<0>", x)}}', {"x": "a{0}"}, "a{0}"),
    ('{{x.encode("UTF-8").decode("utf8")}}', {"x": "é"}, "é"),
    ("{{ZoneInfo('Europe/Berlin')}}", {}, "Europe/Berlin"),
)  # fmt: skip


def test_data_stays_data() -> None:
    payloads = [Payload(template, given, "{0.__class__}") for template, given, _ in HARMLESS]
    assert outcomes(payloads) == [expected for _, _, expected in HARMLESS]


def test_the_watch_hears_what_is_forbidden() -> None:
    """What would be found if any payload got through."""
    attacks: dict[str, Callable[[], Any]] = {
        "open": partial(open, __file__),
        "exec": partial(exec, "pass"),
        "compile": partial(compile, "1", "x", "eval"),
        "import": partial(__import__, "this_module_is_not_there"),
        "os.listdir": lambda: __import__("os").listdir("/"),
        "subprocess.Popen": lambda: __import__("subprocess").Popen(["/nowhere"]),
        "socket.__new__": lambda: __import__("socket").socket().close(),
    }
    for event, attack in attacks.items():
        with WATCH.over() as heard:
            try:
                made = attack()
                if hasattr(made, "close"):
                    made.close()
            except (ImportError, OSError):
                pass
        assert any(line.startswith(event) for line in heard), event


# --- what could explode --------------------------------------------------------------------------


def doubling(start: str, step: str, end: str = "") -> str:
    """A template that doubles a value as often as there are digits in 2 ** 70."""
    loop = f"{{{{#each range(70)}}}}{{{{Set(name='t', value={step})}}}}{{{{/each}}}}"
    return f"{{{{Set(name='t', value={start})}}}}{loop}{end}"


EXPLOSIONS = (
    "{{'a' * 1000000000}}",
    "{{1000000000 * 'a'}}",
    "{{[0] * 1000000000}}",
    "{{(x.encode() + x.encode()) * 1000000000}}",
    "{{x.ljust(1000000000)}}",
    "{{x.rjust(1000000000, '-')}}",
    "{{x.center(1000000000)}}",
    "{{x.zfill(1000000000)}}",
    "{{x['ljust'](1000000000)}}",
    "{{'%1000000000d' % 1}}",
    "{{'%.1000000000f' % 1.5}}",
    "{{'%*d' % zip([1000000000], [1])[0]}}",
    "{{'%(a)1000000000s' % ({'a': 1})}}",
    "{{x.expandtabs(1000000000)}}",
    "{{range(1000000000000)}}",
    "{{list(range(0, 1000000000000, 3))}}",
    "{{#each range(1000000000)}}{{this}}{{/each}}",
    "{{(1).to_bytes(1000000000)}}",
    "{{round(1.5, 1000000000)}}",
    "{{x.replace('', 'a' * 8000000)}}",
    "{{','.join(['a' * 8000000, 'a' * 8000000])}}",
    "{{('a' * 100000).translate(['a' * 1000000] * 98)}}",
    "{{('a' * 100000).translate(({97: 'a' * 1000000}))}}",
    "{{('\\r' * 8000000).splitlines()}}",
    "{{('a ' * 4000000).split()}}",
    "{{list('a' * 8000000)}}",
    "{{enumerate('a' * 8000000)}}",
    "{{zip(range(1000000), range(1000000), range(1000000))}}",
    "{{('é' * 4000000).encode()}}",
    "{{('é' * 1000000).encode('ascii', 'xmlcharrefreplace')}}",
    "{{('ß' * 8000000).upper()}}",
    "{{('a' * 8000000).encode().hex()}}",
    "{{int('f' * 1000000, 16)}}",
    "{{(1).from_bytes('a'.encode() * 1000000)}}",
    "{{json.dumps(['a'], indent=1000000000)}}",
    "{{json.loads('[' * 1000000)}}",
    "{{re.compile('(' * 4000 + ')' * 4000)}}",
    "{{re.compile('a' * 1000000)}}",
    "{{re.sub('a', 'b' * 1000000, 'a' * 1000)}}",
    "{{re.findall('a', 'a' * 8000000)}}",
    "{{datetime.datetime.min.strftime('%Y' * 1000000)}}",
    "{{Concat('a' * 8000000, 'b' * 8000000)}}",
    "{{Replace(text='aaa', find='a', replace='b' * 8000000)}}",
    "{{Split(text='a,' * 4000000, delimiter=',')}}",
    "{{IsSimilar(val1='a' * 100000, val2='b', strategy='levenshtein')}}",
    "{{'a' * 2000000}}",  # more than one run may print
    "{{#each range(1000000)}}0123456789{{/each}}",
    doubling("'ab'", "t + t"),
    doubling("'ab'", "t * 2"),
    doubling("'ab'", "Concat(t, t)"),
    doubling("'ab'", "'%s%s' % zip([t], [t])[0]"),
    doubling("'ab'", "t.join([t, t])"),
    doubling("'ab'", "t.replace('b', 'ab' + t)"),
    doubling("'ab'", "re.sub('b', 'ab', t + t)"),
    doubling("'é'", "t.encode().decode('latin-1')"),
    doubling("'\"'", "json.dumps(t)"),
    doubling("'\\\\'", "repr(t)"),
    doubling("'\\\\'", "str([t])"),
    doubling("[1]", "t + t"),
    doubling("[1]", "[t, t]", "{{t}}"),
    doubling("[1]", "[t, t]", "{{json.dumps(t)}}"),
    doubling("[1]", "[t, t]", "{{Stringify(t)}}"),
    doubling("[1]", "[t, t]", "{{SetState(name='a', value=t)}}"),
    doubling("[1]", "[t, t]", "{{t == [t]}}"),
    doubling("[1]", "({'a': t, 'b': t})", "{{t}}"),
    doubling("2", "t * t"),
    "{{#each range(9)}}{{Set(name='l', value=(l or []) + [1])}}{{l.append(l)}}{{/each}}{{l}}",
    "{{#each range(40)}}{{#block 't'}}{{t or 'ab'}}{{t}}{{/block}}{{/each}}",
    "{{Recurse()}}",
)  # fmt: skip
RECURSE = Script("Recurse", "{{#if true}}{{Recurse()}}{{/if}}")


def test_what_could_explode_is_refused() -> None:
    scripts = (Script(f"P{n}", t, {"x": "\t"}) for n, t in enumerate(EXPLOSIONS))
    assert_limited([Payload(template) for template in EXPLOSIONS], RECURSE, *scripts)


def assert_limited(payloads: Sequence[Payload], *scripts: Script) -> None:
    """Each payload, which is the script `P` and its number, ends at a limit, and in little memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = compiled(*scripts)
    assert [finding.message for finding in done.findings if finding.severity == "error"] == []
    found = anyio.run(_outcomes, payloads, done.functions())
    assert [(p, o) for p, o in zip(payloads, found, strict=True) if o != "LimitError"] == []
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert sys.platform != "linux" or grown_kib < 512 * 1024
