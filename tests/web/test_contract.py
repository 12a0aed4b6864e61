"""The OpenAPI document holds for thousands of requests that Schemathesis generates."""

import subprocess
import sys
from pathlib import Path

import pytest

from lab.data.seed import build
from lab.endpoints.tokens import token
from lab.net.server import running


@pytest.mark.slow
def test_the_server_answers_as_its_document_says(own_schema, tmp_path):
    """Traps are left out, since they end bodies early.

    That a valid request is accepted is left out too: the document can't say how many rows there
    are, and more than those are refused.
    """
    build(own_schema, 300)
    with running("lab.web.app:app") as server:
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{server.url}/openapi.json",
            "--header",
            f"Authorization: Bearer {token()}",
            "--exclude-path-regex=^/trap",
            "--exclude-checks=positive_data_acceptance",
            "--phases=coverage,fuzzing",
            "--max-examples=15",
            "--request-timeout=20",
            "--seed=1",
            "--no-color",
        ]
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path
        )
        assert found.returncode == 0, found.stdout[-4_000:]
        assert server.lives
        assert "Traceback" not in server.written()
