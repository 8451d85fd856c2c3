"""What an agent is told to run: written, read and filled."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from contract.tests.mutation import ODD, UNHURRIED, places, put
from hypothesis import given
from hypothesis import strategies as st

from rspark_contract.ensemble import DocumentInvalid, EnsembleDocument, read_document
from rspark_contract.reading import Unreadable
from rspark_contract.specs import ComponentSpec, FirstStart, InterfaceSpec, Places, SecretFile, ServiceSpec

PLACES = Places(run=Path("/run/3"), keep=Path("/keep"), home=Path("/home/ada"), data=Path("/data"), notify=Path("/bells"))
SERVER = ComponentSpec(
    name="store", title="Store", command=("{python}", "--at", "{host}:{port:store}", "--data={data}"),
    environ={"PLACE": "{run}"}, ready={"tcp": "{host}:{port:store}"},
    first_start=FirstStart(path="{data}/disk", reason="Store formats its disk."),
)  # fmt: skip
DOCUMENT = EnsembleDocument(
    id="aaaa",
    generation=3,
    kind="session",
    user="ada",
    base_path="/s/aaaa/",
    secret="s3cret",
    hub_url="http://hub",
    token="t0ken",
    places=PLACES,
    interface=InterfaceSpec(
        kind="web", title="Pages", kernels=("r",), command=("serve", "{port:pages}"), config={"health": "/{port:pages}"}
    ),
    services=(ServiceSpec(name="store", title="Store", config={"uri": "store://{host}:{port:store}", "most": [3]}),),
    components=(SERVER, replace(SERVER, name="index", after=("store",))),
    environ={"STORE": "{host}:{port:store}"},
    files=(SecretFile(path="etc/store.xml", content="<port>{port:store}</port> {other} {home}"),),
    cpu=2.5,
    memory=2**31,
    resume=True,
    forget=("bbbb",),
)


def changed(**members: Any) -> dict[str, Any]:
    return {**DOCUMENT.to_json(), **members}


def test_what_is_written_is_read() -> None:
    assert EnsembleDocument.parse(json.loads(json.dumps(DOCUMENT.to_json()))) == DOCUMENT


def test_each_placeholder_is_filled_wherever_it_stands() -> None:
    assert DOCUMENT.port_names() == ("pages", "store")
    filled = DOCUMENT.filled(python="/bin/python", ports={"store": 41, "pages": 42})
    server = filled.components[0]
    assert server.command == ("/bin/python", "--at", "127.0.0.1:41", "--data=/data")
    assert (server.environ, server.ready) == ({"PLACE": "/run/3"}, {"tcp": "127.0.0.1:41"})
    assert server.first_start == FirstStart(path="/data/disk", reason="Store formats its disk.")
    assert filled.environ == {"STORE": "127.0.0.1:41"}
    assert filled.files[0].content == "<port>41</port> {other} /home/ada"
    assert filled.services[0].config == {"uri": "store://127.0.0.1:41", "most": [3]}
    assert filled.interface is not None
    assert filled.interface.command == ("serve", "42")
    assert filled.placeholders() == frozenset()


def test_what_is_put_in_is_not_looked_at_again() -> None:
    document = replace(DOCUMENT, places=replace(PLACES, home=Path("/{run}")), environ={"A": "{home}"})
    assert document.filled(python="", ports={"store": 1, "pages": 2}).environ["A"] == "/{run}"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"data": None}, "names no such folder"),
        ({"secret": None}, "secret"),
        ({"kind": "pod"}, "a session or a service"),
        ({"parts": [{"name": "agent", "title": "", "command": ["x"]}]}, "can't be the name"),
        ({"parts": [{"name": "../x", "title": "", "command": ["x"]}]}, "name"),
        ({"parts": [{"name": "x", "title": "", "command": []}]}, "no words"),
        ({"parts": [{"name": "x", "title": "", "command": ["x"], "after": ["x"]}]}, "wait for each other"),
        ({"parts": [{"name": "x", "title": "", "command": ["x"], "ready": {"luck": "1"}}]}, "being ready by 'luck'"),
        ({"files": [{"path": "../x", "content": ""}]}, "path of a file"),
        ({"files": [{"path": "/x", "content": ""}]}, "path of a file"),
        ({"listen": {"port": "8888"}}, "whole number"),
        ({"environ": {"A": 7}}, "no text"),
    ],
)
def test_a_document_that_can_not_be_run_is_refused(members: dict[str, Any], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        EnsembleDocument.parse(changed(**members))


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ensemble.json"
    with pytest.raises(DocumentInvalid, match="can't be read"):
        read_document(file)
    for content in (b"{", b"[]", b'{"id": "a"}', b"\xff"):
        file.write_bytes(content)
        with pytest.raises(DocumentInvalid, match="can't be used"):
            read_document(file)


@UNHURRIED
@given(data=st.data())
def test_a_document_in_which_anything_stands_anywhere_can_be_run_or_is_refused(data: st.DataObject) -> None:
    valid = DOCUMENT.to_json()
    mutated = put(valid, data.draw(st.sampled_from(list(places(valid)))), data.draw(ODD))
    try:
        document = EnsembleDocument.parse(mutated)
    except Unreadable:
        return
    assert EnsembleDocument.parse(document.to_json()) == document
    filled = document.filled(python="/python", ports=dict.fromkeys(document.port_names(), 1))
    assert filled.placeholders() == frozenset()
