"""A reading service with the shipped model and a record of its own."""

from pathlib import Path

import pytest

from edge_app.model.bundle import Bundle
from edge_app.reading.predictor import Predictor
from edge_app.workflow.reading_service import ReadingService


@pytest.fixture(scope="session")
def predictor(shipped: Bundle) -> Predictor:
    return Predictor(shipped)


@pytest.fixture
def service(predictor: Predictor, tmp_path: Path) -> ReadingService:
    return ReadingService(predictor, tmp_path / "home")
