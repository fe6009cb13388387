"""Several processes write one log: every key once, nothing acknowledged lost, whatever dies, fills up or is removed."""

import multiprocessing
import os
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.segments import KEPT_SEGMENTS, LogUnwritable, holding, older_segments, segments, whole_lines
from infra.shared_log import BLOCK_BYTES, Limits, LogBehind, SharedLog

ROOT = Path(__file__).resolve().parents[2]
FORK = multiprocessing.get_context("fork")
PATIENCE = 60
NOBODY = 65534


def key_of(line: bytes) -> bytes:
    return line.split(b" ")[0].strip()


def line(key: str, content: str = "content") -> bytes:
    return f"{key} {content}\n".encode()


def opened(folder: Path, **limits: int) -> SharedLog:
    return SharedLog(folder, key_of, Limits(**limits))


def append(log: SharedLog, *keys: str, content: str = "content") -> None:
    """Append keys that are new; each line takes two bytes more than key and content together."""
    for key in keys:
        assert log.append(key.encode(), line(key, content)) is None


def keys(folder: Path) -> list[str]:
    """The keys of all whole lines, in order."""
    return [key_of(one).decode() for segment in segments(folder) for one in whole_lines(segment)]


def is_known(log: SharedLog, *names: str) -> list[bool]:
    return [log.find(name.encode()) is not None for name in names]


def test_a_key_is_written_once_and_asked_again_gives_the_earlier_line(tmp_path):
    log = opened(tmp_path)
    append(log, "a", content="first")

    assert log.append(b"a", line("a", "second")) == line("a", "first")
    assert log.find(b"a") == line("a", "first")
    assert keys(tmp_path) == ["a"]


def test_a_key_that_was_never_written_has_no_line(tmp_path):
    assert opened(tmp_path).find(b"a") is None


def test_writers_of_one_folder_see_what_each_other_wrote(tmp_path):
    one, other = opened(tmp_path), opened(tmp_path)

    append(one, "a", content="by one")
    append(other, "b", content="by the other")

    assert other.append(b"a", line("a", "again")) == line("a", "by one")
    assert one.find(b"b") == line("b", "by the other")
    assert keys(tmp_path) == ["a", "b"]


def test_a_writer_that_comes_later_knows_all_that_was_written(tmp_path):
    append(opened(tmp_path, segment_bytes=40), "a", "b", "c", "d", "e", "f")

    late = opened(tmp_path, segment_bytes=40)

    assert len(segments(tmp_path)) > 1
    assert [late.append(key.encode(), line(key, "again")) for key in "abcdef"] == [line(key) for key in "abcdef"]


def race(folder: Path, number: int, start, answers) -> None:
    log = opened(folder, segment_bytes=1_000)
    start.wait(PATIENCE)
    found = []
    for key in map(str, range(500)):
        mine = line(key, f"of {number}")
        found.append(log.append(key.encode(), mine) or mine)
    answers.put(found)


def test_processes_that_race_for_the_same_keys_all_get_the_same_lines_and_each_key_is_there_once(tmp_path):
    start, answers = FORK.Barrier(4), FORK.Queue()
    racing = [FORK.Process(target=race, args=(tmp_path, number, start, answers)) for number in range(4)]
    for process in racing:
        process.start()

    found = [answers.get(timeout=PATIENCE) for _ in racing]

    for process in racing:
        process.join(PATIENCE)
    assert found[0] == found[1] == found[2] == found[3]
    assert [one for segment in segments(tmp_path) for one in whole_lines(segment)] == found[0]
    assert len(segments(tmp_path)) > 1


def append_in_a_fork(log: SharedLog, number: int, ended) -> None:
    for key in range(300):
        log.append(b"%d-%d" % (number, key), line(f"{number}-{key}"))
    ended.put(number)


def test_forks_of_a_writer_keep_each_other_out(tmp_path):
    log, ended = opened(tmp_path, segment_bytes=3_000), FORK.Queue()
    append(log, "before")
    forks = [FORK.Process(target=append_in_a_fork, args=(log, number, ended)) for number in range(4)]
    for process in forks:
        process.start()

    for process in forks:
        ended.get(timeout=PATIENCE)
        process.join(PATIENCE)
    append(log, "after")

    assert Counter(keys(tmp_path)) == Counter(
        ["before", "after", *(f"{number}-{key}" for number in range(4) for key in range(300))]
    )


def test_a_fork_is_kept_out_while_its_parent_holds_the_log(tmp_path):
    log, ended = opened(tmp_path), FORK.Queue()

    with log._held():  # as if the parent were in the middle of an append
        fork = FORK.Process(target=append_in_a_fork, args=(log, 0, ended))
        fork.start()
        fork.join(0.5)
        waits = fork.is_alive()

    fork.join(PATIENCE)
    assert waits
    assert len(keys(tmp_path)) == 300


