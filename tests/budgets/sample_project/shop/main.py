"""The shop's application."""

from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import Response, StreamingResponse
from sqlalchemy.orm import Session

from shop.database import session
from shop.exports import chunks, csv_lines

app = FastAPI()


@app.get("/orders.csv")
def export_orders(session: Annotated[Session, Depends(session)], rows: int = 1_000_000) -> Response:
    """Export orders as CSV."""
    return StreamingResponse(chunks(csv_lines(session, rows)), media_type="text/csv")
