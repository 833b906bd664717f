class HTTPAdapter:
    def __init__(
        self,
        pool_connections: int = ...,
        pool_maxsize: int = ...,
        max_retries: int = ...,
        pool_block: bool = ...,
    ) -> None: ...
