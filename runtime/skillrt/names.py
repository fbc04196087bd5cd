"""The Python names of what users named: one rule, shared by the emitter and everything that calls by name.

1. The user's name stays unless Python or the generated module cannot have it.
2. Whether it stays depends on the name alone, never on what one module imports: the lists below are frozen,
   part of the ABI.

Source: project format, names of generated Python.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import product
from typing import Any, Final, TypeVar

from skillrt.errors import ActionError

Value = TypeVar("Value")


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


KEYWORDS: Final = words(
    """False None True and as assert async await break class continue def del elif else except finally for from
    global if import in is lambda nonlocal not or pass raise return try while with yield"""
)

NAMES: Final = KEYWORDS | words(
    """uuid4 ZoneInfo str int float bool list dict len min max sum abs round sorted reversed enumerate zip any all
    range repr add subtract multiply equal notequal greater less contains strip namespace cycler joiner lipsum
    json re datetime math zoneinfo uuid
    annotations Any Final Context FlowManifest actions libraries skillrt tuple ctx extra out truthy
    safe_str safe_int safe_float safe_bool safe_list safe_dict safe_len safe_min safe_max safe_sum safe_abs
    safe_round safe_sorted safe_reversed safe_enumerate safe_zip safe_any safe_all safe_range safe_repr add_all
    multiply_all or_undefined FUNCTIONS MODULES UNDEFINED Undefined DslList JsonText new_uuid zone_info variable_name
    set_variable Leave leave
    call defined divide each get greater_equal inside item less_equal modulo negate not_equal positive same text
    as_any as_choice as_date as_flag as_id as_ids as_int as_ints as_item as_json as_json_array as_json_object
    as_name as_names as_num as_num0 as_text as_texts as_tz
    MISSING Loop Steps new_namespace new_cycler new_joiner concatenate filters floor_divide keyed named_arguments
    nsl_items nsl_text power set_field slice unpack walk"""
)
"""Taken for skills, parameters, variables and macros."""

DEVICES: Final = words(
    """con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9
    lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9"""
)

MODULES: Final = (
    KEYWORDS
    | {"libraries", "_manifest"}
    | {
        "".join(spelling)
        for device in DEVICES
        for spelling in product(*({char, char.upper()} for char in device))
    }
)
"""Taken for modules and packages: Windows opens devices under these names, in any case."""

TOP_LEVEL: Final = MODULES | words(
    """skillc skillrt anyio certifi click exceptiongroup h11 httpcore httptools httpx httpx2 idna jinja2 libcst
    markupsafe msgspec outcome rapidfuzz sniffio sortedcontainers trio typing_extensions uvloop yaml
    __future__ _abc _aix_support _android_support _apple_support _ast _asyncio _bisect _blake2 _bootsubprocess
    _bz2 _codecs _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _collections
    _collections_abc _colorize _compat_pickle _compression _contextvars _crypt _csv _ctypes _curses
    _curses_panel _datetime _dbm _decimal _elementtree _frozen_importlib _frozen_importlib_external _functools
    _gdbm _hashlib _heapq _imp _interpchannels _interpqueues _interpreters _io _ios_support _json _locale _lsprof
    _lzma _markupbase _md5 _msi _multibytecodec _multiprocessing _opcode _opcode_metadata _operator _osx_support
    _overlapped _pickle _posixshmem _posixsubprocess _py_abc _pydatetime _pydecimal _pyio _pylong _pyrepl _queue
    _random _scproxy _sha1 _sha2 _sha256 _sha3 _sha512 _signal _sitebuiltins _socket _sqlite3 _sre _ssl _stat
    _statistics _string _strptime _struct _suggestions _symtable _sysconfig _thread _threading_local _tkinter
    _tokenize _tracemalloc _typing _uuid _warnings _weakref _weakrefset _winapi _wmi _xxinterpchannels
    _xxsubinterpreters _zoneinfo
    abc aifc antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii bisect
    builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall
    concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm
    decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp
    fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip
    hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword
    lib2to3 linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt
    multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev
    pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats
    pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource
    rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket
    socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct
    subprocess sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap this
    threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types
    typing unicodedata unittest urllib uu uuid venv warnings wave weakref webbrowser winreg winsound wsgiref
    xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo"""
)
"""Taken at the top of an import root, where a module would hide another one of the same name."""

ESCAPED: Final = re.compile(r"[^A-Za-z0-9_]|^[0-9]|_(?=u[0-9A-Fa-f]{4})")
LONGEST: Final = 120
KEPT: Final = 100
DIGEST_DIGITS: Final = 8


def python_name(idn: str, taken: frozenset[str] = NAMES) -> str:
    """The Python name of a skill, parameter, variable or macro; reversible, so different names stay different.

    Raises:
        ValueError: the name is empty.
    """
    if not idn:
        raise ValueError("a name is never empty")
    name = ESCAPED.sub(lambda found: escape(found[0]), idn)
    if name.startswith("__"):
        name = escape("_") + name[1:]
    return name + "_" if name.rstrip("_") in taken else name


def escape(char: str) -> str:
    """What stands for a character that a name cannot have, such as `_u002d_`."""
    return f"_u{ord(char):04x}_"


def module_names(idns: Iterable[str], taken: frozenset[str] = MODULES) -> Mapping[str, str]:
    """The Python names of sibling modules or packages by their idns, safe on disks that ignore case.

    Siblings that differ in case alone, and names too long for a file, end in digits of a hash of their idn.
    """
    plain = {idn: python_name(idn, taken) for idn in idns}
    folded = Counter(name.lower() for name in plain.values())
    hashed = {
        idn: name[:KEPT] if len(name) > LONGEST else name
        for idn, name in plain.items()
        if folded[name.lower()] > 1 or len(name) > LONGEST
    }
    digits = DIGEST_DIGITS
    while True:
        names = plain | {idn: f"{name}_{digest(idn)[:digits]}" for idn, name in hashed.items()}
        if len({name.lower() for name in names.values()}) == len(names):
            return names
        digits += 1


def digest(idn: str) -> str:
    """The SHA-256 of an idn in hex."""
    return sha256(idn.encode("utf-8", "surrogatepass")).hexdigest()


def set_variable(variables: dict[str, Any], name: str, value: Value) -> Value:
    """Assign a variable where variables live in a dict, by their Python names; returns the value.

    With the name "" nothing is assigned.
    """
    if name:
        variables[python_name(name)] = value
    return value


def variable_name(name: object, action: str = "Set") -> str:
    """The name of a variable that a skill computed, without blanks around it.

    A blank one is not given: "", but for `Set`, which needs one.

    Raises:
        ActionError: the name is no text that forms an identifier.
    """
    if isinstance(name, str) and name.strip().isidentifier():
        return str(name).strip()
    if action != "Set" and (name is None or not str(name).strip()):
        return ""
    raise ActionError(action, "name", f"expected a variable name, got {name!r}")
