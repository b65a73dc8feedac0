import json
import subprocess
import sys

CODE = """
import logging, structlog
from service.logging import configure_logging
configure_logging("INFO", "{style}")
with structlog.contextvars.bound_contextvars(request_id="r1"):
    logging.getLogger("device_db").info("stored", extra={{"rows": 3}})
    logging.getLogger("device_db").debug("not shown")
    try:
        secret = "hunter2"
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("service").exception("failed")
"""


def logged(style: str) -> str:
    done = subprocess.run([sys.executable, "-c", CODE.format(style=style)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


def test_records_are_one_json_object_a_line_with_the_request_id():
    stored, failed = [json.loads(line) for line in logged("json").splitlines()]
    assert (stored["event"], stored["level"], stored["logger"]) == ("stored", "info", "device_db")
    assert (stored["rows"], stored["request_id"]) == (3, "r1")
    assert "ValueError: broken" in failed["exception"]


def test_console_records_show_no_local_variables():
    text = logged("console")
    assert "ValueError: broken" in text
    assert "secret" not in text.replace('secret = "hunter2"', "")
