"""Reads the files of a run folder or a data set (never a model) and shows them: pages of one file, a moving picture."""

from marey.report.page import write_report
from marey.report.picture import moving_picture
from marey.report.table import markdown

__all__ = ["markdown", "moving_picture", "write_report"]
