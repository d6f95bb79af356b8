"""How the server is to run, as its command line says."""

from dataclasses import dataclass, field
from pathlib import Path

from index import default_data_dir


@dataclass(frozen=True)
class ServerSettings:
    """What a server is started with; everything not given is the safe choice.

    Attributes:
        index: the index folder; None = the default index.
        data_dir: where the server keeps what visitors leave: uploads, feedback, sessions, logs.
        host: address to listen on.
        port: port to listen on; 0 = any free one.
        allow_upload: whether every visitor may change the documents where nobody signs in.
        users_file: the people who may sign in, with argon2 hashes; None = nobody needs to.
        token_file: the tokens that programs show, hashed; None = programs need none.
        allowed_hosts: names, besides the address listened on, by which the server may be called.
        insecure: whether to listen beyond this machine without a login.
        log_questions: whether questions are written to the log.
        session_hours: after so long without a request a person has to sign in again.
        behind_proxy: addresses or networks of proxies whose ``X-Forwarded-`` headers are believed.
        root_path: the path under which a proxy serves this server, such as ``/kb``.
        keep_log: whether requests are logged to a file.
        log_file: that file; None = one in the data folder.
        reads_phrases: whether quotes are read for the phrase in them that answers.
        max_upload_bytes: the most that one uploaded file may have; any other body may have 1 MiB.
        requests_per_second: what one visitor may ask for in the long run; 0 = no limit.
        max_running: how many questions are answered at once.
        max_waiting: how many more may wait for their turn.
        max_upload_files: how many files may be uploaded at a time.
        max_upload_total: the most that all uploaded files may take on the disk.
    """

    index: str | None = None
    data_dir: Path = field(default_factory=default_data_dir)
    host: str = "127.0.0.1"
    port: int = 7860
    allow_upload: bool = False
    users_file: Path | None = None
    token_file: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    insecure: bool = False
    log_questions: bool = False
    session_hours: float = 12.0
    behind_proxy: tuple[str, ...] = ()
    root_path: str = ""
    keep_log: bool = True
    log_file: Path | None = None
    reads_phrases: bool = True
    max_upload_bytes: int = 64 * 2**20
    requests_per_second: float = 50.0
    max_running: int = 8
    max_waiting: int = 60
    max_upload_files: int = 20
    max_upload_total: int = 4 * 2**30

    @property
    def needs_login(self) -> bool:
        """Whether whoever comes has to say who they are."""
        return self.users_file is not None or self.token_file is not None
