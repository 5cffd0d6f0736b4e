"""What tests of several folders, and bench, share. Nothing here asserts what the product promises."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
