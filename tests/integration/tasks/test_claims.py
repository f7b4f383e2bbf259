"""One worker at a time writes to a recipient, and where a letter was put is known to all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tasks.customers.claims import Busy, Claim, Placement, RecipientClaims
from tests.stack import wait_until

PHONE, MESSAGE = "+34623226544", "1.of today"


@pytest.fixture
def claims(redis_client: redis.Redis) -> RecipientClaims:
    return RecipientClaims(redis_client, 1)


def claimed(claims: RecipientClaims, message: str = MESSAGE) -> Claim:
    claim = claims.claim(PHONE, message)
    assert isinstance(claim, Claim)
    return claim


def expire_claim(client: redis.Redis) -> None:
    """As time would."""
    [key] = client.scan_iter(match="*:recipient")
    client.pexpire(key, 1)
    wait_until(lambda: not client.exists(key), what="the claim to expire")


def test_of_many_one_gets_it(claims: RecipientClaims) -> None:
    def try_to(_: int) -> bool:
        try:
            return isinstance(claims.claim(PHONE, MESSAGE), Claim)
        except Busy:
            return False

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(try_to, range(40))) == 1


def test_another_letter_to_the_same_person_waits_too(claims: RecipientClaims) -> None:
    claim = claimed(claims)
    with pytest.raises(Busy) as busy:
        claims.claim(PHONE, "2.another")
    assert 0 < busy.value.seconds <= 60
    claims.let_go(claim)
    claimed(claims, "2.another")


def test_another_person_does_not_wait(claims: RecipientClaims) -> None:
    claimed(claims)
    assert isinstance(claims.claim("+34600000004", MESSAGE), Claim)


def test_a_placed_letter_keeps_its_place(claims: RecipientClaims) -> None:
    claim = claimed(claims)
    assert claims.place(claim, Placement(3, with_template=True)) == Placement(3, with_template=True)
    assert claims.claim(PHONE, MESSAGE) == Placement(3, with_template=True)


def test_a_dead_workers_claim_ends(claims: RecipientClaims, redis_client: redis.Redis) -> None:
    claimed(claims)
    expire_claim(redis_client)
    claimed(claims)


def test_whoever_was_too_slow_makes_nothing_more(claims: RecipientClaims, redis_client: redis.Redis) -> None:
    slow = claimed(claims)
    claims.renew(slow)
    expire_claim(redis_client)
    heir = claimed(claims)
    with pytest.raises(Busy):
        claims.renew(slow)
    claims.let_go(slow)  # is not its to let go of
    claims.renew(heir)


def test_of_two_places_the_first_one_counts(claims: RecipientClaims, redis_client: redis.Redis) -> None:
    slow = claimed(claims)
    expire_claim(redis_client)
    heir = claimed(claims)
    claims.place(heir, Placement(3, with_template=False))
    assert claims.place(slow, Placement(4, with_template=True)) == Placement(3, with_template=False)
    with pytest.raises(Busy):
        claims.renew(slow)


def test_what_was_given_up_may_be_tried_anew(claims: RecipientClaims) -> None:
    claim = claimed(claims)
    claims.forget_message(claim)
    claims.let_go(claim)
    assert claimed(claims).age_s == 0


def test_whoever_was_too_slow_gives_up_for_itself_alone(claims: RecipientClaims, redis_client: redis.Redis) -> None:
    slow = claimed(claims)
    expire_claim(redis_client)
    heir = claimed(claims)
    claims.place(heir, Placement(3, with_template=False))
    claims.let_go(heir)
    claims.forget_message(slow)
    assert claims.claim(PHONE, MESSAGE) == Placement(3, with_template=False)


def test_no_phone_number_stands_in_redis(claims: RecipientClaims, redis_client: redis.Redis) -> None:
    claimed(claims)
    keys = list(redis_client.scan_iter())
    assert len(keys) == 2
    assert not [key for key in keys if PHONE[1:] in key]
    assert claims.forget(PHONE) == 1
    assert list(redis_client.scan_iter()) == []
