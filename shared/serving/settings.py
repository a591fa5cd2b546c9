"""gunicorn's settings as the worker reads them."""

from typing import Any


class Settings:
    """gunicorn's `Config`, with each setting as a plain attribute. `Config` itself looks a setting
    up at each use, and a request uses about twenty."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self.is_ssl: bool = config.is_ssl
        for name in config.settings:
            setattr(self, name, getattr(config, name))

    def __getattr__(self, name: str) -> Any:
        """The rest, such as methods."""
        return getattr(self._config, name)
