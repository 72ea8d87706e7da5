"""The shop's own word, as docs/wiring.md has a shop give it: failed orders are told to the remediator."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from simulator.shop.express import AnswerError, Json, compact

_PAUSE = 10.0  # seconds from one word to the next
_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(slots=True)
class Word:
    """To whom it is given, with which secret, and of whose orders not: the remediator's own diners'.

    `host`: what the address is called, where its name leads nowhere. `posts`: those under way.
    """

    url: str
    secret: str
    diners: tuple[str, ...] = ()
    host: str = ""
    clock: Callable[[], float] = time.monotonic
    posts: set[asyncio.Task[None]] = field(default_factory=set)
    _quiet_until: float = 0.0

    async def watch(self, diner: str, asked: Awaitable[tuple[int, Json]]) -> tuple[int, Json]:
        """What the factory answered, or raised, as soon as it did."""
        try:
            status, reply = await asked
        except AnswerError:
            self._tell(diner, 0, link=False)
            raise
        self._tell(diner, status, link="://" in compact(reply))
        return status, reply

    def _tell(self, diner: str, status: int, *, link: bool) -> None:
        if (status == 200 and not link) or diner in self.diners or self.clock() < self._quiet_until:
            return
        self._quiet_until = self.clock() + _PAUSE
        post = asyncio.create_task(self._post({"shop": "stand-in", "status": status, "link": link}))
        self.posts.add(post)  # the loop itself keeps no task alive
        post.add_done_callback(self.posts.discard)

    async def _post(self, message: Json) -> None:
        headers = {"Authorization": f"Bearer {self.secret}"} | ({"Host": self.host} if self.host else {})
        try:
            async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
                await session.post(self.url, data=compact(message), headers=headers)
        except (aiohttp.ClientError, TimeoutError):
            pass  # whoever orders isn't to blame: the alarms and the canary still notice
