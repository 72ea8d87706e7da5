"""What Amazon Q Developer takes in chats, as AWS's administrator guide documents it; nothing else is allowed here.

"Custom notifications using Amazon Q Developer in chat applications", under "Event schema" and "Parameter details":
docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html. The lengths are
as a public client quotes them from that page.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Step = Annotated[str, Field(min_length=1, max_length=350)]
Keyword = Annotated[str, Field(min_length=1, max_length=75)]


class _Documented(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Content(_Documented):
    """What is shown, in the chat's own markdown."""

    text_type: Literal["client-markdown"]
    title: str = Field(min_length=1, max_length=250)
    description: str = Field(min_length=1, max_length=8000)
    next_steps: list[Step]
    keywords: list[Keyword]


class Metadata(_Documented):
    """What threads it and, in a thread, heads it."""

    thread_id: str = Field(min_length=1)
    summary: str = Field(min_length=1)
    event_type: str = ""
    related_resources: list[str] = []
    additional_context: dict[str, str] = {}


class CustomNotification(_Documented):
    version: Literal["1.0"]
    source: Literal["custom"]
    id: str = ""
    content: Content
    metadata: Metadata
