"""Dates and times in UTC; it needs only Python."""

from datetime import UTC, datetime


def utc_time(value: str | datetime) -> datetime:
    """Return a time in UTC; text is read by ISO 8601, and is in UTC where it names no zone.

    Raises:
        ValueError: The text is not a date and time, or its year in UTC is out of range.
    """
    # FastAPI passes a parameter's default, which is a datetime, through its validator too.
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    try:
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        raise ValueError("the year is out of range") from None
