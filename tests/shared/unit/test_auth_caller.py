"""A caller's rights follow from their roles and their user id, and from nothing else."""

import pytest

from shared.auth.caller import ADMIN, ANYBODY, STAFF, Caller, nobody

USER = Caller(identity="user ann", name="ann", user_id="ann")
TOKEN_ADMIN = Caller(identity="user ann", name="ann", roles=frozenset([ADMIN]), user_id="ann")
STAFF_MEMBER = Caller(identity="staff 5", name="eve", roles=frozenset([STAFF]))
STRANGER_WITH_A_SESSION = Caller(identity="staff 6", name="ann")


@pytest.mark.parametrize("caller", [ANYBODY, TOKEN_ADMIN, STAFF_MEMBER])
def test_admins_and_staff_act_for_everyone(caller: Caller) -> None:
    assert caller.confined_to is None
    assert caller.may_act_for("ben")


def test_a_user_acts_for_themselves() -> None:
    assert USER.confined_to == "ann"
    assert USER.may_act_for("ann")
    assert not USER.may_act_for("ben")


@pytest.mark.parametrize("caller", [nobody(), STRANGER_WITH_A_SESSION])
def test_a_caller_without_a_role_or_a_user_id_acts_for_no_user(caller: Caller) -> None:
    assert caller.confined_to == ""  # no booking has an empty user id
    assert not caller.may_act_for("ann")