def test_nobody_writes_while_the_log_is_held(tmp_path):
    log, ended = opened(tmp_path), FORK.Queue()

    with holding(tmp_path):
        writer = FORK.Process(target=append_in_a_fork, args=(log, 0, ended))
        writer.start()
        writer.join(0.5)
        seen = keys(tmp_path)

    writer.join(PATIENCE)
    assert seen == []
    assert len(keys(tmp_path)) == 300


@pytest.mark.parametrize("torn", [b"b", b"b conten", b"b content" * 1000, b"\0" * 5000])
def test_what_a_dead_writer_left_torn_is_cut_by_the_next_one_and_never_known(tmp_path, torn):
    log = opened(tmp_path)
    append(log, "a")
    with segments(tmp_path)[0].open("ab") as file:
        file.write(torn)

    assert is_known(log, "b") == [False]
    append(log, "b", "c")

    assert segments(tmp_path)[0].read_bytes() == line("a") + line("b") + line("c")


def test_a_torn_line_is_cut_by_a_writer_that_comes_later_who_says_so_once(tmp_path, caplog):
    append(opened(tmp_path), "a")
    with segments(tmp_path)[0].open("ab") as file:
        file.write(b"b conten")

    append(opened(tmp_path), "b")

    assert segments(tmp_path)[0].read_bytes() == line("a") + line("b")
    assert [record.getMessage() for record in caplog.records] == [
        f"cut 8 bytes of a torn line off {segments(tmp_path)[0]}: its writer died before it acknowledged"
    ]


def test_a_carriage_return_ends_no_line(tmp_path):
    one, other = opened(tmp_path), opened(tmp_path)

    append(one, "a", content="x\rb y")

    assert other.find(b"a") == line("a", "x\rb y")
    assert is_known(other, "b") == [False]


