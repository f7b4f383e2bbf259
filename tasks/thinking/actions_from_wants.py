"""What a turn wants -> what is to be done in Chatwoot, action by action, as the customer's channel can take it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chatwoot.channels import ANY, Channel
from graph.outcome import Attributes, BadWant, File, HandOver, Labels, Later, Note, Outcome, Reply, Resolve, Want
from tasks.records import actions
from tasks.records.actions import (
    Action,
    Assign,
    Attached,
    ChangeLabels,
    Customer,
    MergeAttributes,
    PostMessage,
    ScheduleMessage,
    SetStatus,
)
from tasks.thinking.bubbles import bubbles, joined

_BETWEEN_PARTS_S = 0.001  # so that they are due in their order


@dataclass(frozen=True)
class TurnActions:
    """One turn's actions, in the making."""

    key: str
    """The turn's; each action gets one of its own that begins with it, the same however often the turn is answered."""
    asked_at: float
    limit: int
    """Characters that a message may have, where the channel does not take fewer."""
    channel: Channel = ANY
    answers: tuple[int, ...] = ()
    """The ids of the messages that the turn answers, oldest first."""
    customer: Customer | None = None
    newest: int = 0
    """The id of the newest message of which the turn was told."""

    def of(self, outcome: Outcome) -> list[Action]:
        """The actions of all that is wanted, in order; what ends the conversation comes last.

        Raises:
            BadWant: one of them cannot be made, or not written down.
        """
        made: list[Action] = []
        for want in sorted(self._in_letters(outcome), key=lambda want: isinstance(want, Resolve)):
            try:
                new = self._of(want, len(made))
                for action in new:
                    actions.dump(action)
            except Exception as error:  # a graph is a user's code, and may want anything
                raise BadWant(f"{type(want).__name__}: {type(error).__name__}") from error
            made += new
        return made

    def _in_letters(self, outcome: Outcome) -> Outcome:
        """Where each message is a letter, all that is said is one, in the place of the first."""
        replies = [want for want in outcome if isinstance(want, Reply)]
        if not self.channel.is_letters or len(replies) < 2:
            return outcome
        others = [want for want in outcome if not isinstance(want, Reply) or want is replies[0]]
        try:
            letter = joined(replies)
        except (AttributeError, TypeError) as error:  # a text that is none
            raise BadWant(f"Reply: {type(error).__name__}") from error
        return tuple(letter if want is replies[0] else want for want in others)

    def _of(self, want: Want, count: int) -> list[Action]:
        """`count`: how many actions there are already, which numbers the next."""
        if isinstance(want, Reply):
            return list(self._say(want, count))
        if isinstance(want, Later):
            return list(self._say_later(want, count))
        if isinstance(want, HandOver):
            return self._hand_over(want, count)
        if isinstance(want, Note):
            return list(self._note(want.text, self._key(count)))
        key, at, customer = self._key(count), self.asked_at, self.customer
        if isinstance(want, Labels):
            return [ChangeLabels(key=key, asked_at=at, customer=customer, add=want.add, remove=want.remove)]
        if isinstance(want, Attributes):
            return [MergeAttributes(key=key, asked_at=at, customer=customer, values=dict(want.values))]
        if isinstance(want, Resolve):
            return [SetStatus(key=key, asked_at=at, customer=customer, status="resolved")]
        return []  # Silence

    def _say(self, reply: Reply, count: int) -> Iterator[PostMessage]:
        """A message for each bubble; the quote hangs on the first."""
        for number, bubble in enumerate(bubbles(reply, self.channel, self.limit)):
            yield PostMessage(
                key=self._key(count + number),
                asked_at=self.asked_at,
                customer=self.customer,
                content=bubble.text,
                quick_replies=bubble.quick_replies,
                in_reply_to=reply.in_reply_to if number == 0 else None,
                files=tuple(map(_attached, bubble.files)),
                said_as=reply.said_as,
                answers=self.answers,
            )

    def _say_later(self, want: Later, count: int) -> Iterator[ScheduleMessage]:
        unless = self.newest if want.unless_they_write else None
        for number, post in enumerate(self._say(Reply(want.text), count)):
            due_at = self.asked_at + want.after_s + number * _BETWEEN_PARTS_S
            then = replace(post, asked_at=due_at, is_put_off=True, unless_newer_than=unless)
            key = f"{post.key}.later"
            yield ScheduleMessage(
                key=key, asked_at=self.asked_at, customer=self.customer, post=then, unless_newer_than=unless
            )

    def _hand_over(self, want: HandOver, count: int) -> list[Action]:
        """Opened last: the bot keeps out of it from then on."""
        key = self._key(count)
        made: list[Action] = list(self._say(Reply(want.closing), count)) if want.closing else []
        if want.team_id is not None:
            made.append(self._assign(f"{key}.team", team_id=want.team_id))
        if want.assignee_id is not None:
            made.append(self._assign(f"{key}.assignee", assignee_id=want.assignee_id))
        return made + actions.alert(key, want.reason, self.asked_at, self.customer)

    def _assign(self, key: str, *, team_id: int | None = None, assignee_id: int | None = None) -> Assign:
        return Assign(key=key, asked_at=self.asked_at, customer=self.customer, team_id=team_id, assignee_id=assignee_id)

    def _note(self, text: str, key: str) -> Iterator[PostMessage]:
        if words := text.strip():
            yield actions.note_to_team(key, words, self.asked_at, self.customer)

    def _key(self, count: int) -> str:
        return f"{self.key}.{count}"


def _attached(file: File) -> Attached:
    return Attached(file.name, base64.b64encode(file.content).decode(), file.content_type)
