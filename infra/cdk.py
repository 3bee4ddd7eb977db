"""`python -m infra.cdk ARGUMENTS`: the pinned CDK command line, installed into `.local` when it isn't there yet.

It works on the AWS account of the caller's own environment: `python -m infra.cdk deploy --all --context stage=dev`.
"""

import os
import subprocess
import sys

from infra.local.install import InstallFailed, install_cdk_cli, node_folder
from infra.local.layout import Layout


def main() -> int:
    layout = Layout.of_this_checkout()
    layout.logs.mkdir(parents=True, exist_ok=True)
    try:
        install_cdk_cli(layout)
        node = node_folder() / "node"
    except InstallFailed as error:
        print(f"The CDK command line can't be installed: {error}", file=sys.stderr)
        return 1
    cli = layout.cdk_cli / "node_modules" / "aws-cdk" / "bin" / "cdk"
    # aws-cdk-lib looks for a Node of its own accord, and is tried with version 20 too.
    environment = {**os.environ, "JSII_NODE": str(node), "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
    command = [str(node), str(cli), *sys.argv[1:]]
    return subprocess.run(command, cwd=layout.checkout, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
