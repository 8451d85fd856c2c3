"""Where a browser goes after it has signed in."""

import pytest

from rsparkhub.auth.next_address import safe_next


@pytest.mark.parametrize("address", ["/hub/", "/hub/sessions/abc?x=1&y=%2F#z", "/s/abc/lab/tree/a%20b.R", "/s/abc/?a=//x"])
def test_an_address_of_ours_is_kept(address: str) -> None:
    assert safe_next(address) == address


@pytest.mark.parametrize(
    "address",
    ["", "/", "/x/", "//evil.example/hub/", "https://evil.example/hub/", "/hub", "hub/", "/hub/\\x", "/hub/\t//x", "/hub/ä",
     "/hub/..//x", "/s/%2E%2e/x", "/hub/sign-in/oidc/lab", "/hub/" + "a" * 1500],
    ids=lambda address: ascii(address)[:20],
)  # fmt: skip
def test_any_other_leads_home(address: str) -> None:
    assert safe_next(address) == "/hub/"
