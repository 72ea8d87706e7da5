"""`remediator redrive`: alarms that didn't reach the function, and events that failed three times."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from remediator.alarms import fields
from remediator_cli.queues import received
from remediator_cli.stack import Stack, changes_stack
from remediator_cli.terminal import as_json, confirm, has_person, say, say_json, shown

QUEUES = ("DeadLetterQueueUrl", "FailureQueueUrl")
HIDDEN_SECONDS = 300  # while you read a letter nobody else gets it


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The alarms in one message of a queue, as the topic can take them again. `why`: what AWS says of it."""

    queue: str
    receipt: str
    alarms: tuple[tuple[str, str], ...]  # subject, message
    why: str


@click.command()
@click.option("--yes", is_flag=True, help="Send them again without asking.")
@as_json
@changes_stack
def redrive(stack: Stack, *, yes: bool, as_json: bool) -> None:
    """List the dead letters, and send their alarms again.

    Those of both queues, with secrets masked, to the alarm topic. It asks first; with --json it sends nothing unless
    --yes is given. Exit code 1 if one couldn't be sent: it stays in its queue.

    \b
    Examples: remediator redrive
              remediator redrive --yes
    """
    with dead_letters(stack) as letters:
        rows = [
            {"queue": one.queue, "why": one.why, "subject": subject or None, "alarm": text}
            for one in letters
            for subject, text in one.alarms or (("", "what no reader knows; it is left in its queue"),)
        ]
        if not as_json:
            _list(rows)
        count, all_sent = sum(bool(letter.alarms) for letter in letters), True
        if not count:
            say("nothing to send again", err=True)
        elif not yes and (as_json or not has_person()):
            say("nothing was sent: give --yes if nobody can be asked", err=True)
        else:
            confirm(f"send {count} again?", yes=yes)
            all_sent = _send(stack, letters)
        if as_json:
            say_json({"letters": rows, "sent": yes and all_sent})
    sys.exit(0 if all_sent else 1)


def _list(rows: Iterable[Mapping[str, str | None]]) -> None:
    """Print each alarm in two lines: where it lies and why, and its beginning."""
    for row in rows:
        queue, why, subject, text = (shown(words or "")[:300] for words in row.values())
        say(f"{queue.removesuffix('Url')}: {why}")
        say(f"  {subject}: {text}")


def _send(stack: Stack, letters: list[DeadLetter]) -> bool:
    """Send the alarms of each again; one that was sent leaves the list. One that can't be is told, and the rest goes
    on. Whether all could be.
    """
    good = [letter for letter in letters if letter.alarms]
    for letter in good:
        try:
            _again(stack, letter)
            letters.remove(letter)
        except (BotoCoreError, ClientError, UnicodeError) as error:
            say(f"not sent, it stays in {letter.queue.removesuffix('Url')}: {error}", err=True)
    left = sum(bool(letter.alarms) for letter in letters)
    say(f"sent {len(good) - left} again", err=True)
    return not left


@contextmanager
def dead_letters(stack: Stack) -> Iterator[list[DeadLetter]]:
    """The letters of both queues, hidden from others. Those left in the list at the end, however that comes, can be
    seen by everybody again at once.
    """
    letters: list[DeadLetter] = []
    try:
        for queue in QUEUES:
            for batch in received(stack.client("sqs"), stack.outputs[queue], HIDDEN_SECONDS):
                letters += [DeadLetter(queue, one["ReceiptHandle"], *opened(one["Body"])) for one in batch]
        yield letters
    finally:
        for queue in QUEUES:
            _show_again(stack, queue, [letter.receipt for letter in letters if letter.queue == queue])


def _show_again(stack: Stack, queue: str, receipts: Sequence[str]) -> None:
    """Ten in a call, which is as many as SQS takes. One that it refuses is no longer hidden."""
    for some in batched(receipts, 10, strict=False):
        entries = [{"Id": str(at), "ReceiptHandle": one, "VisibilityTimeout": 0} for at, one in enumerate(some)]
        stack.client("sqs").change_message_visibility_batch(QueueUrl=stack.outputs[queue], Entries=entries)


def _again(stack: Stack, letter: DeadLetter) -> None:
    """Publish first, then delete: a letter may be sent twice, and is never lost."""
    for subject, text in letter.alarms:
        subjects = {"Subject": subject[:100]} if subject else {}
        stack.client("sns").publish(TopicArn=stack.outputs["AlarmTopicArn"], Message=text, **subjects)
    stack.client("sqs").delete_message(QueueUrl=stack.outputs[letter.queue], ReceiptHandle=letter.receipt)


def opened(body: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Subject and message of each alarm in a dead letter, and why it lies there.

    SNS leaves its notification; a failure destination of Lambda leaves `requestPayload`, the event, and
    `requestContext` (Lambda developer guide, "Capturing records of asynchronous invocations").
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return (), "no JSON"
    if not isinstance(found, dict):
        return (), "no letter"
    why = "SNS couldn't hand it to the function"
    if "requestPayload" in found:
        context = fields.mapping(found.get("requestContext"))
        why = f"{context.get('condition', 'failed')} after {context.get('approximateInvokeCount', '?')} tries"
        found = found["requestPayload"]
    records = found.get("Records") if isinstance(found, dict) else None
    notes = [r.get("Sns") for r in records if isinstance(r, dict)] if isinstance(records, list) else [found]
    return tuple(_alarm(note) for note in notes if isinstance(note, dict) and isinstance(note.get("Message"), str)), why


def _alarm(note: dict[str, Any]) -> tuple[str, str]:
    subject = note.get("Subject")
    return (subject if isinstance(subject, str) else "", note["Message"])
