"""Folders that tests read: the repository, and genuine files of the releases, which need not be there."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT.parent / "shared" / "fixtures"
GENUINE_SPAIR = FIXTURES / "SPair-71k"
GENUINE_PASCAL3D = FIXTURES / "PASCAL3D+"
GENUINE_CAD = GENUINE_PASCAL3D / "CAD"

needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the genuine files are not at hand")
