"""The pages for people: a form with its result, a table of rows in and out, the model card.

Everything works without scripts: forms are posted, a result is a page, a file is a download. What the one script adds
is a progress bar and buttons that copy. No page loads anything from elsewhere, and none has a style or a script inside,
so that the policy of the service can forbid both.
"""

import hashlib
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_wtf.csrf import CSRFError

from app import card, docs, form, result, saying, sheets, slices
from app.explanation import Explainer
from app.health import require_ready
from app.problems import FieldError, Problem
from app.security import csrf
from app.service import Service
from app.words import checked as words_to_row
from app.words import words_of
from holdfast.errors import UserError
from holdfast.targets import Kind

FOLDERS = {"static": Path(__file__).parent / "static", "docs.static": docs.FILES}
SAYS: dict[Kind, dict[str, str]] = {  # examples are those with the lowest and the highest score
    "binary": {
        "answer": "a chance", "ask": "How likely is it?", "lowest": "the least likely", "highest": "the most likely"
    },
    "classes": {
        "answer": "the likeliest class", "ask": "Which is it?", "lowest": "the least sure", "highest": "the surest"
    },
    "number": {
        "answer": "a number", "ask": "Predict it", "lowest": "the lowest", "highest": "the highest"
    },
}  # fmt: skip
LATE = "The page was open for too long, or the service was restarted since."


class Pages:
    """The views, for one model."""

    def __init__(self, service: Service, explainer: Explainer) -> None:
        self.service = service
        self.explainer = explainer
        self.bundle = service.bundle
        self.schema = service.schema

    def show_form(self) -> str:
        """Show the form, with one of the examples in it."""
        name = request.args.get("example", "typical")
        row = form.example(self.bundle, name if name in form.EXAMPLES else "typical")
        return render_template("form.html", form=form.filled(self.bundle, row), example=name)

    def predict(self) -> tuple[str, int]:
        """Show the result for what was typed, or what is wrong with it."""
        words = {name: request.form.get(form.PREFIX + name, "") for name in self.schema.columns}
        try:
            csrf.protect()
        except CSRFError as error:
            shown = form.form_of(self.bundle, words, ())
            return render_template("form.html", form=shown, late=error.description), HTTPStatus.BAD_REQUEST
        require_ready(self.service)
        checked = words_to_row(words, self.service.reader)
        if isinstance(checked, list):
            shown = form.form_of(self.bundle, words, [_for_people(error) for error in checked])
            return render_template("form.html", form=shown), HTTPStatus.UNPROCESSABLE_ENTITY
        (prediction,) = self.service.predictor.predict([checked], source="page")
        found = result.result_of(self.bundle, self.explainer, checked, prediction)
        return render_template("form.html", form=form.form_of(self.bundle, words, ()), result=found), HTTPStatus.OK

    def show_batch(self) -> str:
        """Show where a file can be chosen."""
        return render_template("batch.html", error=None)

    def score_file(self) -> Response | tuple[str, int]:
        """Answer a file of rows with a file of scores, or say what is wrong with it."""
        try:
            csrf.protect()
            require_ready(self.service)
            sheet = self._sheet()
        except CSRFError:
            return _refused(UserError(LATE, fix="reload this page, and choose the file again"), HTTPStatus.BAD_REQUEST)
        except UserError as error:
            return _refused(error, HTTPStatus.UNPROCESSABLE_ENTITY)
        answer = Response(
            sheets.scored(sheet, self.service.reader, self.service.predictor), content_type="text/csv; charset=utf-8"
        )
        answer.headers["Content-Disposition"] = 'attachment; filename="scores.csv"'
        answer.headers["X-Rows"] = str(len(sheet.lines))
        return answer

    def template(self) -> Response:
        """Answer with a file to fill in: the header, and one example below it."""
        row = words_of(form.example(self.bundle, "typical"), self.schema)
        answer = Response(sheets.template(row), content_type="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = 'attachment; filename="rows.csv"'
        return answer

    def show_card(self) -> str:
        """Show what is known of the model."""
        row, address = form.example(self.bundle, "typical"), url_for("api.predict", _external=True)
        return render_template(
            "card.html",
            figures=card.figures(self.bundle),
            origin=card.origin(self.bundle),
            importance=card.importance(self.schema.target.kind),
            slices=list(slices.slice_lines(self.bundle)),
            curl=card.curl(address, row),
            python=card.python(address, row),
        )

    def common(self) -> dict[str, Any]:
        """Return what every template may use."""
        target = self.schema.target
        return {
            "bundle": self.bundle,
            "schema": self.schema,
            "target": target,
            "positive": saying.label_words(target.answers[-1]) if target.kind == "binary" else "",
            "negative": saying.label_words(target.answers[0]) if target.kind == "binary" else "",
            "called": partial(saying.called, target=target),
            "chance": saying.chance,
            "figure": form.figure,
            "answer_title": partial(result.title, target=target),
            "says": SAYS[target.kind],
            "quantity": partial(saying.quantity, schema=self.schema),
            "moved_by": partial(saying.moved_by, schema=self.schema),
            "give_or_take": partial(saying.give_or_take, schema=self.schema),
            "slice_columns": slices.columns(self.schema),
            "slice_note": slices.note(self.schema),
            "question": result.question(self.schema),
            "late_words": LATE,
            "drawn": result.drawn(self.schema),
            "percent": saying.percent,
            "period": saying.period(self.bundle.card),
            "max_rows": self.service.reader.max_rows,
            "prefix": form.PREFIX,
            "static": _static,
        }

    def _sheet(self) -> sheets.Sheet:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise UserError("No file was chosen.", fix="choose a CSV file")
        return sheets.read(file.read(), self.schema, self.service.reader.max_rows)


def blueprint(service: Service, explainer: Explainer) -> Blueprint:
    """Return the pages for a model."""
    pages, made = Pages(service, explainer), Blueprint("pages", __name__)
    made.add_url_rule("/", view_func=pages.show_form)
    made.add_url_rule("/", view_func=pages.predict, methods=["POST"])
    made.add_url_rule("/batch", view_func=pages.show_batch)
    made.add_url_rule("/batch", view_func=pages.score_file, methods=["POST"])
    made.add_url_rule("/rows.csv", view_func=pages.template)
    made.add_url_rule("/card", view_func=pages.show_card)
    made.app_context_processor(pages.common)
    return made


def _refused(error: UserError, status: HTTPStatus) -> tuple[str, int]:
    """Say what is wrong with a file: on the page, or to its script as a problem."""
    if not request.accept_mimetypes.accept_html:
        raise Problem(status, f"{error.problem} To mend it: {error.fix}.")
    return render_template("batch.html", error=error), status


def _for_people(error: FieldError) -> FieldError:
    """Return an error in the words of a form, where nothing is called null."""
    found = {"nothing": "an empty field"}.get(error.found, error.found)
    return error.model_copy(update={"found": found, "expected": error.expected.removesuffix(", or null")})


def _static(name: str, endpoint: str = "static") -> str:
    """Return the address of a file that we ship, which changes when its content does: so it can be kept for long."""
    return url_for(endpoint, filename=name, v=_version(FOLDERS[endpoint] / name))


@cache
def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
