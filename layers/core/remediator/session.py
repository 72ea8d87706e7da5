"""A diner at the shop: logs in, samples its endpoints, logs out."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from typing import Final

from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, judge_login
from remediator.endpoints import ENDPOINTS, Endpoint
from remediator.masking import Mask
from remediator.ports import Shop
from remediator.sample import Sample, looked_at

SECONDS_FOR_A_CHECK: Final = 70.0  # a throttled order, login, call and the order after it


@dataclass(slots=True)
class Session:
    """One run's stay at the shop. Its token is in the mask from the moment it is known.

    `refused`: why there is none, since the last login. `rested`: it has waited, since the shop is asked too often.
    """

    shop: Shop
    deadline: Deadline
    pool: Executor
    mask: Mask
    sleep: Callable[[float], None]
    token: str | None = None
    refused: Diagnosis | None = None
    renewed: bool = False
    rested: bool = False

    def log_in(self) -> None:
        """Get a token, unless there is one. Raises SecretError."""
        if self.token:
            return
        answer = self.shop.login(self.deadline)
        if self._rest(answer):
            answer = self.shop.login(self.deadline)
        found = judge_login(answer)
        if isinstance(found, Diagnosis):
            self.refused = found
            return
        self.token, self.refused = found, None
        self.mask.add(found)

    def sample(self, wanted: Mapping[str, int]) -> dict[str, list[Sample]]:
        """So many samples of each endpoint, side by side; none of what needs a token if there is none.

        A token that is refused is renewed once, in a later second: two logins of one diner in one second share a token,
        and the logout of one ends both.
        """
        taken = self._sample_at_once(wanted)
        refused = {name: len(samples) - len(looked_at(samples)) for name, samples in taken.items()}
        if self._rest(*(each for samples in taken.values() for each in samples)):
            again = self._sample_at_once({name: count for name, count in refused.items() if count})
            taken |= {name: [*looked_at(taken[name]), *samples] for name, samples in again.items()}
        with_token = [each for name, samples in taken.items() if ENDPOINTS[name].needs_token for each in samples]
        if with_token and all(each.status == 401 for each in with_token) and not self.renewed:
            self.token, self.renewed = None, True
            self.sleep(self.deadline.allow(1.0))
            self.log_in()
            if self.token:
                taken = self._sample_at_once(wanted)
        return taken

    def _rest(self, *answers: Sample) -> bool:
        """Wait, once, for as long as a shop asks for that is asked too often; False if there is no need or no time."""
        rests = [each.rest for each in answers if each.is_limited]
        if self.rested or not rests or max(rests) > self.deadline.left - SECONDS_FOR_A_CHECK:
            return False
        self.rested = True
        self.sleep(max(rests))
        return True

    def log_out(self) -> None:
        if self.token:
            self.shop.logout(self.token, self.deadline)
            self.token = None

    def _sample_at_once(self, wanted: Mapping[str, int]) -> dict[str, list[Sample]]:
        if not self.refused and any(ENDPOINTS[name].needs_token for name in wanted):
            self.log_in()
        asked = [name for name, count in wanted.items() for _ in range(count) if self._can_ask(ENDPOINTS[name])]
        others = [(name, self.pool.submit(self._ask, ENDPOINTS[name])) for name in asked[1:]]
        taken: dict[str, list[Sample]] = {name: [] for name in wanted}
        try:
            if asked:
                taken[asked[0]].append(self._ask(ENDPOINTS[asked[0]]))
        finally:
            wait([answer for _, answer in others])
        for name, answer in others:
            taken[name].append(answer.result())
        return taken

    def _can_ask(self, endpoint: Endpoint) -> bool:
        return bool(self.token) or not endpoint.needs_token

    def _ask(self, endpoint: Endpoint) -> Sample:
        token = self.token or ""
        match endpoint.asked:
            case "order":
                return self.shop.order(token, self.deadline)
            case "login":
                return self._try_canary_login()
            case "get":
                return self.shop.probe(endpoint.path, token if endpoint.needs_token else None, self.deadline)

    def _try_canary_login(self) -> Sample:
        """The canary's login, and its logout, unless it is the diner's own token that was shared."""
        answer = self.shop.login_as_canary(self.deadline)
        if isinstance(token := judge_login(answer), str):
            self.mask.add(token)
            if token != self.token:
                self.shop.logout(token, self.deadline)
        return answer
