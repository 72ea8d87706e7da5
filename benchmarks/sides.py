"""What is compared: the built remediator, the forty lines, the bare import, and the limit that the network sets."""

import http.client
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.request
import zipfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import click

from benchmarks.stubs import RequestRecord, Stubs
from simulator.emulator import Emulator
from simulator.invoke import sent_now
from simulator.local_aws import REGION, build, run_sam
from simulator.paths import ROOT, RUNTIME_PYTHON

FORTY_LINES = ROOT.parent / "shared" / "bench" / "forty_lines"
PINS = ROOT / "requirements" / "bench.txt"  # the four packages, at the versions of the layer
EVENT = ROOT / "events" / "cloudwatch-alarm.json"
ORDER = '{"franchiseId":1,"storeId":1,"items":[{"menuId":1,"description":"Veggie","price":0.0038}]}'
ACCESS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Side:
    """One built function, and its environment."""

    name: str
    built: Path
    variables: Mapping[str, str]

    def zipped(self) -> int:
        """How large its function and its layer, if it has one, are as zip files, in bytes."""
        return sum(_zipped(self.built / part) for part in ("Remediate", "Core"))


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation: when it was sent, when the shop got its first byte, all that was asked in between.

    `seconds` until the function was done. `memory` is the process's peak until now in bytes, `cpu` the seconds of CPU
    it has used since it started.
    """

    sent: float
    first_byte: float | None
    asked: tuple[RequestRecord, ...]
    seconds: float = 0.0
    memory: int = 0
    cpu: float = 0.0

    @property
    def verified(self) -> float:
        """Seconds from sending to the answer of the order that verifies. Raises ClickException if there is none."""
        good = [record.ended for record in self.asked if record.what == "POST order" and record.status == 200]
        if not good:
            raise click.ClickException("nothing was healed")
        return max(good) - self.sent


class Process(Emulator):
    """A runtime emulator, with the runtime process below it. The first invocation starts that process."""

    def heal(self, stubs: Stubs) -> Invocation:
        """Break the shop, send the alarm, and tell what came of it. Raises ClickException if it failed."""
        stubs.break_shop()
        return self.invoke(sent_now(json.loads(EVENT.read_text())), stubs)

    def invoke(self, event: object, stubs: Stubs) -> Invocation:
        """Hand it the event, and tell what came of it. Raises ClickException if it failed."""
        sent = time.monotonic()
        body = json.dumps(event).encode()
        with urllib.request.urlopen(self.url, data=body, timeout=SECONDS) as answer:  # noqa: S310 - loopback
            ended = json.loads(answer.read())
        seconds = time.monotonic() - sent
        first_byte, asked = stubs.asked()
        if isinstance(ended, dict) and ("errorType" in ended or ended.get("failed")):
            raise click.ClickException(f"the function failed: {ended}\n{self.log.read_text()[-2000:]}")
        runtime = self._runtime()
        return Invocation(sent, first_byte, tuple(asked), seconds, _peak(runtime), _cpu(runtime))

    def _runtime(self) -> Path:
        """The runtime's folder in /proc."""
        emulator = str(self._process.pid)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            if _stat(stat.parent)[1] == emulator:
                return stat.parent
        raise click.ClickException("the emulator has no runtime process")


def _stat(process: Path) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on; none if the process has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", ""]


