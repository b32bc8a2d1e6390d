"""Processes as shells and terminals meet them: outputs, signals, consoles, logs."""

import contextlib
import json
import os
import pty
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from conftest import PATIENCE, ROOT
from test_cli import lines, ner, one_line_error

DEV = ROOT / "data/annotations/dev.jsonl"
HOSTILE = "南岸区\x1b]2;标题\x07\x9b8m隐\u202e藏\r\x08"


def run(
    *arguments: str | Path, environment: dict[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ner", *map(str, arguments)]
    return subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        check=False,
        **{"capture_output": True, **options},  # type: ignore[call-overload]
    )


# -- where output goes


def test_a_device_is_written_to_and_stays() -> None:
    before = os.stat("/dev/null")
    assert ner("corpus", "convert", DEV, "/dev/null", "--to", "jsonl").exit_code == 0
    after = os.stat("/dev/null")
    assert (after.st_ino, after.st_mode, after.st_rdev) == (
        before.st_ino,
        before.st_mode,
        before.st_rdev,
    )


def test_a_fifo_is_written_to_and_stays(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    assert ner("corpus", "convert", DEV, fifo, "--to", "jsonl").exit_code == 0
    reader.join()
    assert read[0].count(b"\n") == DEV.read_bytes().count(b"\n")
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_dev_stdout_is_standard_output_even_where_that_is_a_file(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        done = run(
            "corpus",
            "convert",
            DEV,
            "/dev/stdout",
            "--to",
            "jsonl",
            stdout=out,
            capture_output=False,
        )
        assert os.fstat(out.fileno()).st_ino == (tmp_path / "out").stat().st_ino
    assert done.returncode == 0
    assert (tmp_path / "out").read_bytes().count(b"\n") == DEV.read_bytes().count(b"\n")


def test_through_a_link_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "folder" / "real.jsonl", tmp_path / "link.jsonl"
    target.parent.mkdir()
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    assert ner("corpus", "convert", DEV, link).exit_code == 0
    assert link.is_symlink() and target.read_bytes().startswith(b'{"id"')
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [path.name for path in target.parent.iterdir()] == ["real.jsonl"]


def test_neighbours_of_the_output_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.part").mkdir()
    (tmp_path / "a.jsonl.part/mine").touch()
    (tmp_path / "b.jsonl.part").write_text("mine")
    for name in ("a.jsonl", "b.jsonl"):
        assert ner("corpus", "convert", DEV, tmp_path / name).exit_code == 0
    assert (tmp_path / "a.jsonl.part/mine").exists()
    assert (tmp_path / "b.jsonl.part").read_text() == "mine"


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    for name, reason in (("none/a.jsonl", "No such file"), ("", "Is a directory")):
        error = one_line_error(ner("corpus", "convert", DEV, tmp_path / name, "--to", "jsonl"))
        assert f"{tmp_path / name}: cannot be written: {reason}" in error


# -- signals


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_command_says_so_and_leaves_no_temporary_files(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    source = tmp_path / "fifo"
    os.mkfifo(source)
    target = tmp_path / "out" / "a.jsonl"
    target.parent.mkdir()
    command = [sys.executable, "-m", "ner", "corpus", "convert", "-", target]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stderr
        process.stdin.write(lines({"id": "1", "text": "南岸区"}))
        process.stdin.flush()
        wait_for(lambda: bool(list(target.parent.iterdir())))
        process.send_signal(number)
        told = process.stderr.read().decode()
    assert (process.returncode, told) == (
        status,
        f"error: interrupted; {target} was not written\n",
    )
    assert not list(target.parent.iterdir())


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


# -- standard streams


@pytest.mark.parametrize(
    "command", [("--help",), ("corpus", "check", DEV), ("corpus", "convert", DEV, "-")]
)
def test_a_full_or_closed_standard_output_is_one_line(command: Sequence[str | Path]) -> None:
    with open("/dev/full", "wb") as full:
        done = run(*command, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 1
    assert last_line(done.stderr).startswith("error: standard output: No space left on device")
    shell = 'exec "$@" >&-'
    closed = subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, "-m", "ner", *map(str, command)],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert closed.returncode == 1
    assert last_line(closed.stderr).startswith("error: standard output: ")
    for stderr in (done.stderr, closed.stderr):
        assert stderr.decode().count("error: ") == 1


def last_line(data: bytes) -> str:
    text = data.decode()
    assert "Traceback" not in text and "Exception ignored" not in text, text
    return text.splitlines()[-1]


def test_a_console_that_cannot_show_a_character_gets_a_replacement(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    text = "渝北区的👍🏽刘芳👍🏽，刘芳很好。"
    file.write_bytes(lines({"id": "1", "text": text, "spans": [[6, 8, "PER"]]}))
    done = run("corpus", "check", file, environment={"PYTHONIOENCODING": "gbk"})
    assert done.returncode == 0 and b"Traceback" not in done.stderr
    assert "…的??刘芳??，【刘芳】很好。…" in done.stdout.decode("gbk")


# -- what may reach a terminal


def on_terminal(*arguments: str | Path) -> str:
    """What a command writes where standard output and standard error are a terminal."""
    terminal, inner = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    command = [sys.executable, "-m", "ner", *map(str, arguments)]
    read: list[bytes] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=inner, stderr=inner, env=environment
    ):
        os.close(inner)
        with contextlib.suppress(OSError):  # Linux says so where the command has ended
            while data := os.read(terminal, 65536):
                read.append(data)
    os.close(terminal)
    return b"".join(read).decode()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose file, id, title and text hold control characters."""
    folder = tmp_path_factory.mktemp("hostile")
    row = {"id": f"1{HOSTILE}", "title": "题", "body": HOSTILE, "paper": HOSTILE, "spans": []}
    bad = json.dumps({"id": f"2{HOSTILE}", "text": ""})
    (folder / "a\x1b]2;名\x07.jsonl").write_bytes(lines(row, bad))
    (folder / "good.jsonl").write_bytes(lines(row, {"id": "3", "text": "雨", "spans": []}))
    return folder


def test_nothing_of_an_article_commands_the_terminal(hostile: Path) -> None:
    [file] = hostile.glob("a*.jsonl")
    good, other = hostile / "good.jsonl", hostile / "other.jsonl"
    other.write_bytes(lines({"id": "3", "text": "雨", "spans": []}))
    url = f"sqlite:///{hostile}/a.db"
    shown = {
        "ingest": on_terminal("ingest", file, "--store", url),
        "tag": on_terminal("tag", "--store", url),
        "show": on_terminal("show", "--store", url),
        "list": on_terminal("show", "--list", "--store", url),
        "failures": on_terminal("show", "--failures", "--store", url),
        "export": on_terminal("export", "--store", url),
        "bio": on_terminal("export", "--format", "bio", "--store", url),
        "check": on_terminal("corpus", "check", file),
        "stats": on_terminal("corpus", "stats", good, "--by", "paper"),
        "diff": on_terminal("corpus", "diff", good, other),
        "usage": on_terminal("corpus", "diff", file, file, file),
    }
    for name, text in shown.items():
        for unsafe in ("\x1b]", "\x07", "\x9b", "\u202e", "\x08"):
            assert unsafe not in text, f"{name}: {unsafe!r} in {text!r}"
    assert all("Traceback" not in text for text in shown.values())
    assert r"南岸区\u001b]2;标题\u0007\u009b8m隐\u202e藏\r\b" in shown["export"]
    assert r"\u001b]2;" in shown["show"] and r"\u001b]2;" in shown["ingest"]


def test_data_in_a_pipe_or_a_file_is_exact(tmp_path: Path, hostile: Path) -> None:
    source, target = tmp_path / "a.jsonl", tmp_path / "b.bio"
    source.write_bytes(lines({"id": "1", "text": HOSTILE.replace("\r", ""), "spans": []}))
    assert ner("corpus", "convert", source, target).exit_code == 0
    printed = run("corpus", "convert", source, "-", "--to", "bio").stdout
    assert printed == target.read_bytes() and b"\x1b" in printed


# -- errors and logs


def test_an_unexpected_error_is_one_line_and_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> Iterator[None]:
        raise ValueError("不该发生")

    monkeypatch.setattr("ner.corpus.entries", broken)
    assert one_line_error(ner("corpus", "check", DEV)) == (
        "error: unexpected ValueError: 不该发生 (`ner --debug …` prints the traceback)"
    )
    debug = ner("--debug", "corpus", "check", DEV)
    assert debug.exit_code == 1 and "Traceback" in debug.stderr and "in broken" in debug.stderr


def test_the_log_says_what_is_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    (tmp_path / "a.jsonl").write_bytes(lines({"id": "1", "text": "南岸区"}))
    quiet = ner("ingest", tmp_path / "a.jsonl", "--store", url)
    assert quiet.stderr == "1 added\n"
    result = ner("--log-format", "json", "tag", "--store", url)
    rows = [json.loads(line) for line in result.stderr.splitlines()]
    assert all(set(row) >= {"time", "level", "logger", "message"} for row in rows)
    told = {row["logger"]: row["message"] for row in rows}
    assert told["ner.tagger.loading"].startswith("loaded the model news-")
    assert told["ner.cli.terminal"].startswith("1 article tagged by news-")
    failed = ner("--log-format", "json", "tag", "--store", "sqlite:///none.db")
    *_, row = map(json.loads, failed.stderr.splitlines())
    assert (failed.exit_code, row["level"]) == (1, "error")
    assert "reading" in ner("--debug", "ingest", tmp_path / "a.jsonl", "--store", url).stderr
    assert "unknown log format" in one_line_error(ner("--log-format", "xml", "models"))


def test_what_other_libraries_log_is_not_printed() -> None:
    """psycopg warns of a pipeline that two taggers broke: no JSON, in the log of a cron job."""
    script = (
        "import logging; from ner.cli.log import configure; configure(debug=False, form='json');"
        "[logging.getLogger(name).warning('重庆') for name in ('psycopg', 'ner.store')]"
    )
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    [line] = result.stderr.splitlines()
    assert json.loads(line)["logger"] == "ner.store"


def test_no_log_has_a_password() -> None:
    url = "postgresql://user:geheim@127.0.0.1:1/none"
    result = ner("--debug", "show", "--store", url)
    assert result.exit_code == 1 and "geheim" not in result.output + result.stderr
