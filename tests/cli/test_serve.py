"""`coatcheck serve` with settings that make no sense: told in a line, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import call


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--trusted-proxy", "10.0.0.0/33"), "is not a network like 10.0.0.0/8"),
        (("--trusted-proxy", "10.0.0.1/8"), "has host bits set"),
        (("--trusted-proxy", "my-proxy"), "is not a network like"),
        (("--trusted-proxy", ""), "is not a network like"),
        (("--tls-cert", "{here}/cert.pem"), "--tls-cert and --tls-key go together"),
        (("--tls-cert", "{here}/cert.pem", "--tls-key", "{here}/cert.pem", "--tls-self-signed"), "doesn't go with"),
        (("--tls-min", "1.1"), "--tls-min: '1.1' is not one of 1.2, 1.3."),
        (("--listen", "nowhere"), "HOST:PORT"),
        (("--workers", "0"), "--workers: 0 is not in the range 1 to 64."),
        (("--body-timeout", "soon"), "--body-timeout: 'soon' is not a number of seconds."),
        (("--config", "missing.toml"), "missing.toml, does not exist"),
    ],
)
def test_settings_that_make_no_sense_are_told(work: Path, words: tuple[str, ...], says: str) -> None:
    (work / "cert.pem").write_text("rubbish")
    result = call("serve", *(word.replace("{here}", str(work)) for word in words))
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr
    assert not (work / "coatcheck-data").exists()


def test_pair_that_is_none_is_told(work: Path) -> None:
    (work / "cert.pem").write_text("rubbish")
    pair = str(work / "cert.pem")
    result = call("serve", "--listen", "127.0.0.1:0", "--tls-cert", pair, "--tls-key", pair)
    assert (result.exit_code, "are no certificate and its key" in result.stderr) == (2, True), result.stderr
