"""The shop's examination: samples of the endpoints that matter now, and what they show."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from remediator.diagnosis import Diagnosis, Symptom, combine, diagnose
from remediator.endpoints import ENDPOINTS, ORDER, in_order
from remediator.jwt import Keys
from remediator.masking import Mask
from remediator.sample import Sample, looked_at
from remediator.session import Session

SAMPLES: Final = 2  # of an endpoint must fail before the first call of a link


@dataclass(frozen=True, slots=True)
class Examiner:
    """Samples and diagnoses, for one run. `keys` is waited for only if there is a JWT to verify."""

    session: Session
    keys: Future[Keys]
    link_names: frozenset[str]
    mask: Mask

    def examine(self, named: Iterable[str], count: int, now: datetime) -> tuple[Diagnosis, datetime]:
        """`count` samples of each endpoint named, and an order in any case; and when the first began.

        Of what isn't healthy two are taken; where two disagree, two new ones, once. If the shop, asked too often, looks
        at fewer of them, they show nothing.
        """
        taken = self.session.sample({ORDER: 1, **dict.fromkeys(named, count)})
        began = _began(taken, now)
        more = {}
        for name, samples in taken.items():
            symptom, shown = self._diagnose_one(name, samples).symptom, looked_at(samples)
            if shown and symptom is not Symptom.HEALTHY and len(shown) < SAMPLES:
                more[name] = SAMPLES - len(shown)
            elif symptom is Symptom.DISAGREE:
                more[name], taken[name] = SAMPLES, []
        for name, samples in self.session.sample(more).items():
            all_of_it = [*taken[name], *samples]
            enough = len(looked_at(all_of_it)) >= SAMPLES
            taken[name] = all_of_it if enough else [each for each in all_of_it if each.is_limited] or all_of_it
        return self._diagnose(taken), began

    def verify(self, failing: Iterable[str], now: datetime) -> tuple[Diagnosis, datetime]:
        """One sample of each endpoint that failed, and an order in any case; and when the first began."""
        self.session.log_in()
        taken = self.session.sample(dict.fromkeys((ORDER, *failing), 1))
        return self._diagnose(taken), _began(taken, now)

    def _diagnose(self, taken: Mapping[str, Sequence[Sample]]) -> Diagnosis:
        diagnosis = combine({name: self._diagnose_one(name, taken[name]) for name in in_order(taken)})
        for offered in diagnosis.links:
            self.mask.add(offered)
        return diagnosis

    def _diagnose_one(self, name: str, samples: Sequence[Sample]) -> Diagnosis:
        """What needs a token and couldn't be asked shows what the login did."""
        if not samples and self.session.refused:
            return self.session.refused
        known = self.keys.result() if any(sample.status == 200 for sample in samples) else {}
        return diagnose(samples, known, self.link_names, ENDPOINTS[name])


def _began(taken: Mapping[str, Sequence[Sample]], now: datetime) -> datetime:
    return min((sample.began for samples in taken.values() for sample in samples), default=now)
