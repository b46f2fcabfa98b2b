"""The public name of the paper edition's data in task files: `custom_dataset: !function slmr.sources.dataset`."""

from slmr.tasks.datasets import dataset

__all__ = ["dataset"]
