"""Which findings stop a run, and how they are told."""

import pytest

from recarb.core.errors import ConfigError, InputError
from recarb.core.findings import Finding, Severity, raise_if_stopping, stopping

ERROR = Finding("bad", Severity.ERROR, "soc", "is wrong", "mend it")
ODD = Finding("odd", Severity.SUSPICIOUS, "clay", "looks odd")
WARNING = Finding("mind", Severity.WARNING, "rain", "take care")


def test_errors_always_stop_suspicions_only_until_accepted():
    assert stopping([ERROR, ODD, WARNING]) == [ERROR, ODD]
    assert stopping([ERROR, ODD, WARNING], accept=["odd", "bad"]) == [ERROR]
    raise_if_stopping([ODD, WARNING], accept=["odd"])


def test_the_error_lists_all_and_says_how_to_accept_a_suspicion():
    with pytest.raises(InputError) as caught:
        raise_if_stopping([ERROR, ODD, WARNING])
    text = str(caught.value)
    assert "2 finding(s)" in text and 'accept = ["odd"]' in text and "take care" not in text
    assert "soc: is wrong -> mend it" in text


def test_faults_of_the_configuration_alone_are_a_config_error():
    fault = Finding("config", Severity.ERROR, "run.toml", "no such thing")
    with pytest.raises(ConfigError):
        raise_if_stopping([fault])
    with pytest.raises(InputError):
        raise_if_stopping([fault, ERROR])


def test_a_finding_as_a_record_is_plain_text():
    assert ODD.record() == {
        "code": "odd",
        "severity": "suspicious",
        "where": "clay",
        "message": "looks odd",
        "hint": "",
    }
