"""The canary: probes the shop each minute as a diner would, and asks for a check if a probe fails twice, or if all
that an open incident names is healthy again.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from remediator.canary_memory import CanaryMemory
from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, Symptom, diagnose, judge_login
from remediator.endpoints import ALARMS, CANARY_LOGIN, ENDPOINTS, ORDER, PROBES, in_order
from remediator.errors import Blind, StateError, named
from remediator.jwt import Keys
from remediator.masking import Mask
from remediator.pacing import next_check
from remediator.ports import Shop, Store
from remediator.report_link import FIELD_NAMES
from remediator.sample import Sample
from remediator.state import Incident, State
from remediator.trigger import Trigger

SECONDS_TO_TRIGGER: Final = 15.0  # kept back: the state and the topic, three tries of each
SHOWS_NO_FAILURE: Final = (Symptom.HEALTHY, Symptom.RATE_LIMITED)
SECONDS_TO_ANOTHER_TOKEN: Final = 1.0  # two logins of one diner in one second share a token


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What one run saw. `healthy`: whether each endpoint seen was good at either try; `order`: the one that counts.

    `failed` holds what failed twice, with its evidence, since `confirmed`. `silent`: why it asked for no check.
    `first_login`: the process had no token before, so that of another process may be left behind in the shop.
    """

    healthy: Mapping[str, bool]
    failed: Mapping[str, str]
    order: Sample | None = None
    confirmed: datetime | None = None
    silent: str | None = None
    first_login: bool = False

    @property
    def order_good(self) -> bool:
        return ORDER not in self.failed

    def plain(self) -> dict[str, Any]:
        """As it is logged."""
        confirmed = self.confirmed.isoformat(timespec="milliseconds") if self.confirmed else None
        asked = {"triggered": self.silent is None, "silent": self.silent}
        return {"failed": dict(self.failed), "confirmed": confirmed, "first_login": self.first_login, **asked}


