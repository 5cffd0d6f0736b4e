"""What an agent in a guest may answer to `ova capture --reset`; the real one answers in `make deploy`."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from ova_tools.capture.agent import reset
from ova_tools.errors import CaptureError
from ova_tools.libvirt.virsh import Virsh


def answering(folder: Path, monkeypatch: pytest.MonkeyPatch, *answers: str) -> Path:
    """A virsh that prints these answers in turn; returns the file with what it was asked."""
    for number, text in enumerate(answers):
        (folder / f"answer{number}").write_text(text, encoding="utf-8")
    script = folder / "virsh"
    script.write_text(
        f"#!/bin/sh\ncd {folder}\nnumber=$(cat number 2>/dev/null || echo 0)\necho $((number + 1)) >number\n"
        'printf "%s\\n" "$*" >>asked\n[ -f "answer$number" ] || { echo "error: no agent" >&2; exit 1; }\n'
        'cat "answer$number"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "asked"


def exited(code: int, output: str = "") -> str:
    state = {"exited": True, "exitcode": code, "out-data": b64encode(output.encode()).decode()}
    return json.dumps({"return": state})


def test_the_reset_tasks_run_to_their_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = json.dumps({"return": {"exited": False}})
    asked = answering(tmp_path, monkeypatch, '{"return":{"pid":7}}', waiting, exited(0))
    reset(Virsh(), "sg12")
    text = asked.read_text()
    assert text.count("guest-exec-status") == 2 and '"pid": 7' in text
    assert '"ova-tasks", "reset"' in text


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((), "the agent in sg12 cannot run the reset tasks: libvirt: no agent"),
        (("no JSON",), "gave no answer that can be read"),
        (('{"return": []}',), "gave no answer that can be read"),
        (('{"return":{"pid":7}}', exited(3, "first\nno room\n")), "the reset tasks of sg12 failed: no room; see"),
        (('{"return":{"pid":7}}', '{"return":{"exited":true,"exitcode":1,"err-data":"="}}'), "sg12 failed; see"),
        (("[" * 100_000,), "gave no answer that can be read"),
    ],
)
def test_a_capture_does_not_begin_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...], said: str
) -> None:
    answering(tmp_path, monkeypatch, *answers)
    with pytest.raises(CaptureError) as refused:
        reset(Virsh(), "sg12")
    assert said in str(refused.value) and "\n" not in str(refused.value)
