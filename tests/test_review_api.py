"""Every endpoint of the viewer, fuzzed from its own OpenAPI: nothing breaks it, and it answers as it says."""

from typing import Any

import pytest
from conftest import make_article

from ner.article import Span
from ner.store import ModelKey, ReviewStore

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytestmark = pytest.mark.slow

MODELS = ("/api/tag", "/api/compare")  # load a model: tested elsewhere
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def test_no_endpoint_breaks_or_answers_what_it_does_not_say(tmp_path: Any) -> None:
    from hypothesis import HealthCheck, given, settings
    from starlette.testclient import TestClient

    from ner.review import Settings, create_app

    articles = [make_article(number, spans=(Span(8, 11, "LOC", 0.9),)) for number in range(3)]
    with ReviewStore(f"sqlite:///{tmp_path}/a.db", create=True) as store:
        list(store.add(articles))
        store.write_results(store.start_run(ModelKey("news", "1.0", "a" * 64)), articles)
        store.make_queue("双审", "random", {}, size=3, seed=1, made_by="陈", readers=2)
        app = create_app(store, Settings("陈"))
        token = {"x-csrf-token": TestClient(app).get("/api/me").json()["csrf"]}
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        checks = [schemathesis.checks.CHECKS.get_one(name) for name in CHECKS]
        wrong, asked = [], 0
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path.startswith(MODELS):
                continue

            @given(case=operation.as_strategy())
            @settings(
                max_examples=6,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: Any) -> None:
                case.validate_response(case.call(headers=token), checks=checks)

            asked += 1
            try:
                ask()
            except Exception as error:
                wrong.append(f"{operation.method} {operation.path}: {error}")
        assert asked > 15 and wrong == []
