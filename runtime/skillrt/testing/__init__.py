"""What tests of skills need: a scripted model, over HTTP or in memory, a virtual clock, and sinks that remember."""

from skillrt.testing.clock import VirtualClock
from skillrt.testing.gateway import RecordingGateway
from skillrt.testing.provider import ScriptedProvider
from skillrt.testing.replies import Reply
from skillrt.testing.server import Exchange, ModelServer, Received
from skillrt.testing.sinks import Heard, RecordingConnector, RecordingSink

__all__ = (
    "Exchange",
    "Heard",
    "ModelServer",
    "Received",
    "RecordingConnector",
    "RecordingGateway",
    "RecordingSink",
    "Reply",
    "ScriptedProvider",
    "VirtualClock",
)
