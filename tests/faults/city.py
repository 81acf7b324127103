"""A chain and a server between which a proxy stands, and which can be killed, wound back and starved of disk."""

from __future__ import annotations

import resource
import shutil
import time
from dataclasses import dataclass, field
from random import Random

from chain_support import PlainAnvil, dev_key
from running_city import ADMIN, RunningCity

from backend.chain.deploy import deploy
from backend.chain.devnet import BLOCKS_FILE_NAME
from backend.chain.ledger_calls import encode_create_organisation
from backend.chain.transactions import send_and_wait
from backend.cli.places import demo_governors
from backend.domain.seal import key_hash
from tests.faults.day import registrars
from tests.faults.proxy import FaultyProxy

_RPC_TIMEOUT_SECONDS = 0.5
_NOTHING_MORE_BYTES = 4096


@dataclass
class FaultyCity(RunningCity):
    """On the devnet that remembers, or on a bare anvil, which forgets but can replace its newest blocks."""

    is_forking: bool = False
    rng: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        silence = 2 * _RPC_TIMEOUT_SECONDS
        self.proxy = FaultyProxy(lambda: self.node_url, self.rng, silence_seconds=silence)
        super().__post_init__()
        self.found_organisations()
        for registrar in registrars(self.network).values():
            self.courier.wait_recorded({registrar.device: 0}, pause_seconds=0.05)

    def found_organisations(self) -> None:
        """Let the city's account create them: nobody would send that again, so faults come after it."""
        for number, registrar in registrars(self.network).items():
            call = encode_create_organisation(
                organisation=number,
                name_digest=bytes(32),
                registrar=registrar.device,
                key_hash=key_hash(*registrar.public),
            )
            send_and_wait(self.rpc, key=dev_key(ADMIN), to=self.deployment.actor_registry, data=call)
        self._lasting_block = self._head()

    @property
    def node_url(self) -> str:
        return self._anvil.url if self.is_forking else f"http://127.0.0.1:{self.rpc_port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "HUANLIAN_RPC_URLS": self.proxy.url,
            "HUANLIAN_RPC_TIMEOUT_SECONDS": str(_RPC_TIMEOUT_SECONDS),
        }

    def start_chain(self) -> None:
        if not self.is_forking:
            super().start_chain()
            return
        self._anvil = PlainAnvil("--block-time", "0.1")
        self.devnet = self._anvil  # type: ignore[assignment]

    def stop(self) -> None:
        super().stop()
        self.proxy.close()

    # --- what befalls it -------------------------------------------------------------------------------

    def fell_server(self, *, seconds: float) -> None:
        """Kill the server, and start it again after a while."""
        self.kill_server()
        time.sleep(seconds)
        self.start_server()

    def fell_node(self, *, seconds: float) -> None:
        """Kill the node, and start it again after a while."""
        self.devnet.kill()
        time.sleep(seconds)
        self.start_chain()

    def wipe_node(self) -> None:
        """Forget the chain of a node that was killed, begin another, and deploy there, as an operator would."""
        shutil.rmtree(self.data_dir / "devnet")
        self.start_chain()
        before = self.deployment
        self.deployment = deploy(self.rpc, city_key=dev_key(ADMIN), governors=demo_governors())
        assert (self.deployment.places, self.deployment.genesis_hash != before.genesis_hash) == (
            before.places,
            True,
        )
        self.deployment.save(self.data_dir / "deployment.json")
        self.deployment.save_trust(self.data_dir / "trust.json")
        self.found_organisations()
        self.stop_server()
        self.start_server()

    def reorganise(self, depth: int) -> None:
        """Put empty blocks in place of the newest."""
        self.rpc.call("anvil_reorg", min(depth, self._head() - self._lasting_block), [])

    def end_blocks(self) -> None:
        """Let a node that makes blocks by the clock make no more; the devnet rests by itself."""
        if self.is_forking:
            self.rpc.call("evm_setIntervalMining", 0)

    def fill_disk(self) -> None:
        """Let no file of the server's grow past its first page, so that whatever it writes fails."""
        _limit_files(self.server.pid, _NOTHING_MORE_BYTES)

    def free_disk(self) -> None:
        """Let files grow again."""
        _limit_files(self.server.pid, resource.RLIM_INFINITY)

    def fill_nodes_disk(self) -> None:
        """Let the devnet write a piece of its next block, and no more."""
        size = (self.data_dir / "devnet" / BLOCKS_FILE_NAME).stat().st_size
        _limit_files(self.devnet.process.pid, size + self.rng.randint(0, 200))

    def free_nodes_disk(self) -> None:
        """Start the devnet again, which ends when it cannot write a block down."""
        self.devnet.process.wait()
        self.devnet.rpc.close()
        self.start_chain()

    def _head(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)


def _limit_files(pid: int, size: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
