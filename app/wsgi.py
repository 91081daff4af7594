"""The application as a server finds it: `app.wsgi:app`, with the choices of the environment."""

import gc
import sys

import scipy.special  # noqa: F401 (first: skops asks all that is loaded whose each of its functions is, in this order)

from app import create_app, logs
from app.config import Config
from holdfast.errors import UserError

logs.configure()
gc.disable()  # all that is loaded stays: to search it for garbage over and over takes a tenth of the start
try:
    app = create_app(Config.from_environment())
except UserError as error:
    sys.exit(str(error))
finally:
    gc.enable()
