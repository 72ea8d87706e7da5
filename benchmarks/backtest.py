"""What replaying a long history takes: a year of minutes, and 100,000 orders one by one."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final

YEAR: Final = 525_600  # minutes
ORDERS: Final = 100_000
MEGABYTE: Final = 1_000  # of ru_maxrss, which counts 1,024 bytes: near enough


def year_of_minutes(count: int = YEAR) -> Iterator[str]:
    """Minutes with up to four orders, one in a thousand of which fails, and an outage of 147 minutes."""
    chance = random.Random(1)  # noqa: S311 - figures, no secret
    for minute in range(count):
        placed = chance.randint(0, 4)
        outage = count // 2 <= minute < count // 2 + 147
        yield f"{60 * minute},{placed},{placed if outage else sum(chance.random() < 0.001 for _ in range(placed))}\n"


def month_of_orders(count: int = ORDERS) -> Iterator[str]:
    """Orders one by one, one in a thousand of which fails, and 155 in a row."""
    chance = random.Random(2)  # noqa: S311 - figures, no secret
    for order in range(count):
        outage = count // 2 <= order < count // 2 + 155
        yield f"{26 * order + 20 * chance.random():.3f},1,{int(outage or chance.random() < 0.001)}\n"


HISTORIES: Final[Mapping[str, Callable[[int], Iterator[str]]]] = {
    "a year of minutes": year_of_minutes,
    "100,000 orders, one by one": month_of_orders,
}


def replayed(lines: Iterator[str]) -> tuple[float, float]:
    """Seconds of CPU and MB at most of `remediator backtest` over a CSV of these lines, its start included."""
    words = [sys.executable, "-m", "remediator_cli.main", "backtest", "--csv", "-", "--json"]
    running = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert running.stdin
    with running.stdin as sink:
        sink.writelines(lines)
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise RuntimeError(f"the backtest ended with {running.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / MEGABYTE


def growth(history: Callable[[int], Iterator[str]], count: int) -> tuple[float, float, float]:
    """How much longer the whole takes than an eighth of it, both without the start; its seconds; its MB."""
    start, _ = replayed(iter(["0,1,0\n"]))
    eighth, _ = replayed(history(count // 8))
    seconds, memory = replayed(history(count))
    return (seconds - start) / (eighth - start), seconds, memory