def test_lines_on_the_edge_of_a_block_and_longer_than_one_are_read_whole(tmp_path):
    log, other = opened(tmp_path, segment_bytes=2**40), opened(tmp_path, segment_bytes=2**40)
    sizes = {"a": BLOCK_BYTES - 3, "b": BLOCK_BYTES // 2, "c": BLOCK_BYTES, "d": 3 * BLOCK_BYTES, "e": 1}

    for key, size in sizes.items():
        append(log, key, content="x" * size)

    for reader in (other, opened(tmp_path, segment_bytes=2**40)):
        assert [len(reader.find(key.encode())) for key in sizes] == [size + 3 for size in sizes.values()]
    assert keys(tmp_path) == list(sizes)


def test_a_long_line_that_is_torn_is_cut_and_those_before_it_stay(tmp_path):
    log, other = opened(tmp_path), opened(tmp_path)
    append(log, "a")
    with segments(tmp_path)[0].open("ab") as file:
        file.write(b"b " + b"x" * 2 * BLOCK_BYTES)

    append(other, "b")

    assert segments(tmp_path)[0].read_bytes() == line("a") + line("b")


def append_and_acknowledge(folder: Path, name: str, pipe: int) -> None:
    log = opened(folder, segment_bytes=1_000_000)
    for number in range(10**9):
        append(log, f"{name}-{number}", content="x" * 3000)
        os.write(pipe, f"{name}-{number}\n".encode())


def test_whatever_was_acknowledged_is_there_once_when_writers_are_killed_again_and_again(tmp_path):
    acknowledged = []
    for generation in range(15):
        writers, said = [], []
        for number in range(3):
            end, pipe = os.pipe()
            writers.append(FORK.Process(target=append_and_acknowledge, args=(tmp_path, f"{generation}-{number}", pipe)))
            writers[-1].start()
            os.close(pipe)
            said.append(os.fdopen(end, "rb"))
        acknowledged += [one.readline().decode().strip() for one in said]  # all have begun
        time.sleep(0.003 * generation)
        for writer in writers:
            writer.kill()
            writer.join(PATIENCE)
        for one in said:
            acknowledged += [key.decode().strip() for key in one if key.endswith(b"\n")]
            one.close()

    counted = Counter(keys(tmp_path))

    assert [key for key in acknowledged if counted[key] != 1] == []
    assert set(counted.values()) == {1}
    assert len(counted) <= len(acknowledged) + len(writers) * 15  # each died with at most one line unacknowledged
    assert len(segments(tmp_path)) > 1


def test_writers_follow_each_other_to_the_next_segment(tmp_path):
    one, other = opened(tmp_path, segment_bytes=30), opened(tmp_path, segment_bytes=30)

    append(one, "a", "b", "c")  # 10 bytes each: full
    append(other, "d")
    append(one, "e")

    assert [[key_of(found).decode() for found in whole_lines(segment)] for segment in segments(tmp_path)] == [
        ["a", "b", "c"],
        ["d", "e"],
    ]
    assert is_known(other, *"abcde") == [True] * 5


def test_a_segment_that_is_not_quite_full_is_gone_on_with(tmp_path):
    log = opened(tmp_path, segment_bytes=31)

    append(log, "a", "b", "c", "d", "e")

    assert [segment.stat().st_size for segment in segments(tmp_path)] == [40, 10]


def test_asking_for_a_key_begins_no_segment(tmp_path):
    log = opened(tmp_path, segment_bytes=10)
    append(log, "a")

    assert is_known(log, "a", "b") == [True, False]
    assert len(segments(tmp_path)) == 1


def test_beyond_so_many_keys_the_oldest_are_forgotten(tmp_path):
    log, other = opened(tmp_path, keys=3), opened(tmp_path, keys=3)

    append(log, "a", "b", "c", "d")

    for writer in (log, other, opened(tmp_path, keys=3)):
        assert is_known(writer, *"abcd") == [False, True, True, True]


def test_a_writer_that_comes_later_forgets_the_oldest_too(tmp_path):
    append(opened(tmp_path, segment_bytes=30), *"abcdef")
    late = opened(tmp_path, segment_bytes=30, keys=6)

    append(late, "g")

    assert is_known(late, *"abcdefg") == [False, True, True, True, True, True, True]


def test_a_segment_that_goes_while_the_log_is_opened_is_no_error(tmp_path):
    append(opened(tmp_path, segment_bytes=30), *"abcdef")
    segments(tmp_path)[0].unlink()
    Path(tmp_path, "000001.jsonl").symlink_to("nowhere")  # listed, and gone when it is opened

    assert is_known(opened(tmp_path, segment_bytes=30), "a", "d") == [False, True]


def test_only_as_many_of_the_newest_segments_are_read_as_keys_are_remembered(tmp_path, monkeypatch):
    append(opened(tmp_path, segment_bytes=30), *"abcdefghijkl")
    oldest = segments(tmp_path)[0]
    oldest.unlink()
    oldest.mkdir()  # which nobody can read as a file

    assert is_known(opened(tmp_path, segment_bytes=30, keys=9), *"cdl") == [False, True, True]


def test_a_segment_that_was_loaded_and_removed_is_no_error_and_its_keys_are_as_new(tmp_path):
    log = opened(tmp_path, segment_bytes=30)
    append(log, *"abcdefg")
    segments(tmp_path)[0].unlink()

    assert is_known(log, "a", "d") == [False, True]
    assert is_known(opened(tmp_path, segment_bytes=30), "a", "d") == [False, True]
    append(log, "a")
    assert keys(tmp_path) == ["d", "e", "f", "g", "a"]


def test_a_writer_that_slept_while_its_segment_was_removed_goes_on_where_the_others_write(tmp_path):
    sleeper, log = opened(tmp_path, segment_bytes=30), opened(tmp_path, segment_bytes=30)
    append(sleeper, "a", "b")
    append(log, *"cdefghij")
    for segment in segments(tmp_path)[:3]:
        segment.unlink()

    append(sleeper, "k")

    assert sleeper.append(b"j", line("j", "again")) == line("j")
    assert keys(tmp_path) == ["j", "k"]


def test_lines_are_never_written_to_a_file_that_is_gone(tmp_path):
    log = opened(tmp_path)
    append(log, "a")
    segments(tmp_path)[0].unlink()

    append(log, "b")

    assert keys(tmp_path) == ["b"]


def test_segments_that_were_written_anew_are_followed_and_their_keys_are_still_known(tmp_path):
    log, other = opened(tmp_path, segment_bytes=30), opened(tmp_path, segment_bytes=30)
    append(log, "a", "b", "c", "d")
    with holding(tmp_path):
        for segment in segments(tmp_path):
            aside = segment.with_suffix(".aside")
            aside.write_bytes(segment.read_bytes().replace(b"content", b"erased, which is longer"))
            aside.rename(segment)

    append(log, "e")

    for writer in (log, other):
        assert [writer.find(key.encode()) for key in "abcd"] == [line(key, "erased, which is longer") for key in "abcd"]
        assert writer.find(b"e") == line("e")
    assert keys(tmp_path) == ["a", "b", "c", "d", "e"]


def test_a_key_that_was_renamed_in_the_newest_segment_is_not_taken_for_what_lies_in_its_place(tmp_path):
    log = opened(tmp_path)
    append(log, "a", "bb", "c")
    with holding(tmp_path):
        (segment,) = segments(tmp_path)
        aside = segment.with_suffix(".aside")
        aside.write_bytes(
            segment.read_bytes().replace(line("a"), line("a", "longer")).replace(line("bb"), line("erased"))
        )
        aside.rename(segment)

    assert log.find(b"bb") is None
    assert (log.find(b"a"), log.find(b"c")) == (line("a", "longer"), line("c"))


def test_a_full_disk_is_refused_naming_the_file_and_nothing_is_known_of_the_line(tmp_path):
    (tmp_path / "000001.jsonl").symlink_to("/dev/full")
    log = opened(tmp_path)

    with pytest.raises(LogUnwritable, match=r"cannot write .*/000001\.jsonl: No space left on device; free some space"):
        log.append(b"a", line("a"))

    assert is_known(log, "a") == [False]


@contextmanager
def room_for(file_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond: the kernel cuts the write that would, and refuses the next."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_is_cut_short_is_taken_back_and_writing_goes_on_when_there_is_room(tmp_path):
    log, other = opened(tmp_path), opened(tmp_path)
    append(log, "a", "b")

    with room_for(25):
        with pytest.raises(LogUnwritable, match=r"cannot write .*/000001\.jsonl: only a part of a line was written"):
            log.append(b"c", line("c"))
        kept = segments(tmp_path)[0].read_bytes()
    with room_for(20), pytest.raises(LogUnwritable, match="File too large"):
        log.append(b"c", line("c"))

    assert kept == line("a") + line("b")
    assert is_known(log, "c") + is_known(other, "c") == [False, False]
    append(log, "c")
    append(other, "d")
    assert keys(tmp_path) == ["a", "b", "c", "d"]


def test_a_folder_that_cannot_be_written_is_refused_and_gone_on_in_when_it_can(a_folder):
    log = opened(a_folder, segment_bytes=10)
    append(log, "a")

    with read_only(a_folder):
        with pytest.raises(LogUnwritable, match=r"cannot write .*/000002\.jsonl: Permission denied; .*permissions"):
            log.append(b"b", line("b"))
        seen = is_known(log, "a", "b")

    assert seen == [True, False]
    append(log, "b")
    assert keys(a_folder) == ["a", "b"]


def test_a_log_in_a_folder_that_cannot_be_written_is_not_opened(a_folder):
    with read_only(a_folder), pytest.raises(LogUnwritable, match=r"cannot write .*/\.lock: Permission denied; "):
        opened(a_folder)


@pytest.fixture
def a_folder() -> Iterator[Path]:
    """A folder that nobody in particular may look into, which those of `tmp_path` are not for root's tests."""
    with tempfile.TemporaryDirectory(prefix="preflight-log-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing can be made in the folder, by root neither."""
    was = os.geteuid()
    folder.chmod(0o555)
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)
        folder.chmod(0o755)


def test_a_backlog_that_is_too_large_is_refused_until_segments_were_loaded_and_removed(tmp_path):
    limits = {"segment_bytes": 10, "backlog_bytes": 20}  # a line to a segment
    log = opened(tmp_path, **limits)
    names = "abcdefghijkl"[: KEPT_SEGMENTS + 2]
    append(log, *names)  # two segments are older now than those that are kept, and 20 bytes are not more than 20

    refused = pytest.raises(LogBehind, match=r"holds more than 0 MB that were not loaded yet; run: preflight log load")
    with refused:
        log.append(b"y", line("y"))
    with refused:
        opened(tmp_path, **limits).append(b"y", line("y"))
    assert log.append(b"a", line("a", "again")) == line("a")
    older_segments(tmp_path)[0].unlink()

    append(log, "y")
    assert keys(tmp_path) == [*names[1:], "y"]


def test_segments_that_are_kept_though_they_were_loaded_are_no_backlog(tmp_path):
    log = opened(tmp_path, segment_bytes=10, backlog_bytes=1)

    append(log, *"abcdefgh"[:KEPT_SEGMENTS])

    assert older_segments(tmp_path) == []
    assert len(segments(tmp_path)) == KEPT_SEGMENTS


def test_whole_lines_from_a_byte_on_leave_out_the_one_that_is_being_written(tmp_path):
    segment = tmp_path / "000001.jsonl"
    segment.write_bytes(line("a") + line("b") + b"c conten")

    assert list(whole_lines(segment, 10)) == [line("b")]
    assert list(whole_lines(tmp_path / "000002.jsonl")) == []


def test_only_segments_count_as_segments_and_by_their_number(tmp_path):
    for name in ("000010.jsonl", "000009.jsonl", "loaded.json", ".lock", "1.jsonl", "000011.jsonl.part"):
        (tmp_path / name).touch()

    assert [segment.name for segment in segments(tmp_path)] == ["000009.jsonl", "000010.jsonl"]
