"""One worker at a time writes to a recipient, and where a letter was put is known to all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tasks.customers.claims import Busy, Claim, Place, Recipients
from tests.stack import wait_until

PHONE, LETTER = "+34623226544", "1.of today"


@pytest.fixture
def recipients(redis_client: redis.Redis) -> Recipients:
    return Recipients(redis_client, 1)


def claimed(recipients: Recipients, letter: str = LETTER) -> Claim:
    claim = recipients.claim(PHONE, letter)
    assert isinstance(claim, Claim)
    return claim


def expire_claim(client: redis.Redis) -> None:
    """As time would."""
    [key] = client.scan_iter(match="*:recipient")
    client.pexpire(key, 1)
    wait_until(lambda: not client.exists(key), what="the claim to expire")


def test_of_many_one_gets_it(recipients: Recipients) -> None:
    def try_to(_: int) -> bool:
        try:
            return isinstance(recipients.claim(PHONE, LETTER), Claim)
        except Busy:
            return False

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(try_to, range(40))) == 1


def test_another_letter_to_the_same_person_waits_too(recipients: Recipients) -> None:
    claim = claimed(recipients)
    with pytest.raises(Busy) as busy:
        recipients.claim(PHONE, "2.another")
    assert 0 < busy.value.seconds <= 60
    recipients.let_go(claim)
    claimed(recipients, "2.another")


def test_another_person_does_not_wait(recipients: Recipients) -> None:
    claimed(recipients)
    assert isinstance(recipients.claim("+34600000004", LETTER), Claim)


def test_a_placed_letter_keeps_its_place(recipients: Recipients) -> None:
    claim = claimed(recipients)
    assert recipients.place(claim, Place(3, with_template=True)) == Place(3, with_template=True)
    assert recipients.claim(PHONE, LETTER) == Place(3, with_template=True)


def test_a_dead_workers_claim_ends(recipients: Recipients, redis_client: redis.Redis) -> None:
    claimed(recipients)
    expire_claim(redis_client)
    claimed(recipients)


def test_whoever_was_too_slow_makes_nothing_more(recipients: Recipients, redis_client: redis.Redis) -> None:
    slow = claimed(recipients)
    recipients.renew(slow)
    expire_claim(redis_client)
    heir = claimed(recipients)
    with pytest.raises(Busy):
        recipients.renew(slow)
    recipients.let_go(slow)  # is not its to let go of
    recipients.renew(heir)


def test_of_two_places_the_first_one_counts(recipients: Recipients, redis_client: redis.Redis) -> None:
    slow = claimed(recipients)
    expire_claim(redis_client)
    heir = claimed(recipients)
    recipients.place(heir, Place(3, with_template=False))
    assert recipients.place(slow, Place(4, with_template=True)) == Place(3, with_template=False)
    with pytest.raises(Busy):
        recipients.renew(slow)


def test_what_was_given_up_may_be_tried_anew(recipients: Recipients) -> None:
    claim = claimed(recipients)
    recipients.forget_letter(claim)
    recipients.let_go(claim)
    assert claimed(recipients).age_s == 0


def test_whoever_was_too_slow_gives_up_for_itself_alone(recipients: Recipients, redis_client: redis.Redis) -> None:
    slow = claimed(recipients)
    expire_claim(redis_client)
    heir = claimed(recipients)
    recipients.place(heir, Place(3, with_template=False))
    recipients.let_go(heir)
    recipients.forget_letter(slow)
    assert recipients.claim(PHONE, LETTER) == Place(3, with_template=False)


def test_no_phone_number_stands_in_redis(recipients: Recipients, redis_client: redis.Redis) -> None:
    claimed(recipients)
    keys = list(redis_client.scan_iter())
    assert len(keys) == 2
    assert not [key for key in keys if PHONE[1:] in key]
    assert recipients.forget(PHONE) == 1
    assert list(redis_client.scan_iter()) == []
