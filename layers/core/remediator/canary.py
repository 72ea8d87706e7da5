"""The canary: probes the shop each minute as a diner would, and asks for a check if a probe fails twice, or if all
that an open incident names is healthy again.
"""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, Symptom, diagnose, judge_login
from remediator.endpoints import ALARMS, CANARY_LOGIN, ENDPOINTS, ORDER, PROBES
from remediator.errors import StateError, named
from remediator.jwt import Keys
from remediator.masking import Mask
from remediator.pacing import next_check
from remediator.ports import Shop, Store
from remediator.report_link import FIELD_NAMES
from remediator.sample import Sample
from remediator.state import Incident, State
from remediator.trigger import Trigger

SECONDS_TO_TRIGGER: Final = 15.0  # kept back: the state and the topic, three tries of each
SECONDS_TO_ANOTHER_TOKEN: Final = 1.0  # two logins of one diner in one second share a token


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What one run saw. `healthy`: whether each endpoint asked was good at either try; `order`: the one that counts.

    `failed` holds what failed twice, with its evidence, since `confirmed`. `silent`: why it asked for no check.
    """

    healthy: Mapping[str, bool]
    failed: Mapping[str, str]
    order: Sample | None = None
    confirmed: datetime | None = None
    silent: str | None = None

    @property
    def order_good(self) -> bool:
        return ORDER not in self.failed

    def plain(self) -> dict[str, Any]:
        """As it is logged."""
        confirmed = self.confirmed.isoformat(timespec="milliseconds") if self.confirmed else None
        asked = {"triggered": self.silent is None, "silent": self.silent}
        return {"failed": dict(self.failed), "confirmed": confirmed, **asked}


def judge(probes: Mapping[str, Sample], keys: Keys, names: frozenset[str] = FIELD_NAMES) -> dict[str, Diagnosis]:
    """What failed, by endpoint, diagnosed as in a remediation."""
    shown = {name: diagnose([sample], keys, names, ENDPOINTS[name]) for name, sample in probes.items()}
    return {name: each for name, each in shown.items() if each.symptom is not Symptom.HEALTHY}


def write_alarm(failed: Mapping[str, Diagnosis], since: datetime) -> str:
    """The message that asks for a check, in Alertmanager's shape: one firing alert for each endpoint that failed."""
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": ALARMS[name, bool(shown.links)]},
            "annotations": {"summary": shown.evidence},
            "startsAt": since.isoformat(),
        }
        for name, shown in failed.items()
    ]
    return json.dumps({"receiver": "canary", "status": "firing", "alerts": alerts})


def write_recovery(incident: Incident, since: datetime) -> str:
    """The message that an incident seems to be over: one resolved alert for each of its endpoints."""
    alerts = [
        {"status": "resolved", "labels": {"alertname": ALARMS[name, False]}, "startsAt": since.isoformat()}
        for name in incident.endpoints
    ]
    return json.dumps({"receiver": "canary", "status": "resolved", "alerts": alerts})


@dataclass(frozen=True)
class Canary:
    """Everything a run needs, handed in. `publish` hands a text to the alarm topic."""

    shop: Shop
    keys: Callable[[Deadline], Keys]
    store: Store
    publish: Callable[[str], None]
    minutes: int
    link_names: frozenset[str]
    clock: Callable[[], datetime]
    pool: Executor
    mask: Mask
    sleep: Callable[[float], None] = time.sleep

    def run(self, at: datetime, deadline: Deadline) -> ProbeReport:
        """One run, begun at that time. Raises RemediatorError: a run that can't do its work counts as silent."""
        with self.mask.remembering():
            try:
                return self._probe(at, deadline)
            except Exception as error:  # noqa: BLE001 - whatever the error, Lambda logs it
                raise named(error, self.mask.exception(error)) from None

    def _probe(self, at: datetime, deadline: Deadline) -> ProbeReport:
        """The token is given back before it triggers: a remediation that logs in at once may share it."""
        due = int(at.timestamp()) // 60 % self.minutes == 0
        known = self.pool.submit(self.keys, deadline) if due else None
        token = self._login(deadline, tries=2)
        asked = [name for name in PROBES if isinstance(token, str) or not ENDPOINTS[name].needs_token]
        first = self._ask([ORDER, *asked] if due and isinstance(token, str) else asked, token, deadline)
        keys = known.result() if known else {}
        failed = judge(first, keys, self.link_names)
        if isinstance(token, str) and any(first[name].status == 401 for name in failed):  # ended by another's logout?
            self.sleep(deadline.allow(SECONDS_TO_ANOTHER_TOKEN))
            token = self._login(deadline, tries=1)
        second = self._ask(list(failed), token, deadline)
        confirmed = judge(second, keys, self.link_names)
        if isinstance(token, str):
            self.shop.logout(token, deadline)
        else:
            confirmed[CANARY_LOGIN] = token
        healthy = {name: name not in confirmed for name in (CANARY_LOGIN, *asked)}
        order, since = second.get(ORDER, first.get(ORDER)), self.clock()
        silent = self._trigger(confirmed, {CANARY_LOGIN, *first} - confirmed.keys(), since)
        evidence = {name: shown.evidence for name, shown in confirmed.items()}
        return ProbeReport(healthy, evidence, order, since if evidence else None, silent)

    def _login(self, deadline: Deadline, tries: int) -> str | Diagnosis:
        found = judge_login(self.shop.login_as_canary(deadline), CANARY_LOGIN, self.link_names)
        if isinstance(found, str):
            self.mask.add(found)
            return found
        return self._login(deadline, tries - 1) if tries > 1 else found

    def _ask(self, names: list[str], token: str | Diagnosis, deadline: Deadline) -> dict[str, Sample]:
        """All of them side by side; what needs a token is left out if there is none.

        The order goes first, on the connection that the login has just opened: the others are a minute old, and a
        request that meets one closed is asked again, but for an order.
        """
        mine = token if isinstance(token, str) else None
        asked = {}
        for name in names:
            if name == ORDER and mine:
                asked[name] = self.pool.submit(self.shop.order, mine, deadline)
            elif name in PROBES and (mine or not ENDPOINTS[name].needs_token):
                bearer = mine if ENDPOINTS[name].needs_token else None
                asked[name] = self.pool.submit(self.shop.probe, ENDPOINTS[name].path, bearer, deadline)
        return {name: answer.result() for name, answer in asked.items()}

    def _trigger(self, failed: Mapping[str, Diagnosis], good: set[str], since: datetime) -> str | None:
        """Ask for a check of what failed, or of an incident whose endpoints are all good; or why not.

        If the state can't be read, ask.
        """
        try:
            state = self.store.state()
        except StateError:
            state = State()
        incident = state.incident
        recovery = not failed and incident is not None and good.issuperset(incident.endpoints)
        if not failed and not recovery:
            return "nothing failed"
        if state.check and state.check.lease.until > since:
            return "a remediation is running"
        offers = any(shown.links for shown in failed.values())
        trigger = Trigger("canary", "", since, "", "", tuple(failed), offers, "canary", recovery)
        if incident and (due := next_check(incident, trigger)) > since:
            return f"the incident is open, and its next check is due at {due:%H:%M:%S} UTC"
        self.publish(
            self.mask.text(write_recovery(incident, since) if recovery and incident else write_alarm(failed, since))
        )
        return None
