"""The application as a server finds it: `app.wsgi:app`, with the choices of the environment."""

import sys

from app import create_app, logs
from app.config import Config
from holdfast.errors import UserError

logs.configure()
try:
    app = create_app(Config.from_environment())
except UserError as error:
    sys.exit(str(error))
