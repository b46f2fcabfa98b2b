"""The name by which task files call the paper edition's data: `custom_dataset: !function slmr.sources.dataset`."""

from slmr.tasks.datasets import dataset

__all__ = ["dataset"]
