"""All actions, by their Python names: importing this package fills the catalogue."""

# ruff: noqa: F403 - each family lists its actions in its own `__all__`

from __future__ import annotations

from skillrt.actions.attributes import *
from skillrt.actions.context import *
from skillrt.actions.control import *
from skillrt.actions.dates import *
from skillrt.actions.generation import *
from skillrt.actions.identity import *
from skillrt.actions.interruption import *
from skillrt.actions.memory import *
from skillrt.actions.messaging import *
from skillrt.actions.predicates import *
from skillrt.actions.sessions import *
from skillrt.actions.text import *
from skillrt.actions.typing import *
from skillrt.actions.variables import *
from skillrt.catalogue import CATALOGUE as CATALOGUE
