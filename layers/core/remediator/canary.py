"""The canary: probes the shop each minute as a diner would, and triggers the remediator if a probe fails twice."""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, Symptom, diagnose, judge_login
from remediator.errors import StateError
from remediator.jwt import Keys
from remediator.masking import Mask
from remediator.ports import ProbedShop, Store
from remediator.report_link import FIELD_NAMES
from remediator.sample import Sample
from remediator.state import State

SECONDS_TO_TRIGGER = 15.0  # kept back: the state and the topic, three tries of each
SECONDS_TO_ANOTHER_TOKEN = 1.0  # two logins of one diner in one second share a token
LOGIN, ORDER = "login", "order"


@dataclass(frozen=True, slots=True)
class Probe:
    """A GET that is safe at any time."""

    path: str
    needs_token: bool = False


# The contract page's "Endpoints that are safe to probe". None of them touches the factory: only an order shows chaos.
PROBES: Final = {
    "process": Probe("/"),  # the process is up
    "menu": Probe("/api/order/menu"),  # the database answers
    "franchises": Probe("/api/franchise"),  # and by another table
    "diner": Probe("/api/user/me", needs_token=True),  # tokens are known
    "orders": Probe("/api/order", needs_token=True),  # a diner's orders can be read
}
# The names that its alarms bear: they trigger whatever the setting AlarmNames says.
ALARMS: Final = {name: f"canary: {name}" for name in (LOGIN, *PROBES, ORDER)}


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What one run saw. `healthy`: whether each endpoint asked was good at either try; `order`: the one that counts.

    `failed` holds what failed twice, with its evidence, since `confirmed`. `silent`: why it didn't trigger then.
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
        triggered = bool(self.failed) and self.silent is None
        return {"failed": dict(self.failed), "confirmed": confirmed, "triggered": triggered, "silent": self.silent}


def judge(probes: Mapping[str, Sample], keys: Keys, names: frozenset[str] = FIELD_NAMES) -> dict[str, str]:
    """What failed, with the evidence. A good answer is a 200 with JSON; an order is diagnosed as in a remediation."""
    failed = {}
    for name, sample in probes.items():
        if name == ORDER:
            shown = diagnose([sample], keys, names)
            if shown.symptom is not Symptom.HEALTHY:
                failed[name] = shown.evidence
        elif sample.status != 200 or sample.json is None:
            failed[name] = str(sample.fault or sample.status)
    return failed


def alarm(failed: Mapping[str, str], since: datetime) -> str:
    """The message that triggers the remediator, in Alertmanager's shape: one firing alert for each failed probe."""
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": ALARMS[name]},
            "annotations": {"summary": evidence},
            "startsAt": since.isoformat(),
        }
        for name, evidence in failed.items()
    ]
    return json.dumps({"receiver": "canary", "status": "firing", "alerts": alerts})


@dataclass(frozen=True)
class Canary:
    """Everything a run needs, handed in. `publish` hands a text to the alarm topic."""

    shop: ProbedShop
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
        """One run, begun at that time. Raises SecretError, PublishError: a run that can't do its work counts as silent.

        The token is given back before it triggers: a remediation that logs in within the same second may share it.
        """
        self.mask.forget()
        due = int(at.timestamp()) // 60 % self.minutes == 0
        known = self.pool.submit(self.keys, deadline) if due else None
        token = self._login(deadline, tries=2)
        asked = [name for name, probe in PROBES.items() if isinstance(token, str) or not probe.needs_token]
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
            confirmed[LOGIN] = token.evidence
        healthy = {name: name not in confirmed for name in (LOGIN, *asked)}
        order = second.get(ORDER, first.get(ORDER))
        if not confirmed:
            return ProbeReport(healthy, {}, order)
        since = self.clock()
        return ProbeReport(healthy, confirmed, order, since, self._trigger(confirmed, since))

    def _login(self, deadline: Deadline, tries: int) -> str | Diagnosis:
        found = judge_login(self.shop.login(deadline))
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
            elif name in PROBES and (mine or not PROBES[name].needs_token):
                bearer = mine if PROBES[name].needs_token else None
                asked[name] = self.pool.submit(self.shop.probe, PROBES[name].path, bearer, deadline)
        return {name: answer.result() for name, answer in asked.items()}

    def _trigger(self, failed: Mapping[str, str], since: datetime) -> str | None:
        """Trigger the remediator, unless a check is under way. If the state can't be read, trigger."""
        try:
            state = self.store.state()
        except StateError:
            state = State()
        if state.check and state.check.lease.until > since:
            return "a remediation is running"
        self.publish(self.mask.text(alarm(failed, since)))
        return None
