"""`python -m simulator.shop`: a shop of its own, until SIGINT or SIGTERM."""

import argparse
import json
import signal
import sys
import threading

from simulator.shop.server import StandInShop


def main() -> None:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    options = _parser().parse_args()
    with StandInShop(
        slow_seconds=options.slow,
        service_port=options.service_port,
        factory_port=options.factory_port,
        factory_name=options.factory_name,
    ) as shop:
        lines = [f"{name}: {value}" for name, value in addresses(shop).items()]
        sys.stdout.write((json.dumps(addresses(shop)) if options.json else "\n".join(lines)) + "\n")
        sys.stdout.flush()
        stopping.wait()


def addresses(shop: StandInShop) -> dict[str, str]:
    """All that another process needs to use the shop and to change its condition."""
    names = ("url", "factory_url", "report_links", "control_url", "ca_file")
    keys = ("email", "password", "vendor_token")
    return {name: getattr(shop, name) for name in (*names, *keys)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator.shop", description=__doc__)
    parser.add_argument("--slow", type=float, default=32.0, help="seconds of a throttled order")
    parser.add_argument("--service-port", type=int, default=0)
    parser.add_argument("--factory-port", type=int, default=0)
    parser.add_argument("--factory-name", default="127.0.0.1", help="in certificate and links")
    parser.add_argument("--json", action="store_true", help="the addresses as one JSON line")
    return parser


if __name__ == "__main__":
    main()