def _peak(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _cpu(process: Path) -> float:
    user, system = _stat(process)[11:13]
    return (int(user) + int(system)) / TICKS


def our_variables(stubs: Stubs, target: str) -> dict[str, str]:
    """The environment that the template gives, for these stubs. `target`: a state of its own."""
    return ACCESS | {
        "TARGET": target,
        "SHOP_URL": stubs.url("shop"),
        "ALLOWED_REPORT_LINKS": f"https://127.0.0.1:{stubs.ports['factory']}/api/support/{{key}}/report/{{code}}",
        "DINER_SECRET_ARN": f"arn:aws:secretsmanager:{REGION}:000000000000:secret:bench",
        "TABLE": "bench",
        "NOTIFICATION_TOPIC_ARN": f"arn:aws:sns:{REGION}:000000000000:people",
        "MODE": "act",
        "ORDER": ORDER,
        "ORDER_SECONDS": "40",
        "CALLS_AN_HOUR": "100000",
        "KEEP_DAYS": "400",
        "GAME_DAY_CA": b64encode(ssl.PEM_cert_to_DER_cert(stubs.ca)).decode(),
        "GAME_DAY_AWS": stubs.url("aws"),
        "POWERTOOLS_SERVICE_NAME": "remediate",
    }


def canary_variables(stubs: Stubs) -> dict[str, str]:
    """The canary's environment: it orders at each run."""
    topic = {"ALARM_TOPIC_ARN": f"arn:aws:sns:{REGION}:000000000000:alarms", "CANARY_MINUTES": "1"}
    return our_variables(stubs, "canary") | topic | {"ORDER_SECONDS": "5", "POWERTOOLS_SERVICE_NAME": "canary"}


def plain(name: str, source: Path, folder: Path, stubs: Stubs) -> Side:
    """A function of one file with our pins, as `sam build` makes it; its TLS trusts certifi's bundle and the stubs."""
    project = ROOT / ".aws-sam" / "bench" / source.name  # one place, so that SAM finds what it built before
    shutil.copytree(source, project, dirs_exist_ok=True)
    shutil.copy(PINS, project / "src" / "requirements.txt")
    words = ("--template", str(project / "template.yaml"), "--build-dir", str(project / "build"))
    cache = ("--cached", "--cache-dir", str(project / "cache"))
    known = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    run_sam("build", *words, *cache, environment=known | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION})
    built = Path(shutil.copytree(project / "build", folder / name))
    bundle = folder / f"{source.name}.pem"
    bundle.write_text((built / "Remediate" / "certifi" / "cacert.pem").read_text() + stubs.ca)
    variables = {
        "AWS_ENDPOINT_URL": stubs.url("aws"),
        "REQUESTS_CA_BUNDLE": str(bundle),
        "AUDIT_TABLE": "audit",
        "SHOP_URL": stubs.url("shop"),
        "EMAIL": "bench@example.com",
        "PASSWORD": "bench-password",
    }
    return Side(name, built, ACCESS | variables)


def compiled(side: Side, name: str) -> Side:
    """The same side with byte code in it, as the runtime's own Python compiles it."""
    built = Path(shutil.copytree(side.built, side.built.parent / name))
    _compile(built)
    return Side(name, built, side.variables)


def _compile(folder: Path) -> None:
    words = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run([str(RUNTIME_PYTHON), *words], check=True)


def built_sides(folder: Path, stubs: Stubs) -> list[Side]:
    """All that are started cold, the remediator first. The forty lines only if ../shared has them."""
    _compile(RUNTIME_PYTHON.parents[1] / "lib")  # Lambda's own runtime client is compiled, uv's isn't
    sides = [Side("remediator", build(folder), our_variables(stubs, "cold"))]
    if FORTY_LINES.exists():
        forty = plain("forty lines", FORTY_LINES, folder, stubs)
        sides += [forty, compiled(forty, "forty lines, compiled")]
    bare = plain("bare import, as built", Path(__file__).parent / "bare", folder, stubs)
    return [*sides, compiled(bare, "bare import")]


def _zipped(folder: Path) -> int:
    """At level 9, in one order, without dates; next to nothing for a folder that isn't there."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)))
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return target.getbuffer().nbytes


class Limit:
    """The round trips that can't be avoided, one after the other, on connections that are open already."""

    def __init__(self, stubs: Stubs) -> None:
        trust = ssl.create_default_context(cadata=stubs.ca)
        ports = stubs.ports
        self._to = {name: http.client.HTTPConnection("127.0.0.1", ports[name]) for name in ("shop", "aws")}
        self._to["factory"] = http.client.HTTPSConnection("127.0.0.1", ports["factory"], context=trust)
        for connection in self._to.values():
            connection.connect()

    def heal(self, stubs: Stubs) -> Invocation:
        """Claim, log in, order, note the intent, report, order."""
        stubs.break_shop()
        sent = time.monotonic()
        self._ask("aws", "POST", "/", "{}")
        self._ask("shop", "PUT", "/api/auth", "{}")
        link = self._ask("shop", "POST", "/api/order", ORDER)["followLinkToEndChaos"]
        self._ask("aws", "POST", "/", "{}")
        self._ask("factory", "GET", link)
        self._ask("shop", "POST", "/api/order", ORDER)
        first_byte, asked = stubs.asked()
        return Invocation(sent, first_byte, tuple(asked))

    def _ask(self, server: str, method: str, path: str, body: str | None = None) -> Any:
        to = self._to[server]
        to.request(method, path, body, {"X-Amz-Goal": "DynamoDB.PutItem"} if server == "aws" else {})
        return json.loads(to.getresponse().read())
