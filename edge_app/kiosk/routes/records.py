"""Routes for the record: the list, a report, a signed result as DICOM, and exports."""

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from edge_app.errors import StoreError
from edge_app.kiosk.language import language_of, say
from edge_app.kiosk.login import COOKIE as SESSION_COOKIE
from edge_app.kiosk.views.document import Frame
from edge_app.kiosk.views.record_list import record_list
from edge_app.kiosk.views.report import report
from edge_app.kiosk.views.statistics import site_statistics
from edge_app.records.export import to_csv, to_json
from edge_app.records.record import FINDINGS, Record
from edge_app.records.site import clinic_name
from edge_app.workflow.reading_service import ReadingService
from edge_app.workflow.record_search import MAX_SEARCH, SHOWN, Search, find_films
from edge_app.workflow.result_image import result_image, result_lines
from edge_app.workflow.secondary_capture import secondary_capture

LAST_PAGE = 10_000


def frame_of(service: ReadingService, request: Request, base: str = "") -> Frame:
    """What stands around a page that was asked for; raises `StoreError` when the record cannot be read."""
    language = language_of(request.cookies, request.headers.get("accept-language", ""))
    clinic, waiting = clinic_name(service.store()), len(service.waiting())
    return Frame(language, clinic, waiting, service.predictor.card.phantom, SESSION_COOKIE in request.cookies, base)


def add_record_routes(app: FastAPI, service: ReadingService) -> None:
    """Add them."""

    @app.get("/record")
    def records(request: Request, q: str = "", show: str = "", page: int = 1) -> HTMLResponse:
        """The films of the site, searched and by pages."""
        frame = frame_of(service, request)
        text = q.strip()[:MAX_SEARCH]
        found = tuple(key for key in FINDINGS if text.lower() in say(frame.language, f"finding_{key}").lower())
        search = Search(text, found, show if show in SHOWN else "", min(max(page, 1), LAST_PAGE))
        films, count = find_films(service.store(), search)
        about = "" if text or show or page > 1 else _statistics(service, frame.language)
        return HTMLResponse(record_list(films, count, search, frame, service.ask_first, about))

    @app.get("/report/{record_id}")
    def one_record(record_id: str, request: Request) -> HTMLResponse:
        """One record on one page."""
        case = service.recorded(record_id)
        if case is None:
            return HTMLResponse("There is no such record.", 404)
        history, frame = service.history(record_id), frame_of(service, request, "../")
        return HTMLResponse(report(case, service.predictor.card, history, frame, service.ask_first))

    @app.get("/dicom/{record_id}")
    def dicom(record_id: str) -> Response:
        """A signed result as a Secondary Capture, while its DICOM film is in memory."""
        case = service.recorded(record_id)
        if case is None:
            return PlainTextResponse("There is no such record.", 404)
        if case.origin is None:
            return PlainTextResponse("Only for DICOM films, and only while they are in memory.", 409)
        if case.review is None:
            return PlainTextResponse("Nobody has signed it: drafts are not filed.", 409)
        lines = result_lines(case, service.predictor.card)
        content = secondary_capture(case.origin, result_image(case, lines), "\n".join(lines), record_id, case.review.at)
        service.store().note("kiosk", "export", record_id, "application/dicom")
        name = f'attachment; filename="{record_id}.dcm"'
        return Response(content, media_type="application/dicom", headers={"content-disposition": name})

    @app.get("/export.csv")
    def export_csv() -> Response:
        """Every record as CSV."""
        return _exported(service, to_csv(_exportable(service)), "text/csv")

    @app.get("/export.json")
    def export_json() -> Response:
        """Every record as JSON."""
        return _exported(service, to_json(_exportable(service)), "application/json")

    @app.exception_handler(StoreError)
    def no_record(_: Request, error: StoreError) -> Response:
        """Say that the record failed, instead of a bare 500."""
        return PlainTextResponse(f"The record is not available: {error}", 503)


def _statistics(service: ReadingService, language: str) -> str:
    return site_statistics(service.store(), service.predictor.card, service.predictor.identity.sha256, language)


def _exportable(service: ReadingService) -> list[Record]:
    """All records; where readers are asked first, those that nobody has read are left out: they tell the answer."""
    records = service.store().records()
    return [record for record in records if record.status != "draft"] if service.ask_first else records


def _exported(service: ReadingService, content: str, kind: str) -> Response:
    service.store().note("kiosk", "export", detail=kind)
    name = f"records.{kind.rpartition('/')[2]}"
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})
