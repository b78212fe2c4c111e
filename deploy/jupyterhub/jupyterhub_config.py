"""JupyterHub for a lab: one server, one account of the operating system for each learner.

Start it from the folder of the course, with the course's own Python:

    .venv/bin/python -m jupyterhub --config deploy/jupyterhub/jupyterhub_config.py

It reads these variables of the environment:

    HUB_STATE     folder for the hub's database and cookie secret  (default: hub-state, here)
    HUB_PORT      the port                                         (default: 8000)
    HUB_MEMORY_MB for each process of a learner                    (default: 4096)
    HUB_EXCHANGE  folder in which nbgrader hands work out and in   (default: /srv/hgteach-exchange)
    HUB_TRIAL     1: try it on your own machine, with one shared password and no accounts. Everybody
                then works as *you*, in folders under HUB_STATE. Never give that to a class.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATE = Path(os.environ.get("HUB_STATE", HERE / "hub-state")).resolve()
EXCHANGE = Path(os.environ.get("HUB_EXCHANGE", "/srv/hgteach-exchange"))
TRIAL = os.environ.get("HUB_TRIAL") == "1"
STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
STATE.chmod(0o700)

c = get_config()  # noqa: F821  (JupyterHub hands it to this file)

# --- Who may log in -------------------------------------------------------------------------------
if TRIAL:
    c.JupyterHub.authenticator_class = "dummy"
    c.JupyterHub.spawner_class = "simple"  # every server runs as the person who started the hub
    c.DummyAuthenticator.password = os.environ["HUB_PASSWORD"]  # no default: choose one
    c.Authenticator.allow_all = True
    c.SimpleLocalProcessSpawner.home_dir_template = str(STATE / "homes" / "{username}")
else:
    c.JupyterHub.authenticator_class = "pam"  # the accounts and passwords of this machine
    c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
    c.LocalAuthenticator.allowed_groups = {"hgteach"}
    c.LocalAuthenticator.admin_groups = {"hgteach-admin"}
    c.PAMAuthenticator.open_sessions = False

# --- Where the hub listens ------------------------------------------------------------------------
# To this machine only: put a web server with a certificate (nginx, Caddy) in front of it.
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ.get('HUB_PORT', '8000')}"
c.JupyterHub.db_url = f"sqlite:///{STATE}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
proxy = HERE / "node_modules" / ".bin" / "configurable-http-proxy"
c.ConfigurableHTTPProxy.command = [str(proxy) if proxy.exists() else "configurable-http-proxy"]

# --- What a learner gets --------------------------------------------------------------------------
c.Spawner.cmd = [sys.executable, str(HERE / "start_learner.py")]
c.Spawner.default_url = "/lab/tree/hgteach-course/notebooks/00-start-here.ipynb"
c.Spawner.environment = {
    "OMP_NUM_THREADS": "1",  # thirty learners share the cores; one thread each is faster for all
    "MKL_NUM_THREADS": "1",
    "HUB_COURSE": str(HERE.parent.parent),
    "HUB_MEMORY_MB": os.environ.get("HUB_MEMORY_MB", "4096"),
}
if not TRIAL:  # in a trial everybody is the same account, so there is nobody to hand in to
    EXCHANGE.mkdir(parents=True, exist_ok=True)
    EXCHANGE.chmod(0o1777)  # nbgrader wants it open to all; 1: nobody moves what is another's
    c.Spawner.environment["HUB_EXCHANGE"] = str(EXCHANGE)
c.Spawner.args = [
    "--MappingKernelManager.cull_idle_timeout=3600",  # a notebook left alone for an hour
    "--ServerApp.shutdown_no_activity_timeout=7200",  # a server left alone for two
    # No login shell, which would forget where `hgteach` and `nbgrader` are.
    "--ServerApp.terminado_settings={'shell_command': ['bash']}",
]
c.Spawner.start_timeout = 120  # the first start after a reboot reads everything from disk
c.Spawner.http_timeout = 120
c.JupyterHub.concurrent_spawn_limit = 5  # a whole class logs in within the same minute
