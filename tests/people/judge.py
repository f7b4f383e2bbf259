"""Whether the bot spoke over people, said something twice or out of order, or left a customer alone.

Judged from what Chatwoot has stored, and from what people did and when: from nothing that the product says of itself.
Where two things overlap in time, nobody can know which came first, and neither is held against the bot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.people.timeline import Act, Doing, Said, Timeline
from tests.tally import tally

GRACE_S = 0.5
"""So long after a person's call was answered the bot may still speak: it was posting by then."""
_ECHO = "Echo: "

_GIVES_BACK: dict[Doing, frozenset[Doing]] = {
    Doing.ASSIGN: frozenset({Doing.UNASSIGN, Doing.SET_PENDING, Doing.HAND_BACK}),
    Doing.OPEN: frozenset({Doing.SET_PENDING, Doing.HAND_BACK}),
    Doing.WRITE: frozenset({Doing.SET_PENDING, Doing.HAND_BACK}),
    Doing.PAUSE: frozenset({Doing.HAND_BACK}),
    Doing.RESOLVE: frozenset({Doing.SET_PENDING, Doing.HAND_BACK}),
}
"""How the conversation is taken from the bot, and what gives back what was taken so.

A customer who writes in a resolved conversation gives back all but a label, too.
"""


@dataclass(frozen=True)
class SpokenOver:
    said: Said
    act: Act
    """The first that had taken the conversation."""

    @property
    def after_s(self) -> float:
        """How long the bot could have known."""
        return self.said.at - self.act.answered


@dataclass(frozen=True)
class Verdict:
    timeline: Timeline
    spoken_over: tuple[SpokenOver, ...]
    twice: tuple[str, ...]
    out_of_order: tuple[str, ...]
    """Echoed after something that was written later."""
    left_alone: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        return not (self.spoken_over or self.twice or self.out_of_order or self.left_alone)

    def __str__(self) -> str:
        """What is wrong, and how it came."""
        over = [
            f"{each.said.text!r}, {each.after_s:.2f} s after {each.act.who} {each.act.doing}"
            for each in self.spoken_over
        ]
        found = {
            "spoken over": over,
            "twice": self.twice,
            "out of order": self.out_of_order,
            "left alone": self.left_alone,
        }
        lines = [f"{what}: {text}" for what, texts in found.items() for text in texts]
        return "\n".join([*lines, str(self.timeline)])


def judge(timeline: Timeline) -> Verdict:
    """To be asked when everything is handed back and there was time to answer."""
    replies = [each.text for each in timeline.bots if each.text.startswith(_ECHO)]
    told = tally([each.text for each in timeline.customers], replies)
    return Verdict(
        timeline,
        spoken_over=tuple(_spoken_over(timeline)),
        twice=told.doubled,
        out_of_order=told.out_of_order,
        left_alone=tuple(
            each.text for each in timeline.customers if each.text in told.lost and not _is_excused(timeline, each)
        ),
    )


def is_peoples(timeline: Timeline) -> bool:
    """Whether people may have the conversation now: nothing that was begun since gives back all that they took."""
    return any(
        not any(back.begun >= act.answered for back in _returns(timeline, act.doing))
        for act in timeline.acts
        if act.doing in _GIVES_BACK
    )


def _spoken_over(timeline: Timeline) -> Iterator[SpokenOver]:
    for said in timeline.bots:
        held = [act for act in timeline.acts if act.doing in _GIVES_BACK and _is_held(timeline, act, said.at)]
        if held:
            yield SpokenOver(said, min(held, key=lambda act: act.answered))


def _is_held(timeline: Timeline, act: Act, at: float) -> bool:
    """Whether people had taken the conversation by this act, and had not begun to give it back."""
    if act.answered + GRACE_S >= at:
        return False
    return all(back.answered < act.begun for back in _returns(timeline, act.doing) if back.begun < at)


def _returns(timeline: Timeline, taken: Doing) -> Iterator[Act]:
    """All that gives back what is taken in this way, whenever it was."""
    yield from (act for act in timeline.acts if act.doing in _GIVES_BACK[taken])
    if taken is not Doing.PAUSE:
        yield from _reopenings(timeline)


def _reopenings(timeline: Timeline) -> Iterator[Act]:
    """A customer's messages that Chatwoot may have reopened a resolved conversation for, as acts of no length."""
    resolved = [act for act in timeline.acts if act.doing is Doing.RESOLVE]
    for said in timeline.customers:
        if any(act.begun < said.at and not _is_undone(timeline, act, said) for act in resolved):
            yield Act(Doing.SET_PENDING, said.at, said.at, "the customer")


def _is_undone(timeline: Timeline, resolved: Act, said: Said) -> bool:
    """Whether the status was surely changed between the two: by a person, or by the customer's writing before."""
    by_people = any(
        act.begun > resolved.answered and act.answered < said.at
        for act in timeline.acts
        if act.doing in (Doing.OPEN, Doing.SET_PENDING, Doing.HAND_BACK)
    )
    return by_people or any(resolved.answered < each.at < said.at for each in timeline.customers)


def _is_excused(timeline: Timeline, unanswered: Said) -> bool:
    """A person answered the customer, or ended the conversation."""
    answered = any(each.id > unanswered.id for each in timeline.persons)
    return answered or any(act.doing is Doing.RESOLVE and act.answered > unanswered.at for act in timeline.acts)
