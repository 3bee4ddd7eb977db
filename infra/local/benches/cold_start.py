"""A fresh process up to its first answer: imports, client, one command. CPU time, the interpreter's own start included.

Ours is the function as it is deployed: the context's code with its bytecode, and the dependency layer. Beside it, from
an environment as pip leaves one, with bytecode: bare botocore that commits one transaction, and the same command on
Powertools for AWS Lambda. That one is shown twice: as it starts inside Lambda, where its tracer patches what it traces,
and in a plain process, where the tracer loads X-Ray's sampling instead.
"""

import json
import os
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.assets import context_code
from infra.layers.build import COMMON, build_layer
from infra.local.benches import workload
from infra.local.benches.bars import Bar, at_most, output
from infra.local.benches.endpoint import endpoint, environment
from infra.local.install import install_peers
from infra.local.layout import Layout
from infra.local.screen import Screen
from infra.stages import stage_named

MAX_TO_BOTOCORE = 1.8
MAX_TO_POWERTOOLS = 0.5
STARTS = 9

# What ends a process isn't part of its start.
_END = """
import os, time
print(time.process_time() * 1000, flush=True)
os._exit(0)
"""

OURS = """
import json, os
from functions.conversations.commands.start_conversation import lambda_handler
answer = lambda_handler(json.loads(os.environ["EVENT"]))
assert answer["statusCode"] == 201, answer
"""

BARE = """
import botocore.session
client = botocore.session.get_session().create_client("dynamodb")
items = [{"pk": {"S": f"CONVERSATION#{number}"}, "sk": {"S": "CONVERSATION"}} for number in range(2)]
client.transact_write_items(TransactItems=[{"Put": {"TableName": "data", "Item": item}} for item in items])
"""

POWERTOOLS = """
import json, os
from cold_powertools import lambda_handler

class Context:
    function_name = aws_request_id = invoked_function_arn = "bench"
    memory_limit_in_mb = 512

    def get_remaining_time_in_millis(self):
        return 28_000

answer = lambda_handler(json.loads(os.environ["EVENT"]), Context())
assert answer["statusCode"] == 201, answer
"""

_INSIDE_LAMBDA = {
    "LAMBDA_TASK_ROOT": "/var/task",
    "_X_AMZN_TRACE_ID": "Root=1-5e1b4151-5ac6c58f5b6a4d7d8e9f0a1b;Parent=53995c3f42cd8ad8;Sampled=1",
}


@dataclass(frozen=True, slots=True)
class Start:
    name: str
    code: str
    path: str
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


def bench_cold_start(screen: Screen, layout: Layout) -> list[Bar]:
    install_peers(layout)
    code = context_code("conversations", compiled=True).path
    layer = build_layer(COMMON, stage_named("local").runtime).path / "python"
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    peers = layout.peers_environment / "lib" / python / "site-packages"
    ours = os.pathsep.join(map(str, (layer, code)))
    theirs = os.pathsep.join(map(str, (peers, Path(__file__).parent)))
    starts = [
        Start("VisionScope, as deployed", OURS, ours, _INSIDE_LAMBDA),
        Start("bare botocore", BARE, str(peers)),
        Start("bare botocore, in our layer", BARE, str(layer)),
        Start("Powertools, inside Lambda", POWERTOOLS, theirs, _INSIDE_LAMBDA),
        Start("Powertools, in a plain process", POWERTOOLS, theirs),
    ]
    with screen.step(f"starting {len(starts)} kinds of process {STARTS} times"), endpoint(workload.replies()) as url:
        common = {**environment(url), **workload.SETTINGS, "EVENT": json.dumps(next(workload.requests()))}
        measured: list[list[float]] = [[] for _ in starts]
        for turn in range(STARTS + 1):
            for start, times in zip(starts, measured, strict=True):
                milliseconds = _start(start, common)
                if turn:
                    times.append(milliseconds)
    medians = [statistics.median(times) for times in measured]
    rows = [(start.name, f"{median:.0f}") for start, median in zip(starts, medians, strict=True)]
    screen.table([("ms of CPU to the first answer", ""), *rows], right=(1,), header=True)
    mine, bare, _, inside, outside = medians
    return [
        at_most("cold command, of bare botocore", mine / bare, MAX_TO_BOTOCORE),
        at_most("cold command, of Powertools' (inside Lambda)", mine / inside, MAX_TO_POWERTOOLS),
        at_most("cold command, of Powertools' (plain process)", mine / outside, MAX_TO_POWERTOOLS),
    ]


def _start(start: Start, common: Mapping[str, str]) -> float:
    variables = {**common, **start.variables, "PYTHONPATH": start.path}
    # Without `site`, the path is all that the process has to import from.
    printed = output([sys.executable, "-S", "-c", start.code + _END], 60, variables)
    return float(printed.splitlines()[-1])
