"""The doctor's checks of what the remediator needs to heal: the shop, its report links, the state."""

from datetime import UTC

from remediator.adapters.http import HttpFactory
from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, Symptom, diagnose
from remediator.endpoints import CANARY_LOGIN, ORDER
from remediator.limits import Limits
from remediator.outcome import CONSEQUENCES
from remediator.report_link import FIELD_NAMES, LinkPolicy, Refusal, guard
from remediator_cli.doctor.rate_limit import read_limit
from remediator_cli.doctor.target import Answer, Grade, Target
from remediator_cli.status import has_canary, say_when_asked_again

SECONDS_FOR_LIMITS = 5.0


def check_login(target: Target) -> Answer:
    """Both logins, one after the other: two of one diner in one second would share a token."""
    for who in (ORDER, CANARY_LOGIN):
        with target.logged_in(who) as (_, token, _):
            if isinstance(token, Diagnosis):
                return _unhealthy(token, "the canary's login: " if who == CANARY_LOGIN else "")
    return Answer("ok", "the shop took the credentials of the diner and of the canary")


def check_sample(target: Target) -> Answer:
    chosen = target.settings
    with target.logged_in() as (shop, token, deadline):
        if isinstance(token, Diagnosis):
            return _unhealthy(token)
        answer = shop.order(token, deadline)
    keys = HttpFactory(target.http, chosen.allowed_report_links[0].address).keys(deadline)
    shown = diagnose([answer], keys, FIELD_NAMES | frozenset(chosen.link_fields))
    if shown.symptom is not Symptom.HEALTHY:
        return _unhealthy(shown)
    return Answer("ok" if keys else "note", f"{shown.symptom}: {shown.evidence}", "look at the factory's key set")


def check_incident(target: Target) -> Answer:
    """An incident that nobody checks any more: neither a canary nor a resolved alarm says that it is over."""
    incident, now = target.state.incident, target.clock()
    if incident is None:
        return Answer("ok", "none is open")
    if again := say_when_asked_again(target.stack, target.state):
        grade: Grade = "note" if has_canary(target.stack) else "broken"
        return Answer(grade, f"{incident.id} is open, and the shop wants to be left alone; it is asked again {again}")
    if incident.is_forgotten(now):
        return Answer("broken", f"{incident.id} is open, and nothing has checked the shop for an hour")
    return Answer("note", f"{incident.id} is open", f"`remediator show {incident.id}`")


def check_limits(target: Target) -> Answer:
    """What the shop says of its limits (`RateLimit-*`), and whether canary and a check fit them, diners left out."""
    url = f"{target.settings.shop_url.rstrip('/')}/"
    answer = target.http.ask("GET", url, Deadline.after(SECONDS_FOR_LIMITS), SECONDS_FOR_LIMITS)
    limit = read_limit(answer.limits)
    if limit is None:
        return Answer("ok", "the shop names none")
    said, least = f"{limit.requests} requests in {limit.seconds} s", limit.least_minutes()
    minutes = int(target.stack.parameters.get("CanaryMinutes", "5"))
    if minutes == 0 or (least and minutes >= least):
        return Answer("ok", f"{said}; that fits CanaryMinutes={minutes}, if diners aren't counted in it")
    fits = f"CanaryMinutes={least} or more" if least else "no canary: CanaryMinutes=0, or a higher limit"
    return Answer("broken", f"{said}; what fits is {fits}")


def _unhealthy(shown: Diagnosis, whose: str = "") -> Answer:
    """What the remediator itself would ask of a person, if it wouldn't call a link."""
    ask = shown.ask or (CONSEQUENCES[shown.outcome].ask if shown.outcome else "")
    return Answer("broken", f"{shown.symptom}: {whose}{shown.evidence}", ask)


def check_hosts(target: Target) -> Answer:
    """The guard itself judges links that nobody issued, one a template: shape, look-up, addresses."""
    private = bool(target.settings.game_day_ca)
    policy = LinkPolicy(target.settings.allowed_report_links, allow_private=private)
    links = {each.address: each.text.replace("{key}", "0").replace("{code}", "0") for each in policy.templates}
    judged = {host: guard(link, policy, target.resolve) for host, link in links.items()}
    wrong = [f"{host}: {said.reason}" for host, said in judged.items() if isinstance(said, Refusal)]
    if wrong:
        return Answer("broken", "; ".join(wrong))
    if private:
        return Answer("note", f"{', '.join(links)}; private addresses pass too", "empty GameDayCa in an account")
    return Answer("ok", f"public: {', '.join(links)}")


def check_table(target: Target) -> Answer:
    return Answer("ok", f"the state is at entry {target.state.v}")


def check_outbox(target: Target) -> Answer:
    overdue = [each.subject for each in target.state.outbox if each.until <= target.clock()]
    if overdue:
        return Answer("broken", f"not sent: {', '.join(overdue)}")
    waiting = len(target.state.outbox)
    return Answer("ok", f"{waiting} being sent" if waiting else "nothing waits to be sent")


def check_mode(target: Target) -> Answer:
    if pause := target.state.pause_in_force(target.clock()):
        until = f"until {pause.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if pause.until else "without an end"
        return Answer("broken", f"paused by {pause.who} {until}: {pause.why}")
    if target.settings.mode == "observe":
        return Answer("note", "observe, by the template: it calls nothing", "deploy with Mode=act once you trust it")
    if target.state.mode == "observe":
        return Answer("note", "observe, by a person: it calls nothing", "`remediator mode act --reason …`")
    return Answer("ok", "act, not paused")


def check_calls(target: Target) -> Answer:
    most = target.settings.calls_an_hour
    left = Limits(calls_an_hour=most).calls_left(target.state, target.clock())
    return Answer("ok" if left else "broken", f"{left} of {most} left in this hour")
