"""Whom an event concerns: subscriptions, the addresses they name, and which events count as already known.

Nothing here waits; the time is an argument.

Source: event model, processing one event.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from skillrt.manifest import SubscriptionManifest
from skillrt.model import Event
from skillrt.projects import Flow, Project

Address: TypeAlias = tuple[str, str]
SYSTEM: Final[Address] = ("system", "system")
LIFECYCLE: Final = frozenset({"conversation_started", "conversation_ended"})


class Route(NamedTuple):
    """A subscription and its flow."""

    flow: Flow
    subscription: SubscriptionManifest


def addresses(event: Event) -> tuple[Address, ...]:
    """Where an event comes from, as subscriptions see it: its own address, of a lifecycle event also its aliases."""
    own = (event.integration_idn, event.connector_idn)
    if event.idn in LIFECYCLE:
        return own, (event.integration_idn, "system"), SYSTEM
    return (own,)


def matches(subscription: SubscriptionManifest, event: Event) -> bool:
    """Whether a subscription is one to this event; no integration or connector in it means any."""
    return subscription["idn"] == event.idn and any(
        subscription["integration"] in (None, integration)
        and subscription["connector"] in (None, connector)
        for integration, connector in addresses(event)
    )


class Routes:
    """The subscriptions of all projects, by event."""

    def __init__(self, projects: Iterable[Project] = ()) -> None:
        """Order them: by project, agent, flow, then as in the flow's file."""
        flows = [flow for project in projects for flow in project.flows]
        flows.sort(key=lambda flow: (flow.project, flow.agent.idn, flow.idn))
        self._by_idn: defaultdict[str, list[Route]] = defaultdict(list)
        for flow in flows:
            for subscription in flow.subscriptions:
                self._by_idn[subscription["idn"]].append(Route(flow, subscription))

    def matching(self, event: Event) -> list[Route]:
        """Who is offered the event, in order; each subscription once."""
        return [r for r in self._by_idn.get(event.idn, ()) if matches(r.subscription, event)]

    def addresses(self) -> list[Address]:
        """The addresses of connectors that subscriptions name, sorted; an alias is none, nor one left open."""
        named = (route.subscription for routes in self._by_idn.values() for route in routes)
        full = {(s["integration"], s["connector"]) for s in named}
        return sorted((i, c) for i, c in full if i is not None and c not in (None, "system"))


class Seen:
    """The external ids of the events that came lately, connector by connector."""

    def __init__(self, retention_s: float, most: int) -> None:
        """Each is known for `retention_s` seconds, unless more than `most` of its connector came since."""
        self._retention_s = retention_s
        self._most = most
        self._times: defaultdict[Address, OrderedDict[str, float]] = defaultdict(OrderedDict)

    def note(self, address: Address, external_id: str, now: float) -> bool:
        """Remember the id; whether it is new."""
        times = self._times[address]
        while times and next(iter(times.values())) <= now - self._retention_s:
            times.popitem(last=False)
        if external_id in times:
            return False
        times[external_id] = now
        if len(times) > self._most:
            times.popitem(last=False)
        return True

    def forget(self, address: Address, external_id: str) -> None:
        """The event could not be taken: it may come again."""
        self._times[address].pop(external_id, None)
