"""`remediator link URL`: would this link be called?"""

import click

from remediator.adapters.pinned import system_resolver
from remediator.link_template import DEFAULT, LinkTemplate
from remediator.report_link import LinkPolicy, Refusal, guard
from remediator_cli.terminal import always_json, say_json

REFUSED = 3


def _read(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> tuple[LinkTemplate, ...]:
    try:
        return tuple(map(LinkTemplate.read, texts))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


allow_links = click.option(
    "--allow",
    "templates",
    metavar="TEMPLATE",
    multiple=True,
    default=(DEFAULT,),
    show_default=True,
    callback=_read,
    help="A shape of allowed links, as in the parameter AllowedReportLinks; may be given several times.",
)


@click.command()
@always_json
@click.argument("url")
@allow_links
@click.option("--allow-private", is_flag=True, help="Let private addresses pass, as on game days.")
@click.option(
    "--no-resolve", is_flag=True, help="Don't look the host up; an address in the URL is judged all the same."
)
@click.pass_context
def link(
    context: click.Context, *, url: str, templates: tuple[LinkTemplate, ...], allow_private: bool, no_resolve: bool
) -> None:
    """Say whether the report link URL would be called. Nothing is called.

    Prints one JSON object, which never holds the link. Exit code 0: it would be called; 3: it would not.

    \b
    Example: remediator link "$URL" --allow "https://factory.example.com/api/support/{key}/report/{code}"
    """
    verdict = guard(url, LinkPolicy(templates, allow_private), None if no_resolve else system_resolver)
    refused = isinstance(verdict, Refusal)
    shown = {
        "allowed": not refused,
        "reason": verdict.reason if isinstance(verdict, Refusal) else "it fits an allowed template, whole",
        "host": verdict.host,
        "fingerprint": verdict.fingerprint,
    }
    say_json(shown)
    context.exit(REFUSED if refused else 0)
