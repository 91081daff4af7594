"""Run migrations on the connection that `app.prediction_log.migrating` hands over.

There is no other way in: no alembic.ini, no URL, no transaction or logging of its own.
"""

from alembic import context

from app.prediction_log.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
