"""The spot-check viewer: a web application over the store. Needs the extra ``review``."""

from ner.review.app import Settings, create_app

__all__ = ["Settings", "create_app"]
