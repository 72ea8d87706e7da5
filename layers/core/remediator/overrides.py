"""What a person may override: pause, resume, mode. As pure as the other decisions on the state."""

from dataclasses import replace
from datetime import datetime

from remediator.audit import format_timestamp
from remediator.decisions import NothingToDo
from remediator.state import Change, Mode, Pause, State


def pause(state: State, now: datetime, why: str, who: str, until: datetime | None) -> Change:
    """A person's stop. It is seen by the next intent, also of a run that is under way."""
    data = {"why": why, "who": who, "until": format_timestamp(until) if until else None}
    return Change(replace(state, pause=Pause(why, who, until))).with_entry(None, now, "paused", data)


def resume(state: State, now: datetime, who: str) -> Change | NothingToDo:
    """The end of a pause, if there is one."""
    if state.pause is None:
        return NothingToDo()
    return Change(replace(_due_at_once(state), pause=None)).with_entry(None, now, "resumed", {"who": who})


def set_mode(state: State, now: datetime, mode: Mode, why: str, who: str) -> Change:
    """A person's mode. The template's is the ceiling: `act` under a template of `observe` changes nothing."""
    data = {"mode": mode, "why": why, "who": who}
    return Change(replace(_due_at_once(state), mode=mode)).with_entry(None, now, "mode", data)


def _due_at_once(state: State) -> State:
    """The state whose open incident isn't paced any more: what may be called has changed."""
    return replace(state, incident=replace(state.incident, last=None) if state.incident else None)
