"""Where one checkout's local stack keeps its things: everything below `.local/`, nothing elsewhere on the machine."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    checkout: Path

    @classmethod
    def of_this_checkout(cls) -> "Layout":
        return cls(Path(__file__).resolve().parents[2])

    @property
    def root(self) -> Path:
        return self.checkout / ".local"

    @property
    def emulator_environment(self) -> Path:
        return self.root / "emulator"

    @property
    def peers_environment(self) -> Path:
        return self.root / "peers"

    @property
    def cdk_cli(self) -> Path:
        return self.root / "cdk"

    @property
    def cloud_assembly(self) -> Path:
        return self.root / "cdk.out"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Files of the running stack; nothing in here matters once it has ended."""
        return self.root / "run"

    @property
    def outputs(self) -> Path:
        return self.root / "outputs.json"

    @property
    def stack(self) -> Path:
        """The supervisor's record of itself and its addresses."""
        return self.run / "stack.json"

    @property
    def command_lock(self) -> Path:
        """Held by the one `up` or `down` at work."""
        return self.root / "command.lock"

    @property
    def stack_lock(self) -> Path:
        """Held by the supervisor as long as it lives: the kernel lets go of it whatever ended the process."""
        return self.root / "stack.lock"
