from __future__ import annotations

from coatcheck.core import errors
from coatcheck.core.errors import INTERNAL_ERROR, NO_SPACE_LEFT, NO_SUCH_KEY, NOT_IMPLEMENTED, Fault

FAULTS = {name: fault for name, fault in vars(errors).items() if isinstance(fault, Fault)}


def test_a_fault_makes_the_exception_with_its_facts() -> None:
    error = NO_SUCH_KEY(Key="a.txt")
    assert (error.code, error.status, error.message) == ("NoSuchKey", 404, "The specified key does not exist.")
    assert error.facts == {"Key": "a.txt"}
    assert error.ec == "0026-00000001"


def test_message_and_finer_code_can_be_replaced_for_one_case() -> None:
    error = NO_SUCH_KEY("It was here yesterday.", ec="")
    assert (error.code, error.message, error.ec) == ("NoSuchKey", "It was here yesterday.", "")


def test_only_the_servers_own_troubles_make_clients_try_again() -> None:
    """The SDKs retry 401, 408, 429 and everything from 500 on."""
    retried = {name for name, fault in FAULTS.items() if fault.status in (401, 408, 429) or fault.status >= 500}
    busy = {"ARCHIVES_BUSY", "FORMS_BUSY", "MIRROR_BUSY", "QPS_LIMIT_EXCEEDED", "RENDERERS_BUSY", "TOO_MANY_TASKS"}
    busy |= {"BYTES_AWAY", "WRITES_BUSY"}
    passing = {"HEAD_TIMEOUT", "TOO_MANY_CONNECTIONS"}  # what a connection met with, before anybody was asked
    own = {"INTERNAL_ERROR", "NO_SPACE_LEFT", "OUTCOME_UNKNOWN", "OUT_OF_RESOURCES", "UNWRITABLE"}
    ordered = {"SERVICE_UNAVAILABLE", "SLOW_DOWN"}  # by whoever tests a client, and by nobody else
    assert retried == own | busy | passing | ordered
    assert (INTERNAL_ERROR.status, NO_SPACE_LEFT.status) == (500, 503)


def test_what_is_not_built_answers_400_as_oss_documents_it() -> None:
    assert NOT_IMPLEMENTED.status == 400


def test_every_finer_code_has_the_form_of_oss() -> None:
    for fault in FAULTS.values():
        number = fault.ec.replace("-", "")
        assert not fault.ec or (len(fault.ec) == 13 and fault.ec[4] == "-" and number.isdigit()), fault
