"""Starts and stops a real Airflow (standalone, SQLite, LocalExecutor) and the stand-in portals beside it.

Works on any free ports and beside other Airflows. What was started is written down in `state.json` of the Airflow
home, so that a later call can find it, stop it, or clear away what a killed run left behind. It must not know what
the DAGs do. Airflow's database is never our record: after a kill it is simply made anew.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psutil

from pipelines.model.errors import HailongError
from pipelines.settings import Settings

START_SECONDS = 600  # a slow machine under load; an Airflow that ends is noticed at once
STOP_SECONDS = 25
STATISTICIAN, LEADER = USERS = ("thong-ke", "lanh-dao")  # their roles are in docker/airflow.env
PORTAL_TOKEN = "demo-token"


@dataclass(frozen=True)
class State:
    """What runs: process ids with their start times (a reused id is not ours), addresses, and who owns it."""

    owner: int
    owner_started: float
    airflow: int
    airflow_started: float
    portal: int
    portal_started: float
    url: str
    portal_url: str


class Server:
    """One Airflow home with its processes."""

    def __init__(self, settings: Settings) -> None:
        """Take the home beside the lake; nothing is started yet."""
        self.settings = settings
        self.home = Path(os.environ.get("HAILONG_AIRFLOW_HOME", settings.project / ".airflow")).resolve()
        self.state_file = self.home / "state.json"
        self.passwords_file = self.home / "passwords.json"

    @property
    def state(self) -> State | None:
        """What was written down at the last start, or None."""
        if not self.state_file.exists():
            return None
        return State(**json.loads(self.state_file.read_text(encoding="utf-8")))

    def is_running(self) -> bool:
        """Whether the Airflow of this home is alive and wanted (its owner lives, or it was left up on purpose)."""
        state = self.state
        if state is None or not alive(state.airflow, state.airflow_started):
            return False
        return state.owner == 0 or alive(state.owner, state.owner_started)

    def launch(self, keep: bool) -> None:
        """Start portals and Airflow without waiting for them. `keep`: they outlive this process."""
        self.clear()
        self.home.mkdir(parents=True, exist_ok=True)
        self._write_passwords()
        portal, portal_url = self._start_portal()
        ports = free_ports(3)
        airflow = self._spawn([airflow_command(), "standalone"], self.environment(ports, portal_url), "airflow.log")
        me = psutil.Process()
        state = State(
            owner=0 if keep else me.pid,
            owner_started=me.create_time(),
            airflow=airflow.pid,
            airflow_started=psutil.Process(airflow.pid).create_time(),
            portal=portal.pid,
            portal_started=psutil.Process(portal.pid).create_time(),
            url=f"http://localhost:{ports[0]}",
            portal_url=portal_url,
        )
        self._write(self.state_file, json.dumps(asdict(state), indent=1))

    def wait_until_ready(self) -> None:
        """Wait until Airflow answers, and give it its pools.

        Raises:
            HailongError: it ended, or did not answer in time.
        """
        end, state = time.monotonic() + START_SECONDS, self.state
        while state and time.monotonic() < end and alive(state.airflow, state.airflow_started):
            try:
                if httpx.get(f"{state.url}/api/v2/version", timeout=5).status_code == httpx.codes.OK:
                    return self._make_pools()
            except httpx.HTTPError:
                time.sleep(0.3)
        raise HailongError(
            "Airflow did not start", str(self.home / "airflow.log"), "read the end of that log; then `make down`"
        )

    def stop(self) -> bool:
        """Stop what runs, gently first; return whether there was anything."""
        state = self.state
        if state is None:
            return False
        stop_session(state.airflow, state.airflow_started)
        stop_session(state.portal, state.portal_started)
        self.state_file.unlink(missing_ok=True)
        return True

    def clear(self) -> None:
        """Clear away what a killed run left: its processes and, since tasks may hang in it, Airflow's database."""
        if self.stop():
            for leftover in self.home.glob("airflow.db*"):
                leftover.unlink()

    def password(self, user: str) -> str:
        """Return a user's password, made at the first start."""
        return str(json.loads(self.passwords_file.read_text(encoding="utf-8"))[user])

    def client(self, user: str) -> httpx.Client:
        """Return a client of Airflow's REST interface, logged in as one of the two users."""
        state = self.state
        if state is None:
            raise HailongError("Airflow is not running", remedy="start it with `make up`")
        login = {"username": user, "password": self.password(user)}
        answer = httpx.post(f"{state.url}/auth/token", json=login, timeout=30).raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return httpx.Client(base_url=f"{state.url}/api/v2", headers=headers, timeout=30)

    def environment(self, ports: list[int], portal_url: str) -> dict[str, str]:
        """Return the whole environment of Airflow and its tasks: the shared file and what is this place's own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        return inherited | shared_environment(self.settings.project) | self.own_environment(ports, portal_url)

    def own_environment(self, ports: list[int], portal_url: str) -> dict[str, str]:
        """Return the settings that differ by place: paths, ports, database, secrets."""
        project, url = self.settings.project, f"http://localhost:{ports[0]}"
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords_file),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(ports[0]),
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(48),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports[1]),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports[2]),
            "HAILONG_DATA": self.settings.data,
            "HAILONG_WAREHOUSE": self.settings.warehouse,
            "HAILONG_PROJECT": str(project),
            "HAILONG_METHODS": os.pathsep.join(map(str, self.settings.methods)),
            "HAILONG_PORTAL_URL": portal_url,
            "HAILONG_PORTAL_TOKEN": PORTAL_TOKEN,
        }

    def _start_portal(self) -> tuple[subprocess.Popen[bytes], str]:
        port = free_ports(1)[0]
        command = [sys.executable, "-m", "pipelines.demo.portals", f"{self.settings.data}/portal", str(port)]
        environment = dict(os.environ) | {"HAILONG_PORTAL_TOKEN": PORTAL_TOKEN}
        return self._spawn(command, environment, "portal.log"), f"http://localhost:{port}"

    def _spawn(self, command: list[str], environment: dict[str, str], log: str) -> subprocess.Popen[bytes]:
        with (self.home / log).open("ab") as stream:
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.home,
                # standalone stops on SIGINT only, which a shell's background job would ignore
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
            )

    def _make_pools(self) -> None:
        pools = json.loads((self.settings.project / "docker" / "pools.json").read_text(encoding="utf-8"))
        with self.client(LEADER) as client:
            for name, pool in pools.items():
                if client.get(f"/pools/{name}").status_code == httpx.codes.NOT_FOUND:
                    client.post("/pools", json={"name": name, **pool}).raise_for_status()

    def _write_passwords(self) -> None:
        if not self.passwords_file.exists():
            self._write(self.passwords_file, json.dumps({user: secrets.token_urlsafe(9) for user in USERS}))

    @staticmethod
    def _write(path: Path, text: str) -> None:
        temporary = path.with_suffix(".tmp")
        temporary.touch(mode=0o600)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def airflow_command() -> str:
    """Return the `airflow` command of this very environment."""
    beside = Path(sys.executable).parent / "airflow"
    found = str(beside) if beside.exists() else shutil.which("airflow")
    if not found:
        raise HailongError("the command airflow is not installed", remedy="run `make setup`")
    return found


def shared_environment(project: Path) -> dict[str, str]:
    """Return the settings of `docker/airflow.env`, the file that compose reads too."""
    lines = (project / "docker" / "airflow.env").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def alive(pid: int, started: float) -> bool:
    """Whether this process, and not a later one with the same number, still runs."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop_session(leader: int, started: float) -> None:
    """End a process and everything of its session, which may outlive it: an interrupt first, then without mercy."""
    if psutil.pid_exists(leader) and not alive(leader, started):
        return  # the number belongs to somebody else now, so nothing of the session is left
    session = [process for process in psutil.process_iter() if session_of(process.pid) == leader]
    if alive(leader, started):
        os.kill(leader, signal.SIGINT)
        psutil.wait_procs([process for process in session if process.pid == leader], timeout=STOP_SECONDS)
    for process in session:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(session, timeout=5)


def session_of(pid: int) -> int:
    """Return the session of a process, 0 where it has gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
