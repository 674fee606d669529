"""What a command takes is told by the system, and is that of the command alone."""

import sys

import numpy as np
import pytest
from bench.measure import machine, measure

from recarb.core.errors import ModelError

MIB = 1 << 20


def python(code):
    return [sys.executable, "-I", "-S", "-c", code]


def test_memory_of_the_caller_is_not_counted(tmp_path):
    ours = np.ones(400 * MIB, dtype=np.uint8)
    found = measure(python("pass"), tmp_path)
    assert ours.sum() == ours.size
    assert 1 * MIB < found.peak_memory_bytes < 100 * MIB


def test_memory_and_processor_of_the_command_are_counted(tmp_path):
    code = f"import time; x = b'1' * ({200 * MIB}); t = time.process_time()\n"
    code += "while time.process_time() < t + 0.2: pass"
    found = measure(python(code), tmp_path)
    assert 200 * MIB < found.peak_memory_bytes < 400 * MIB
    assert found.cpu_s >= 0.2
    assert found.wall_s >= 0.2


def test_room_that_was_taken_for_a_while_is_seen(tmp_path):
    path = tmp_path / "much"
    code = f"import os, time\nf = open({str(path)!r}, 'wb'); f.write(os.urandom({8 * MIB}))\n"
    code += "f.flush(); os.fsync(f.fileno()); time.sleep(1.0); f.close()\n"
    code += f"os.remove({str(path)!r})"
    found = measure(python(code), tmp_path)
    assert not path.exists()
    assert found.peak_disk_bytes >= 8 * MIB


def test_a_command_that_fails_says_why(tmp_path):
    with pytest.raises(ModelError, match="the reason"):
        measure(python("raise SystemExit('the reason')"), tmp_path)


def test_a_variable_is_set_for_the_command_alone(tmp_path):
    code = "import os; assert os.environ['RECARB_CACHE_DIR'] == 'here'"
    measure(python(code), tmp_path, {"RECARB_CACHE_DIR": "here"})
    with pytest.raises(ModelError):
        measure(python(code), tmp_path)


def test_the_machine_is_described():
    facts = machine()
    assert facts["cores"] >= 1
    assert facts["processor"]
    assert facts["versions"]["numpy"]
