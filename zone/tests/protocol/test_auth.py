"""The native sign-in and the scrambling of passwords, against the recording and against python-irodsclient."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from irods import password_obfuscation

from irods_zone.protocol import auth
from irods_zone.protocol.errors import RemoteProtocolError
from irods_zone.protocol.packing import Packing, pack
from irods_zone.protocol.scramble import scramble, unscramble
from tests.protocol.recording import commands

SIGNATURE = auth.session_signature("0123456789abcdef" * 4)


def test_recorded_sign_ins_are_proofs_and_are_answered_with_the_same_bytes() -> None:
    seen = 0
    for command in commands():
        challenges: dict[int, str] = {}
        for frame in command.frames:
            if frame.api != 110000:
                continue
            assert isinstance(frame.msg, bytes)
            message = auth.read_message(frame.msg, frame.packing)
            assert message["scheme"] == auth.NATIVE
            if frame.sender == "server":
                assert auth.write_message(message, frame.packing) == frame.msg
                challenges[frame.connection] = message["request_result"]
            elif message["next_operation"] == auth.RESPONSE:
                assert auth.proves(message, challenges[frame.connection], "rods")
                assert not auth.proves(message, challenges[frame.connection], "Rods")
                assert not auth.proves(message, auth.new_challenge(), "rods")
                seen += 1
    assert seen > 70


def test_challenges_are_64_characters_and_never_the_same() -> None:
    challenges = {auth.new_challenge() for _ in range(100)}
    assert len(challenges) == 100
    assert {len(challenge) for challenge in challenges} == {64}


@pytest.mark.parametrize("answer", [None, 7, "", "*", "AAAA", "é"])
def test_what_is_no_digest_proves_nothing(answer: object) -> None:
    assert not auth.proves({"digest": answer}, auth.new_challenge(), "rods")
    assert not auth.proves({}, auth.new_challenge(), "rods")


def test_no_password_is_never_proved() -> None:
    challenge = auth.new_challenge()
    empty = auth.digest(challenge, "").decode("latin-1")
    assert not auth.proves({"digest": empty}, challenge, "")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xff", b"[" * 100_000, b"null"])
def test_a_sign_in_message_that_is_no_json_object_is_refused(data: bytes) -> None:
    msg = pack("BinBytesBuf_PI", {"buf": data}, Packing.NATIVE)
    with pytest.raises(RemoteProtocolError):
        auth.read_message(msg, Packing.NATIVE)


_PASSWORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@given(password=_PASSWORDS, own=_PASSWORDS)
def test_what_is_scrambled_here_or_by_python_irodsclient_is_read(password: str, own: str) -> None:
    assert unscramble(scramble(password, own, SIGNATURE), own, SIGNATURE) == password
    theirs = password_obfuscation.obfuscate_new_password(password, own, SIGNATURE)
    assert unscramble(theirs, own, SIGNATURE) == password


@given(password=_PASSWORDS)
def test_the_older_scrambling_is_read(password: str) -> None:
    theirs = password_obfuscation.scramble(password, key="rods", scramble_prefix="")
    if not theirs.startswith("sha1"):
        assert unscramble(theirs, "rods", SIGNATURE) == password


def test_the_signature_is_the_start_of_the_challenge_in_hexadecimal() -> None:
    assert b"0123456789abcdef".hex() == SIGNATURE
