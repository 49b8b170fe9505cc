"""The commands of docs/cli.md, each as a person pastes it, in the order of the page and in a home of its own.

They are run in `make soak`; tests/cli/test_pasted.py holds each of them to the program's parser at every run.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ..patience import HANG_S
from ..server_process import ServerProcess
from ..soak import SOAKING
from .programs import run_script
from .test_doc_examples import blocks

NOT_HERE: Final = {
    "coatcheck serve": "it runs until it is stopped; each test of this folder starts one",
    "/srv/coatcheck": "a directory of the reader's; docs/operate.md is run with one",
    "--password -": "it asks on a terminal",
    "…": "what a reader has to fill in",
    "LTAI5t": "a key of the reader's",
    "69A92BD9": "a request of the reader's",
    "lk_k5wq": "a link of the reader's",
    "nt_0123": "a notice of the reader's",
    "hooks.example.com": "a name that leads nowhere",
    "cloud": "needs the cloud; tests/cli/test_alias.py uses a profile",
    "coatcheck settings": "tests/cli/test_settings.py",
    "coatcheck completion": "it writes into folders of the reader's shells; tests/cli/test_completion.py",
    "coatcheck explain -": "it reads what is pasted",
    "coatcheck rm -r --yes oss://photos": "later lines need the bucket",
    "-o /tmp/": "it writes outside of the test",
}
VERBS_ELSEWHERE: Final = (
    "account",
    "user",
    "role",
    "policy",
    "key",
    "quota set --account",
)  # tests/cli/test_identities.py
REFUSED: Final = {  # by the page's own words, or for what an earlier line did or left out
    'coatcheck get "$LINK"': 1,  # the page shows a refusal; here the file is there already
    'coatcheck explain "$LINK" --method PUT': 1,  # it was signed for GET
    "coatcheck share oss://photos/2026/a.jpg --expires 2026-03-12": 2,  # over
    "coatcheck rm -r oss://photos/2025": 2,  # it asks, and nobody answers
    "coatcheck rb oss://photos": 1,  # not empty
    "coatcheck domain remove": 3,
}
WORLD: Final = """
mkdir -p holiday site bin; echo a > holiday/a.txt; echo hello > site/index.html
for name in holiday.jpg report.pdf a.pdf b.pdf c.pdf a.jpg; do echo "$name" > "$name"; done
echo 'oss://photos/a.jpg' > addresses.txt; printf old-secret-of-the-key > secret.txt
echo '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:PutObject", "Resource": "*"}]}' > policy.json
echo '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
  "Principal": {"RAM": ["acs:ram::1346599868256834:root"]}}]}' > trust.json
printf '#!/bin/sh\\necho dump\\n' > bin/pg_dump; printf '#!/bin/sh\\ncat >/dev/null\\n' > bin/psql
cp bin/psql bin/jq; cp bin/psql bin/xxd; chmod 700 bin/*
for bucket in photos docs www backup archive logs data inbox www-backup scratch; do coatcheck mb oss://$bucket; done
for key in a.jpg b.jpg new.jpg 2026/a.jpg 2026/cat.jpg 2025/old.jpg; do coatcheck cp a.jpg oss://photos/$key; done
echo 'ERROR: none' | coatcheck cp - oss://logs/2026-03-05.log; coatcheck cp a.jpg oss://data/table.csv
coatcheck cp a.jpg oss://data/a.bin; coatcheck cp a.jpg oss://inbox/2026/scan.pdf
"""


def lines() -> Iterator[str]:
    for block in blocks("docs/cli.md", "console"):
        for line in block.replace("\\\n", " ").splitlines():
            command = line.removeprefix("$ ")
            elsewhere = command.startswith(tuple(f"coatcheck {verb} " for verb in VERBS_ELSEWHERE))
            if command != line and not elsewhere and not any(part in command for part in NOT_HERE):
                yield command


@pytest.mark.skipif(not SOAKING, reason="some 70 commands, one after the other")
@pytest.mark.soak(1)
def test_commands_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", workers=1, own_root_key=False)
    try:
        made = run_script(WORLD, tmp_path, COATCHECK_DATA=server.data, HOME=tmp_path)
        assert made.returncode == 0, made.stderr
        link = run_script("coatcheck presign oss://photos/a.jpg", tmp_path, COATCHECK_DATA=server.data, HOME=tmp_path)
        failed = []
        for line in lines():
            environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path)}
            environment |= {"COATCHECK_DATA": str(server.data), "LINK": link.stdout.strip()}
            words = ["bash", "-c", line]
            done = subprocess.run(
                words,
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=HANG_S,
                stdin=subprocess.DEVNULL,
            )
            if done.returncode != next((code for part, code in REFUSED.items() if line.startswith(part)), 0):
                failed.append((line, done.returncode, done.stderr))
        assert failed == [], json.dumps(failed, indent=1)
    finally:
        server.stop()
