import pytest

from service.preferences import Preferences, parse_preferences


@pytest.mark.parametrize(
    ("header", "expected", "applied"),
    [
        ("", Preferences(), ""),
        ("respond-async", Preferences(respond_async=True), "respond-async"),
        ("Respond-Async, wait=10", Preferences(respond_async=True, wait_seconds=10), "respond-async, wait=10"),
        ('wait="3"; foo', Preferences(wait_seconds=3), "wait=3"),
        ("wait=3, wait=9", Preferences(wait_seconds=3), "wait=3"),
        ("return=minimal, wait=soon", Preferences(), ""),
    ],
)
def test_preferences_of_a_header_are_read_as_rfc_7240_says(header: str, expected: Preferences, applied: str):
    assert parse_preferences(header) == expected
    assert expected.applied == applied
