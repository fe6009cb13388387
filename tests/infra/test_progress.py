"""Flows announce; whoever listens hears."""

from infra.progress import announce, listening


def test_a_listener_hears_what_is_announced():
    heard = []

    with listening(lambda *words: heard.append(words)):
        announce("2013-07-01", "score")

    assert heard == [("2013-07-01", "score")]


def test_nobody_listens_after_the_block():
    heard = []

    with listening(lambda *words: heard.append(words)):
        pass
    announce("2013-07-01", "score")

    assert heard == []


def test_two_may_listen():
    heard = []

    with listening(lambda *_: heard.append("a")), listening(lambda *_: heard.append("b")):
        announce("2013-07-01", "score")

    assert heard == ["a", "b"]
