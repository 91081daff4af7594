"""The prediction log: what was predicted, for which inputs, by which model; and what really happened.

It is there to watch the model, and must never harm a prediction: see `recorder`. Only inputs that
the schema declares loggable are kept, and only for so many days: see `retention`.
"""

from app.prediction_log.recorder import Counts, Recorder
from app.prediction_log.writing import Record

__all__ = ["Counts", "Record", "Recorder"]
