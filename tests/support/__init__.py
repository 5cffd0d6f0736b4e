"""Code shared by tests in several folders and by bench. It asserts no promise of the product."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
