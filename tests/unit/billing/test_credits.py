from hypothesis import given
from hypothesis import strategies as st

from functions.billing.domain.credits import (
    CreditHold,
    CreditPool,
    EntryKind,
    HoldStatus,
    InsufficientCredits,
    deduct,
    hold,
    settle,
)
from shared.kernel.errors import Conflict
from shared.kernel.result import Failure, Success


def pool(feature_code: str, balance: int) -> CreditPool:
    return CreditPool(feature_code=feature_code, balance=balance, held=0, monthly_allowance=balance, resets_at="")


POOLS = {"transcription": pool("transcription", 5), "video_analysis": pool("video_analysis", 2)}


def a_hold(amounts: dict[str, int], status: HoldStatus = HoldStatus.HELD) -> CreditHold:
    return CreditHold(hold_id="h", amounts=amounts, status=status, reference="r")


def test_a_short_balance_refuses_the_whole_hold() -> None:
    refused = hold(POOLS, {"transcription": 1, "video_analysis": 3})
    error = InsufficientCredits("video_analysis", required=3, available=2)
    assert refused == Failure(error)
    assert error.members() == {"feature_code": "video_analysis", "required": 3, "available": 2}


def test_a_feature_without_a_pool_has_nothing_available() -> None:
    assert isinstance(hold(POOLS, {"emotion": 1}), Failure)
    assert isinstance(deduct(POOLS, "emotion", 1), Failure)


def test_a_hold_is_settled_once_and_never_above_what_is_held() -> None:
    assert settle(a_hold({"transcription": 2}, HoldStatus.SETTLED), {}) == Failure(
        Conflict("These credits were settled before.")
    )
    assert isinstance(settle(a_hold({"transcription": 2}), {"transcription": 3}), Failure)
    assert isinstance(settle(a_hold({"transcription": 2}), {"conversation": 1}), Failure)


@given(st.dictionaries(st.sampled_from(sorted(POOLS)), st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_settling_gives_back_exactly_what_was_not_charged(amounts: dict[str, tuple[int, int]]) -> None:
    held = {code: max(pair) for code, pair in amounts.items()}
    charged = {code: min(pair) for code, pair in amounts.items()}
    settled = settle(a_hold(held), charged)
    assert isinstance(settled, Success)
    for code in held:
        moves = [one for one in settled.value if one.feature_code == code]
        assert sum(one.held_change for one in moves) == -held[code]
        assert sum(one.balance_change for one in moves) == held[code] - charged[code]
        assert sum(-one.held_change for one in moves if one.kind is EntryKind.SETTLEMENT) == charged[code]
