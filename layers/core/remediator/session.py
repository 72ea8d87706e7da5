"""A diner at the shop: logs in, orders, logs out."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, judge_login
from remediator.masking import Mask
from remediator.ports import Shop
from remediator.sample import Sample


@dataclass(slots=True)
class Session:
    """One run's stay at the shop. Its token is in the mask from the moment it is known."""

    shop: Shop
    deadline: Deadline
    pool: Executor
    mask: Mask
    sleep: Callable[[float], None]
    token: str | None = None
    renewed: bool = False

    def log_in(self) -> Diagnosis | None:
        """Get a token, unless there is one; or why there is none. Raises SecretError."""
        if self.token:
            return None
        found = judge_login(self.shop.login(self.deadline))
        if isinstance(found, Diagnosis):
            return found
        self.token = found
        self.mask.add(found)
        return None

    def order(self, count: int) -> list[Sample]:
        """Orders side by side. A token that is refused is renewed once, in a later second: two logins of one diner in
        one second share a token, and the logout of one ends both.
        """
        samples = self._order_at_once(count)
        if all(sample.status == 401 for sample in samples) and not self.renewed:
            self.token, self.renewed = None, True
            self.sleep(self.deadline.allow(1.0))
            if self.log_in() is None:
                samples = self._order_at_once(count)
        return samples

    def log_out(self) -> None:
        if self.token:
            self.shop.logout(self.token, self.deadline)
            self.token = None

    def _order_at_once(self, count: int) -> list[Sample]:
        token = self.token or ""
        others = [self.pool.submit(self.shop.order, token, self.deadline) for _ in range(count - 1)]
        mine = self.shop.order(token, self.deadline)
        return [mine, *(order.result() for order in others)]