def judge(probes: Mapping[str, Sample], keys: Keys, names: frozenset[str] = FIELD_NAMES) -> dict[str, Diagnosis]:
    """What failed, by endpoint, diagnosed as in a remediation."""
    shown = {name: diagnose([probes[name]], keys, names, ENDPOINTS[name]) for name in in_order(probes)}
    return {name: each for name, each in shown.items() if each.symptom not in SHOWS_NO_FAILURE}


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
    """Everything a run needs, handed in. `publish` hands a text to the alarm topic.

    `learn_secrets` tells the mask what the diner's secret holds.
    """

    shop: Shop
    keys: Callable[[Deadline], Keys]
    store: Store
    publish: Callable[[str], None]
    minutes: int
    link_names: frozenset[str]
    clock: Callable[[], datetime]
    pool: Executor
    mask: Mask
    learn_secrets: Callable[[], object] = lambda: None
    sleep: Callable[[float], None] = time.sleep
    memory: CanaryMemory = field(default_factory=CanaryMemory)

    def run(self, at: datetime, deadline: Deadline) -> ProbeReport:
        """One run, begun at that time. Raises RemediatorError: a run that can't do its work counts as silent."""
        with self.mask.remembering():
            self.mask.add(self.memory.token)
            try:
                self.learn_secrets()
                return self._probe(at, deadline)
            except Exception as error:  # noqa: BLE001 - whatever the error, Lambda logs it
                raise named(error, self.mask.exception(error)) from None

    def _probe(self, at: datetime, deadline: Deadline) -> ProbeReport:
        cold = not self.memory.token
        confirmed, seen, order = self._look(at, deadline)
        since = self.clock()
        silent = self._trigger(confirmed, seen - confirmed.keys(), since)
        if self.memory.is_blind(at) and not confirmed:
            raise Blind(f"the shop, asked too often, has looked at no order since {self.memory.blind_since:%H:%M} UTC")
        return ProbeReport(
            healthy={name: name not in confirmed for name in in_order(seen - {ORDER})},
            failed={name: found.evidence for name, found in confirmed.items()},
            order=order if ORDER in seen else None,
            confirmed=since if confirmed else None,
            silent=silent,
            first_login=cold and bool(self.memory.token),
        )

    def _look(self, at: datetime, deadline: Deadline) -> tuple[dict[str, Diagnosis], set[str], Sample | None]:
        """What failed twice, the endpoints that the shop looked at, and the order that counts.

        What a token that isn't taken any more can't show is asked again only with a new one.
        """
        due = int(at.timestamp()) // 60 % self.minutes == 0 or self.memory.blind_since is not None
        renewed = True
        known = self.pool.submit(self.keys, deadline) if due else None
        login = self._log_in(at, deadline, tries=2) if self.memory.wants_login(at) else None
        first = self._ask([ORDER, *PROBES] if due else PROBES, at, deadline)
        keys = known.result() if known else {}
        failed = judge(first, keys, self.link_names)
        if any(first[name].status == 401 for name in failed):  # ended by another's logout?
            self.sleep(deadline.allow(SECONDS_TO_ANOTHER_TOKEN))
            login = self._log_in(at, deadline, tries=1)
            renewed = login is not None and login.symptom is Symptom.HEALTHY
        second = self._ask([name for name in failed if renewed or first[name].status != 401], at, deadline)
        confirmed = judge(second, keys, self.link_names)
        shown = {name: answer for name, answer in {**first, **second}.items() if name in second or name not in failed}
        seen = {name for name, answer in shown.items() if not answer.is_limited}
        if login and login.symptom is not Symptom.RATE_LIMITED:
            seen.add(CANARY_LOGIN)
            confirmed |= {} if login.symptom is Symptom.HEALTHY else {CANARY_LOGIN: login}
        if due:
            self.memory.note_order(at, looked_at=ORDER in seen)
        return confirmed, seen, shown.get(ORDER)

    def _log_in(self, at: datetime, deadline: Deadline, tries: int) -> Diagnosis | None:
        """Take a new token, and give back the one before. None if the shop wants to be left alone."""
        if not self.memory.may_ask(CANARY_LOGIN, at):
            return None
        answer = self.shop.login_as_canary(deadline)
        self.memory.note_refusals({CANARY_LOGIN: answer})
        found = judge_login(answer, CANARY_LOGIN, self.link_names)
        if isinstance(found, Diagnosis):
            limited = found.symptom is Symptom.RATE_LIMITED
            self.memory.refused |= not limited
            return found if limited or tries == 1 else self._log_in(at, deadline, tries - 1)
        self.mask.add(found)
        before = self.memory.hold(found, at)
        if before not in ("", found):
            self.shop.logout(before, deadline)
        return Diagnosis(Symptom.HEALTHY, "the login was accepted")

    def _ask(self, names: Iterable[str], at: datetime, deadline: Deadline) -> dict[str, Sample]:
        """Each that may be asked: all side by side, and then the order.

        Connections are a minute old. What meets a closed one is asked again, but for an order: that takes one that was
        used just now.
        """
        allowed, token, asked = [name for name in names if self.memory.may_ask(name, at)], self.memory.token, {}
        for name in allowed:
            if name != ORDER:
                bearer = token if ENDPOINTS[name].needs_token else None
                asked[name] = self.pool.submit(self.shop.probe, ENDPOINTS[name].path, bearer, deadline)
        answers = {name: answer.result() for name, answer in asked.items()}
        if ORDER in allowed:
            answers[ORDER] = self.shop.order(token, deadline)
        self.memory.note_refusals(answers)
        return answers

    def _trigger(self, failed: Mapping[str, Diagnosis], good: set[str], since: datetime) -> str | None:
        """Ask for a check of what failed, of an incident whose endpoints are all good, or of one for which the shop may
        be asked again, whatever was seen; or why not. If the state can't be read, ask.
        """
        try:
            state = self.store.state()
        except StateError:
            state = State()
        incident = state.incident
        recovery = not failed and incident is not None and self._sees_the_end(incident, good)
        if incident and not failed and not recovery and incident.may_be_asked_again(since):
            again = Diagnosis(Symptom.RATE_LIMITED, "the shop may be asked again")
            failed = dict.fromkeys(incident.endpoints, again)
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

    def _sees_the_end(self, incident: Incident, good: set[str]) -> bool:
        """Whether all that failed is good. Of the login the last one counts, if no check was later."""
        later = incident.last and self.memory.logged_in_at and self.memory.logged_in_at > incident.last.began
        return (good | {CANARY_LOGIN} if later else good).issuperset(incident.endpoints)
