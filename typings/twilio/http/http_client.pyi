from logging import Logger
from typing import Any

from requests.adapters import HTTPAdapter
from twilio.http import HttpClient
from twilio.http.response import Response

class _Session:
    def close(self) -> None: ...
    def mount(self, prefix: str, adapter: HTTPAdapter) -> None: ...

class TwilioHttpClient(HttpClient):
    session: _Session | None
    def __init__(
        self,
        pool_connections: bool = ...,
        request_hooks: dict[str, object] | None = ...,
        timeout: float | None = ...,
        logger: Logger = ...,
        proxy: dict[str, str] | None = ...,
        max_retries: int | None = ...,
    ) -> None: ...
    def request(self, method: str, url: str, *args: Any, **more: Any) -> Response: ...
