from typing import Any

from twilio.http import HttpClient

class _Resource:
    sid: str
    status: str

class _Context:
    def fetch(self) -> _Resource: ...
    def update(self, **parameters: Any) -> _Resource: ...

class _List:
    def create(self, **parameters: Any) -> _Resource: ...
    def __call__(self, sid: str) -> _Context: ...

class Client:
    calls: _List
    messages: _List
    def __init__(
        self,
        username: str | None = ...,
        password: str | None = ...,
        account_sid: str | None = ...,
        region: str | None = ...,
        http_client: HttpClient | None = ...,
    ) -> None: ...
