"""Passwords and tokens do not reach logs, warnings or MLflow."""

import pytest

from pipeline.tracking.redaction import describe, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:letmein@host:5000/a", "http://***@host:5000/a"),
        ("postgresql+psycopg2://me:p%40ss@host/db failed", "postgresql+psycopg2://***@host/db failed"),
        ("https://ghp_token@host", "https://***@host"),
        ("GET /api?token=abc&step=3 (https://h/?key=v)", "GET /api?token=***&step=*** (https://h/?key=***)"),
        ("mail me@host about x=1, or see https://host/a@b", "mail me@host about x=1, or see https://host/a@b"),
    ],
)
def test_addresses_in_text(text, shown):
    assert without_secrets(text) == shown


def test_secrets_of_the_environment_are_found_anywhere(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:p%40ss/word@host/?api_key=0123456789")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-token-of-mine")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "an")
    text = "p%40ss/word p@ss/word 0123456789 Bearer a-token-of-mine an answer"
    assert without_secrets(text) == "*** *** *** Bearer *** an answer"


def test_an_error_is_one_line_without_secrets():
    assert describe(ValueError("\n\nlost http://a:b@c \n[SQL: ...]")) == "lost http://***@c"
    assert describe(TimeoutError()) == "TimeoutError"
