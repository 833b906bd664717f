class Response:
    status_code: int
    @property
    def text(self) -> str: ...
